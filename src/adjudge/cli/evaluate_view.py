"""An evaluation for a person: the verdict first, then the table it rests on."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..evaluate.result import Comparison, Evaluation, Loss, VerdictKind
from .console import visible
from .figures import Figures

__all__ = ["show_evaluation"]

INDENT = 2
_LOSSES = 3  # of the first reranker
_TEXT = 90  # characters

_STYLES: dict[VerdictKind, str] = {
    "helps": "bold green",
    "does_not_help": "bold yellow",
    "hurts": "bold red",
    "cannot_tell": "bold yellow",
    "not_reranked": "bold",
}


def show_evaluation(console: Console, found: Evaluation, *, quiet: bool = False) -> None:
    """Print it; with `quiet`, only the verdict and the tables."""
    console.print(Text(visible(found.verdict.sentence), style=_STYLES[found.verdict.kind]), soft_wrap=True)
    for comparison in found.comparisons[1:]:
        console.print(Text(_said(comparison), style="dim"), soft_wrap=True)
    console.print()
    console.print(_indented(_systems(found)))
    if found.comparisons:
        console.print()
        console.print(_indented(_gains(found)))
        console.print(Text(f"  {_how(found)}", style="dim italic"), soft_wrap=True)
        if len(found.comparisons[0].languages) > 1:
            console.print()
            console.print(_indented(_languages(found.comparisons[0], found.settings.main)))
    if any(system.cost is not None for system in found.systems):
        console.print()
        console.print(_indented(_costs(found)))
    if quiet:
        return
    for line in _losses(found):
        console.print(line, soft_wrap=True)
    console.print()
    for note in _notes(found):
        console.print(Text(note, style="yellow"), soft_wrap=True)
    console.print(Text(_where(found), style="dim"), soft_wrap=True)


def _said(comparison: Comparison) -> str:
    who = f"{visible(comparison.system)}: " if comparison.kind == "gain" else ""
    return f"{who}{visible(comparison.verdict.sentence)}"


def _systems(found: Evaluation) -> Table:
    measures = found.settings.measures
    table = _table("", *measures)
    best = {measure: max(system.means[measure].mean for system in found.systems) for measure in measures}
    for system in found.systems:
        means = {measure: system.means[measure].mean for measure in measures}
        values = [Text(f"{mean:.3f}", style="bold" if mean == best[measure] else "") for measure, mean in means.items()]
        table.add_row(Text(visible(system.name)), *values)
    return table


def _costs(found: Evaluation) -> Table:
    table = _table("", "ms a query", "95 % below", "ms a pair", "memory", "loaded in")
    for system in found.systems:
        cost = system.cost
        if cost is not None:
            table.add_row(
                Text(visible(system.name)),
                f"{cost.query_ms.p50:,.1f}",
                f"{cost.query_ms.p95:,.1f}",
                "" if cost.pair_ms is None else f"{cost.pair_ms.p50:,.2f}",
                "" if cost.memory_mib is None else f"{cost.memory_mib:,.0f} MiB",
                "" if cost.load_ms is None else f"{cost.load_ms / 1e3:,.1f} s",
            )
    return table


def _gains(found: Evaluation) -> Table:
    table = _table(f"gain in {found.settings.main}", "", "95 % interval", "p", "wins", "ties", "losses")
    for comparison in found.comparisons:
        change = comparison.changes[found.settings.main]
        name = comparison.system if comparison.kind == "gain" else f"{comparison.system} over {comparison.baseline}"
        style = "green" if change.low > 0 else "red" if change.high < 0 else ""
        table.add_row(
            Text(visible(name)),
            Text(f"{change.difference:+.3f}", style=style),
            f"{change.low:+.3f} to {change.high:+.3f}",
            _chance(comparison.p_corrected),
            *(f"{count:,}" for count in (comparison.wins, comparison.ties, comparison.losses)),
        )
    return table


def _languages(comparison: Comparison, main: str) -> Table:
    table = _table(f"{main} by language", "queries", "before", "after", "", "95 % interval")
    for language, change in comparison.languages.items():
        table.add_row(
            Text(visible(language)),
            f"{change.queries:,}",
            f"{change.before:.3f}",
            f"{change.after:.3f}",
            f"{change.difference:+.3f}",
            f"{change.low:+.3f} to {change.high:+.3f}",
        )
    return table


def _losses(found: Evaluation) -> Iterator[Text]:
    if not found.comparisons or not found.comparisons[0].worst_losses:
        return
    yield Text()
    yield Text(f"worst losses of {visible(found.comparisons[0].system)}", style="bold")
    for loss in found.comparisons[0].worst_losses[:_LOSSES]:
        yield from _loss(loss, found.settings.main)


def _loss(loss: Loss, main: str) -> Iterator[Text]:
    yield Text.assemble(f"  {_short(loss.text)}", (f"  {main} {loss.before:.2f} -> {loss.after:.2f}", "red"))
    for name, top in (("before", loss.top_before), ("after", loss.top_after)):
        if top:
            mark = ("+", "green") if top[0].relevant else ("-", "dim")
            yield Text.assemble((f"    {name:<6} ", "dim"), mark, f" {_short(top[0].text)}")


def _notes(found: Evaluation) -> Iterator[str]:
    for problem in found.data.problems:
        shown = ", ".join(visible(example) for example in problem.examples)
        yield f"data: {problem.message} ({shown}{', ...' if problem.count > len(problem.examples) else ''})"
    for warning in found.warnings:
        yield f"note: {visible(warning)}"
    for system in found.systems:
        for warning in system.warnings:
            yield f"note: {visible(system.name)}: {visible(warning)}"


def _how(found: Evaluation) -> str:
    gains = found.comparisons[0].corrected_for
    corrected = "" if gains == 1 else f", corrected for {gains} rerankers (Holm)"
    return f"paired over {found.data.queries:,} queries; bootstrap intervals, p by permutation{corrected}"


def _where(found: Evaluation) -> str:
    ceiling = found.data.recall_of_candidates
    seen = "" if ceiling is None else f", which hold {ceiling:.1%} of the relevant"
    return (
        f"{visible(found.data.name)}: {found.data.queries:,} queries, {found.data.documents:,} documents; {found.settings.candidates} "
        f"candidates of {visible(found.settings.retriever)}{seen}; {found.machine.processor}, {found.machine.cores} cores"
    )


def _chance(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _short(text: str) -> str:
    flat = visible(text)
    return flat if len(flat) <= _TEXT else f"{flat[: _TEXT - 1]}…"


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(first, overflow="fold", min_width=12)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _indented(table: Table) -> Padding:
    return Padding(Figures(table), (0, 0, 0, INDENT))

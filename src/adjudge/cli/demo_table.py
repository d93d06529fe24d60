"""How `adjudge demo` looks: at its best from 80 columns up, on light and dark terminals, without colours, and in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .bars import Bar, share
from .demo_run import Case, Demo, DemoPassage, Outcome, Reading, Runner, Verdict
from .excerpt import Excerpt
from .figures import Figures

__all__ = ["show_demo"]

WIDEST = 120  # columns; longer lines are tiring to read
NARROW = 60  # columns; below that the passage needs the room of the bars
INDENT = 3
LINES = 20  # more than any passage of the demo takes
VECTORS, JUDGE = ("vectors", "bold cyan"), ("judge", "bold magenta")

SHADES = ((" ", ""), ("░", "#6b7280"), ("▒", "#4b7768"), ("▓", "#2a7a5a"), ("█", "#05734a"))
"""Glyph and ground of a cell, from the lowest fifth to the highest. Figures are white on these grounds, so that they read alike on
light and dark terminals; the glyph has the colour of its ground, so it shows only where there are no colours."""

VERDICTS = {
    (True, True): "Both put an answer first.",
    (False, True): "The vectors fall for the words. The judge does not.",
    (True, False): "The judge is wrong here, and the vectors are right.",
    (False, False): "Both are wrong here: what stands first does not answer.",
}
"""(vectors right, judge right) in plain words."""


def show_demo(demo: Demo, console: Console) -> None:
    """Write the whole demo."""
    width = min(console.width, WIDEST)
    for part in _parts(demo, bars=width >= NARROW):
        console.print(part, width=width, highlight=False)


def _parts(demo: Demo, *, bars: bool) -> Iterator[RenderableType]:
    yield from _opening(demo)
    for number, (case, outcomes) in enumerate(demo.cases, start=1):
        yield ""
        yield from _title(number, case, outcomes)
        if len(outcomes) == 1:
            yield from _single(outcomes[0], bars=bars)
        else:
            yield from _several(case, outcomes)
    yield ""
    yield _counts(demo.outcomes)
    yield ""
    yield _steps(demo)


def _opening(demo: Demo) -> Iterator[RenderableType]:
    yield _text(("adjudge demo", "bold"), ("  the keyword trap", ""))
    yield "Vectors find passages that look like the question. The judge reads both together: does the passage answer?"
    yield ""
    yield _text(VECTORS, (f"  cosine similarity, {_runner(demo.vectors)}", ""))
    yield _text(JUDGE, (f"    score in 0..1, {_runner(demo.judge)}", ""))
    no_answer = (" shares its words or its subject, and does not answer", "")
    yield _text(_mark(answers=True), (" answers the question   ", ""), _mark(answers=False), no_answer)


def _runner(runner: Runner) -> str:
    edition = f" (edition {runner.revision})" if runner.model == "embedded" else ""
    return f"{runner.model}{edition} on {runner.traits.backend}, {runner.traits.device}, {runner.traits.precision}"


def _title(number: int, case: Case, outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    one = outcomes[0].question
    title, aside = (one.text, one.lang) if len(outcomes) == 1 else (case.gloss, ", ".join(o.question.lang for o in outcomes))
    yield _text((f"{number}".ljust(INDENT), "bold"), (title, "bold"), (f"  {aside}", "dim"))
    if len(outcomes) == 1 and case.gloss:
        yield _indented(_text((case.gloss, "dim")))
    yield _indented(_text((f"Trap: {case.trap}", "dim")))


def _single(outcome: Outcome, *, bars: bool) -> Iterator[RenderableType]:
    """One question: its passages in the judge's order, with both places and both values."""
    table = _table()
    bar = [("", "")] if bars else []
    for heading, style in (VECTORS, *bar, ("", ""), JUDGE, *bar, ("", ""), ("passage", "dim")):
        table.add_column(heading, header_style=style, no_wrap=heading != "passage")
    for reading in sorted(outcome.readings, key=lambda r: r.after):
        table.add_row(
            *_placed(reading.before, reading.similarity, bars=bars),
            _move(reading),
            *_placed(reading.after, reading.score, bars=bars),
            _text(_mark(answers=reading.passage.answers)),
            _passage(reading.passage),
        )
    yield _indented(table)
    vectors, judge = outcome.vectors.first, outcome.judge.first
    said = f"  {VERDICTS[vectors, judge]}"
    yield _indented(_text(("vectors ", "cyan"), _right(vectors), ("  judge ", "magenta"), _right(judge), (said, "")))


def _placed(place: int, value: float, *, bars: bool) -> Iterator[RenderableType]:
    yield _text((f"{place} ", "bold"), (f" {value:5.3f}", ""))
    if bars:
        yield Bar(share(value, logit=False), width=6)


def _move(reading: Reading) -> Text:
    risen = reading.before - reading.after
    if risen == 0:
        return _text(("→ ", "dim"))
    return _text((f"↑{risen}", "bold green")) if risen > 0 else _text((f"↓{-risen}", "bold red"))


def _several(case: Case, outcomes: Sequence[Outcome]) -> Iterator[RenderableType]:
    """Several questions of one meaning: a matrix for each of the two, what the columns are, and the verdict."""
    table = _table()
    table.add_column("")
    for passage in case.passages:
        label = (f" {passage.label}", "" if passage.answers else "dim")
        table.add_column(_text(_mark(answers=passage.answers), label), width=len("█ 0.000"))
    table.add_column("")
    _block(table, VECTORS, outcomes, lambda r: r.similarity, lambda o: o.vectors)
    _block(table, JUDGE, outcomes, lambda r: r.score, lambda o: o.judge)
    yield _indented(Figures(table))
    yield _indented(_text(("Each block is shaded from its lowest value to its highest.", "dim")))
    yield ""
    yield _indented(_legend(case))
    above = sum(o.vectors.all_above for o in outcomes), sum(o.judge.all_above for o in outcomes)
    said = f": every answer above all the rest. Vectors {above[0]} of {len(outcomes)}, judge {above[1]} of {len(outcomes)}."
    yield _indented(_text(_right(True), (said, "")))


def _block(
    table: Table,
    head: tuple[str, str],
    outcomes: Sequence[Outcome],
    value: Callable[[Reading], float],
    verdict: Callable[[Outcome], Verdict],
) -> None:
    values = [value(reading) for outcome in outcomes for reading in outcome.readings]
    if table.row_count:
        table.add_row("")
    table.add_row(_text(head))
    for outcome in outcomes:
        cells = [_shaded(value(reading), min(values), max(values)) for reading in outcome.readings]
        table.add_row(outcome.question.text, *cells, _text(_right(verdict(outcome).all_above)))


def _shaded(value: float, low: float, high: float) -> Text:
    part = (value - low) / (high - low) if high > low else 0.0
    glyph, ground = SHADES[min(int(part * len(SHADES)), len(SHADES) - 1)]
    if not ground:
        return _text((f"{glyph} {value:5.3f}", "dim"))
    return _text((glyph, f"{ground} on {ground}"), (f" {value:5.3f}", f"#ffffff on {ground}"))


def _legend(case: Case) -> Table:
    table = _table()
    table.show_header = False
    for passage in case.passages:
        table.add_row(_text(_mark(answers=passage.answers)), passage.label, _passage(passage))
    return table


def _counts(outcomes: Sequence[Outcome]) -> Figures:
    table = _table()
    table.add_column(f"of {len(outcomes)} questions", header_style="bold", min_width=26)
    for name, style in (VECTORS, JUDGE):
        table.add_column(name, justify="right", header_style=style)
    table.add_row("an answer comes first", str(sum(o.vectors.first for o in outcomes)), str(sum(o.judge.first for o in outcomes)))
    above = sum(o.vectors.all_above for o in outcomes), sum(o.judge.all_above for o in outcomes)
    table.add_row("every answer above the rest", *map(str, above))
    return Figures(table)


def _steps(demo: Demo) -> Figures:
    table = _table()
    table.add_column("milliseconds", header_style="bold", min_width=26)
    for heading in ("load", "tokenise", "forward", "total"):
        table.add_column(heading, justify="right")
    for name, step in (("vectors", demo.vectors_step), ("judge", demo.judge_step)):
        table.add_row(name, *(f"{ms:,.1f}" for ms in (step.load_ms, step.tokenise_ms, step.forward_ms, step.total_ms)))
    table.add_row("both, loaded side by side", "", "", "", f"{demo.total_ms:,.1f}")
    return Figures(table)


def _passage(passage: DemoPassage) -> Excerpt:
    return Excerpt(passage.text, LINES, "" if passage.answers else "dim")


def _mark(*, answers: bool) -> tuple[str, str]:
    return ("●", "green") if answers else ("○", "dim")


def _right(right: bool) -> tuple[str, str]:
    return ("✓", "bold green") if right else ("✗", "bold red")


def _text(*parts: tuple[str, str]) -> Text:
    return Text.assemble(*parts)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, INDENT), expand=False)


def _table() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)

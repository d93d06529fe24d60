"""A reference and a report for a person."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..monitor import DriftConfig, Reference
from ..monitor.null import ks_threshold, psi_threshold
from .console import visible
from .figures import Figures
from .monitor_report import Report

__all__ = ["shares_line", "show_reference", "show_report"]

_BLOCKS, _PLAIN = "▁▂▃▄▅▆▇█", "_.-~=+*#"
_NARROW, _VERY_NARROW = 84, 74  # cells: below them the shares have no room, and thresholds neither


def show_reference(console: Console, reference: Reference, target: Path | None, *, quiet: bool = False) -> None:
    """What was stored, and how much would have to change for an alarm; with `quiet`, no advice."""
    console.print(_headline(("reference", "bold green"), reference, "of "), soft_wrap=True)
    console.print()
    shares = {"5 %": 0.05, "median": 0.5, "95 %": 0.95} if console.width >= _VERY_NARROW else {"median": 0.5}
    table = _table(("", "left"), *((name, "right") for name in (*shares, "PSI alarms", "KS alarms")))
    config = DriftConfig()
    for name, own in reference.quantities.items():
        places = [_number(own.sketch.quantile(share)) for share in shares.values()]
        limits = [_limits(own, config, own.sketch.n / reference.queries, size) for size in (config.short_queries, config.long_queries)]
        table.add_row(name.replace("_", " "), *places, *(" / ".join(f"{one[i]:.2f}" for one in limits) for i in (0, 1)))
    console.print(Padding(Figures(table), (0, 0, 0, 2), expand=False))
    console.print(Text(f"  alarms above these, of the last {config.short_queries:,} / {config.long_queries:,} queries", style="dim italic"))
    console.print()
    if target is None:
        return
    console.print(Text.assemble(("written  ", "bold"), visible(str(target))), soft_wrap=True)
    if not quiet:
        said = f"adjudge monitor report SCORES --baseline {target}"
        console.print(Text.assemble(("use it   ", "bold"), visible(said)), soft_wrap=True)


def show_report(console: Console, report: Report, reference: Reference, *, quiet: bool = False) -> None:
    """The distances, and when the sliding windows alarmed; with `quiet`, no notes."""
    word = ("moved", "bold red") if report.drifting else ("no change", "bold green")
    console.print(_headline(word, reference, "reference of "), soft_wrap=True)
    console.print()
    console.print(Padding(Figures(_distances(console, report)), (0, 0, 0, 2), expand=False))
    console.print()
    for line in _sliding(report):
        console.print(line, soft_wrap=True)
    if quiet:
        return
    for note in report.differences:
        console.print(Text(f"note: {visible(note)}", style="yellow"), soft_wrap=True)
    if report.left_out:
        console.print(Text(f"note: {_count(report.left_out, 'query')} with another score type left out", style="yellow"), soft_wrap=True)
    if report.queries < report.config.short_queries:
        least = f"note: the sliding windows begin with {report.config.short_queries} queries, and there are {report.queries}"
        console.print(Text(least, style="yellow"), soft_wrap=True)


def shares_line(shares: Sequence[float], expected: Sequence[float], *, plain: bool) -> str:
    """A character for each bin: half as high as it can be where the bin holds what it held in the reference."""
    marks = _PLAIN if plain else _BLOCKS
    ratios = [now / before if before else 2.0 for now, before in zip(shares, expected, strict=True)]
    return "".join(marks[min(int(ratio * len(marks) / 2), len(marks) - 1)] for ratio in ratios)


def _headline(word: tuple[str, str], reference: Reference, of: str) -> Text:
    origin = reference.origin
    revision = f" {visible(origin.revision[:12])}" if origin.revision else ""
    made = f", {time.strftime('%Y-%m-%d', time.gmtime(origin.created))}" if origin.created else ""
    facts = f"{_count(reference.queries, 'query')}, {reference.quantities['score'].sketch.n:,} {origin.score_type} scores{made}"
    return Text.assemble(word, f"  {visible(origin.model)}{revision}", (f"  {of}{facts}", "dim"))


def _distances(console: Console, report: Report) -> Table:
    wide, narrow = console.width >= _NARROW, console.width < _VERY_NARROW
    names = ["median", "PSI", "KS"] if narrow else ["median", "before", "PSI", "alarm above", "KS", "alarm above"]
    table = _table((_count(report.queries, "query"), "left"), *((name, "right") for name in names))
    if wide:
        table.add_column("by tenths", no_wrap=True)
    for one in report.comparisons:
        psi, ks = (
            (Text(f"{distance:.3f}", style="bold red" if distance > threshold else "green"), Text(f"{threshold:.3f}", style="dim"))
            for distance, threshold in ((one.psi, one.psi_threshold), (one.ks, one.ks_threshold))
        )
        before = Text(_number(one.reference_median), style="dim")
        cells: list[Text | str] = [_number(one.median), *((psi[0], ks[0]) if narrow else (before, *psi, *ks))]
        if wide:
            cells.append(shares_line(report.shares[one.quantity], report.expected[one.quantity], plain=console.options.ascii_only))
        table.add_row(one.quantity.replace("_", " "), *cells)
    if wide:
        table.caption = "by tenths: what each tenth of the reference, lowest first, holds now; half a block is as much as then"
        table.caption_justify = "left"
    return table


def _sliding(report: Report) -> Iterator[Text]:
    config = report.config
    windows = f"sliding over the last {config.short_queries:,} and {config.long_queries:,} queries"
    if not report.looks:
        yield Text(f"{windows}: not one window is full", style="dim")
    elif not report.episodes:
        yield Text(f"{windows}: no alarm in {_count(report.looks, 'look')}", style="dim")
    for one in report.episodes:
        until = "to the end" if one.until is None else f"to query {one.until:,}"
        what = ", ".join(name.replace("_", " ") for name in one.quantities)
        yield Text(f"{windows}: alarm from query {one.begins:,} {until} ({what})", style="red" if one.until is None else "yellow")


def _limits(own: object, config: DriftConfig, per_query: float, size: int) -> tuple[float, float]:
    from ..monitor.reference import QuantityReference

    assert isinstance(own, QuantityReference), "the reference holds nothing else"
    n, limits = max(round(per_query * size), 1), config.limits
    weights, variance = own.psi_weights(n, own.group_size), own.ks_variance(n, own.group_size)
    return max(limits.least_psi, psi_threshold(limits.chance, weights)), max(limits.least_ks, ks_threshold(limits.chance, variance))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _count(number: int, thing: str) -> str:
    plural = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else plural}"


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for title, side in columns:
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True)
    return table

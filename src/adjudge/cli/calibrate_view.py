"""A calibration for a person: what was fitted, what it is worth, and which cut-off keeps what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ..evaluate.calibration import CalibrationReport, Half, Recommendation
from ..evaluate.calibration_error import Bin
from .calibrate_report import Calibrated
from .console import visible
from .figures import Figures

__all__ = ["ReliabilityBar", "show_calibrated"]

INDENT = 2
_NARROW = 72  # cells; below that the diagram shows only what is new
_FEW = 100  # relevant pairs
_NEAR = 0.02  # a measured precision this much below the aim is still what was asked for


def show_calibrated(console: Console, found: Calibrated, target: Path | None, picture: Path | None, *, quiet: bool = False) -> None:
    """Print it; with `quiet`, without the notes below the tables."""
    report = found.report
    console.print(_headline(found))
    console.print()
    console.print(_indented(_facts(found)))
    console.print()
    console.print(_indented(Figures(_qualities(found))))
    console.print()
    console.print(_indented(Figures(_diagram(console, report))))
    console.print()
    if report.separates:
        console.print(_indented(Figures(_cutoffs(report), least=20)))  # a rule's name ends in a figure
        console.print(Text("  chosen on the fitted half; precision, recall and F1 are of the other", style="dim italic"))
        for line in _unreached(report):
            console.print(Text(f"  {line}", style="yellow"))
    else:
        console.print(Text.assemble(("no cut-off separates: ", "bold red"), report.why_not))
    if quiet:
        return
    console.print()
    for note in (*_notes(found), *_kept_in(found, target, picture)):
        console.print(note, soft_wrap=True)


def _headline(found: Calibrated) -> Text:
    word = ("calibrated", "bold green") if found.report.separates else ("calibrated, but no cut-off separates", "bold red")
    return Text.assemble(word, f"  {visible(found.model)}", (f"  {found.runtime}", "dim"))


def _facts(found: Calibrated) -> Table:
    report = found.report
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("data", Text(visible(", ".join(found.data))))
    grid.add_row("fitted on", _half(report.fitted_on))
    grid.add_row("measured on", f"{_half(report.measured_on)}, none of them fitted on")
    calibration = report.calibration
    grid.add_row(
        "score", f"sigmoid(logit / {calibration.temperature:.4g} {'-' if calibration.bias < 0 else '+'} {abs(calibration.bias):.4g})"
    )
    return grid


def _half(half: Half) -> str:
    queries = "1 query" if half.queries == 1 else f"{half.queries:,} queries"
    return f"{half.pairs:,} pairs of {queries}, {half.relevant / half.pairs:.1%} relevant"


def _qualities(found: Calibrated) -> Table:
    report = found.report
    table = _table(("", "left"), ("before", "right"), ("after", "right"), ("", "right"))
    for name, before, after in (
        ("expected calibration error", report.before.expected_error, report.after.expected_error),
        ("the same, bins of equal mass", report.before.equal_mass_error, report.after.equal_mass_error),
        ("Brier score", report.before.brier, report.after.brier),
    ):
        change = after - before
        style = "green" if change < 0 else "red" if change > 0 else "dim"
        table.add_row(name, f"{before:.4f}", Text(f"{after:.4f}", style="bold"), Text(f"{change:+.4f}", style=style))
    table.add_row("AUC", "", f"{report.auc:.4f}", Text(f"± {2 * report.auc_error:.3f}", style="dim"))
    return table


def _diagram(console: Console, report: CalibrationReport) -> Table:
    """Both reliability diagrams, a bin a line."""
    both = console.width >= _NARROW
    sides = {"before": report.bins_before, "after": report.bins_after} if both else {"after": report.bins_after}
    width = min(max((console.width - INDENT - 9 - 18 * len(sides)) // len(sides), 8), 32)
    table = _table(("score", "left"), *(column for name in sides for column in ((name, "left"), ("found", "right"), ("pairs", "right"))))
    lows = sorted({round(b.low, 6) for bins in sides.values() for b in bins})
    for low in lows:
        cells: list[object] = []
        for bins in sides.values():
            here = next((b for b in bins if round(b.low, 6) == low), None)
            cells += ["", "", ""] if here is None else [ReliabilityBar(here, width), f"{here.found:.2f}", f"{here.pairs:,}"]
        table.add_row(f"{low:.1f}-{low + 0.1:.1f}", *cells)  # type: ignore[arg-type]
    mark = "|" if console.options.ascii_only else "│"
    table.caption = f"bar: the share that is relevant; {mark}: what the scores say"
    table.caption_justify = "left"
    return table


@dataclass(frozen=True, slots=True)
class ReliabilityBar:
    """A bar as long as what was found in a bin, with a mark where the scores said it would end."""

    bin: Bin
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style("green" if self.bin.least <= self.bin.said <= self.bin.most else "yellow")
        yield Segment(self.text(plain=options.ascii_only), style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)

    def text(self, *, plain: bool) -> str:
        """Exactly `width` characters."""
        full, mark = ("#", "|") if plain else ("█", "│")
        length = round(self.bin.found * (self.width - 1))
        at = round(self.bin.said * (self.width - 1))
        line = (full * length).ljust(self.width)
        return line[:at] + mark + line[at + 1 :]


def _cutoffs(report: CalibrationReport) -> Table:
    names = ("cut-off", "precision", "recall", "F1", "kept")
    table = _table(("threshold", "left"), *((name, "right") for name in names))
    for one in report.recommended:
        kept = one.measured
        if kept is None:
            continue
        cut = "none" if one.rule == "keep all" else f"{kept.score:.3f}"
        precision = "-" if kept.precision is None else f"{kept.precision:.3f}"
        cells = [Text(precision), Text(f"{kept.recall:.3f}"), Text(f"{kept.f1:.3f}"), Text(f"{kept.share:.1%}")]
        _mark_aim(one, cells)
        table.add_row(one.rule, cut, *cells)
    return table


def _mark_aim(one: Recommendation, cells: list[Text]) -> None:
    """The number that was asked for, green where it was reached."""
    rule, _, aim = one.rule.partition(":")
    if one.measured is None or not aim:
        return
    value = one.measured.precision if rule == "precision" else one.measured.recall
    reached = value is not None and value >= float(aim) - _NEAR
    cells[0 if rule == "precision" else 1].stylize("bold green" if reached else "bold yellow")


def _unreached(report: CalibrationReport) -> Iterator[str]:
    missed = [one.rule for one in report.recommended if one.measured is None]
    if missed:
        yield f"not reached: {', '.join(missed)} (the best is {report.calibration.cutoffs[-1].precision:.3f})"


def _notes(found: Calibrated) -> Iterator[Text]:
    report = found.report
    if found.calibrated_before:
        yield Text('note: the model has a calibration; "before" is with it', style="yellow")
    if not report.separates:
        yield Text(
            "note: scores are calibrated all the same, but no threshold will tell good passages from others on data like this",
            style="yellow",
        )
    few = min(report.fitted_on.relevant, report.measured_on.relevant)
    if few < _FEW:
        yield Text(f"note: {few:,} relevant pairs in a half are few; with some hundreds these figures would be steadier", style="yellow")
    if report.after.expected_error > report.before.expected_error:
        yield Text("note: the error is no smaller than before; more labelled queries, or leave the scores as they are", style="yellow")
    share = report.measured_on.relevant / report.measured_on.pairs
    yield Text(
        f"this holds for queries and candidates like these; where the share of relevant passages is not near {share:.0%}, it shifts",
        style="dim",
    )


def _kept_in(found: Calibrated, target: Path | None, picture: Path | None) -> Iterator[Text]:
    if picture is not None:
        yield Text.assemble(("picture  ", "bold"), visible(str(picture)))
    if target is None:
        yield Text("nothing was written; --out FOLDER keeps the calibration", style="dim")
        return
    yield Text.assemble(("written  ", "bold"), visible(str(target)))
    own = str(target.parent) == str(Path(found.model).expanduser())
    options = [repr(found.model)] if own else [repr(found.model), f"calibration={str(target)!r}"]
    yield Text.assemble(("use it   ", "bold"), visible(f"Reranker({', '.join(options)}).rank(query, documents{_advice(found.report)})"))


def _advice(report: CalibrationReport) -> str:
    """A threshold to begin with: nine in ten of what is kept are right, else the best F1."""
    found = {one.rule: one.measured for one in report.recommended if one.measured is not None}
    if "precision:0.9" in found:
        return ', threshold="precision:0.9"'
    return f", threshold={found['best F1'].score:.3f}" if "best F1" in found else ""


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for title, side in columns:
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True)
    return table


def _indented(table: Table | Figures) -> Padding:
    return Padding(table, (0, 0, 0, INDENT), expand=False)

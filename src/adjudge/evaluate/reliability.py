"""The picture of a calibration: what scores said against what was found, before and after, and what each cut-off gives."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, MissingExtraError
from .calibration import CalibrationReport
from .calibration_error import Bin, Quality

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["check_picture", "draw_reliability"]

DARK, LIGHT, WARM, QUIET = "#253237", "#9db4c0", "#c8742b", "#8a949a"


def check_picture(path: Path) -> None:
    """Raise MissingExtraError without matplotlib, ConfigError for a file name whose ending is no picture. Draws nothing."""
    endings = _figure().canvas.get_supported_filetypes()
    ending = path.suffix.removeprefix(".").lower()
    if ending not in endings:
        raise ConfigError(f"the picture {path} needs an ending that says what it is: {', '.join(f'.{e}' for e in ('png', 'svg', 'pdf'))}")


def draw_reliability(report: CalibrationReport, path: Path, *, title: str = "") -> Path:
    """Write the picture; its ending says in which format (.png, .svg, .pdf). Everything but the curves is of the half not fitted on."""
    figure = _figure()
    heights = {"height_ratios": (4, 1)}
    left, right = figure.subfigures(1, 2, width_ratios=(2, 1.25))
    panels = left.subplots(2, 2, sharex="col", sharey="row", gridspec_kw=heights)
    for column, (name, bins, quality) in enumerate(
        (("before", report.bins_before, report.before), ("after", report.bins_after, report.after))
    ):
        _reliability(panels[0, column], name, bins, quality)
        _counts(panels[1, column], bins)
    panels[1, 0].set_ylim(0.7, 2 * max(b.pairs for b in (*report.bins_before, *report.bins_after)))
    panels[0, 0].set_ylabel("share that is relevant")
    panels[1, 0].set_ylabel("pairs")
    panels[0, 0].legend(frameon=False, loc="upper left", fontsize=9)
    _cutoffs(right.subplots(1, 1), report)
    if title:
        figure.suptitle(title.replace("$", r"\$"), x=0.01, ha="left", fontsize=12, fontweight="bold", color=DARK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():  # a file's name may be in a script that the font lacks: boxes are no reason to complain
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        figure.savefig(path, dpi=120)
    return path


def _figure() -> Any:
    """A canvas of its own: nothing of pyplot's shared state."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(package="matplotlib", extra="evaluate", what="the reliability picture") from None
    figure = Figure(figsize=(13, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _reliability(axes: Axes, name: str, bins: Sequence[Bin], quality: Quality) -> None:
    said, found = [b.said for b in bins], [b.found for b in bins]
    axes.plot((0, 1), (0, 1), color=QUIET, linewidth=1, linestyle="--", label="a perfect judge")
    axes.bar([b.low for b in bins], found, width=[b.high - b.low for b in bins], align="edge", color=LIGHT, alpha=0.45, linewidth=0)
    reach = [[b.found - b.least for b in bins], [b.most - b.found for b in bins]]
    axes.errorbar(
        said, found, yerr=reach, fmt="o", color=DARK, ecolor=DARK, elinewidth=1, markersize=4.5, label="found, and its 95% interval"
    )
    axes.set_title(f"{name}: expected calibration error {quality.expected_error:.3f}", fontsize=11, color=DARK)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.2)


def _counts(axes: Axes, bins: Sequence[Bin]) -> None:
    axes.bar(
        [b.low for b in bins],
        [b.pairs for b in bins],
        width=[0.92 * (b.high - b.low) for b in bins],
        align="edge",
        color=DARK,
        alpha=0.8,
        linewidth=0,
    )
    axes.set_yscale("log")
    axes.set_xlabel("score")
    axes.grid(alpha=0.2, axis="y")


def _cutoffs(axes: Axes, report: CalibrationReport) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="cut-off: keep scores from here on")
    axes.grid(alpha=0.2)
    rows = report.calibration.cutoffs
    if not report.separates:
        axes.set_title("no cut-off separates", fontsize=11, color=WARM)
        axes.text(0.5, 0.5, fill(report.why_not, 40), ha="center", va="center", color=DARK)
        return
    axes.set_title("what a cut-off gives", fontsize=11, color=DARK)
    scores = [row.score for row in rows]
    axes.plot(scores, [row.precision for row in rows], color=DARK, linewidth=1.8, drawstyle="steps-pre", label="precision (fitted half)")
    axes.plot(scores, [row.recall for row in rows], color=WARM, linewidth=1.8, drawstyle="steps-pre", label="recall (fitted half)")
    seen = [r.measured for r in report.recommended if r.measured is not None and r.rule != "keep all"]
    points = [(kept.score, kept.precision, kept.recall) for kept in seen if kept.precision is not None]
    for column, colour in ((1, DARK), (2, WARM)):
        label = "measured on the other half" if column == 1 else None
        axes.plot([p[0] for p in points], [p[column] for p in points], "o", color=colour, markersize=5, fillstyle="none", label=label)
    axes.legend(frameon=False, fontsize=9, loc="lower center")

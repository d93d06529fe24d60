"""Quality against compute as a picture: one line for keep, one for budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cascade_points import MEASURES

__all__ = ["draw"]

_AXES = (("gigaflop", "GFLOP a query (matrices of both models)"), ("ms", "ms a query, measured"))
_KEEP, _BUDGET, _APART = "#253237", "#e0a458", "#9db4c0"


def draw(rows: Sequence[dict[str, Any]], path: Path, *, title: str) -> Path:
    """Write a PNG (or whatever the suffix says) of `rows`, as cascade_points.summary makes them; gives back `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    kept = sorted((row for row in rows if row["budget_ms"] is None), key=lambda row: row["keep"])
    budgeted = sorted((row for row in rows if row["budget_ms"] is not None), key=lambda row: row["budget_ms"])
    for line, measure in zip(figure.subplots(len(MEASURES), len(_AXES), sharey="row"), MEASURES, strict=True):
        for axes, (across, label) in zip(line, _AXES, strict=True):
            _line(axes, kept, (across, measure), color=_KEEP, marker="o", label="keep")
            _line(axes, kept, (across, f"{measure} strong first"), color=_APART, linestyle=":", label="keep, read ones put first")
            _line(axes, budgeted, (across, measure), color=_BUDGET, marker="D", label="budget_ms")
            _labels(axes, kept, (across, measure), place=(4, -11), color=_KEEP)
            _labels(axes, budgeted, (across, measure), place=(-4, 7), color=_BUDGET)
            _logarithmic(axes, label)
            axes.margins(x=0.14, y=0.12)  # room for the labels of the outermost points
            axes.grid(alpha=0.25)
        line[0].set_ylabel(measure)
    figure.axes[0].legend(frameon=False, fontsize=8, loc="best")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path


def _labels(axes: Any, rows: Sequence[dict[str, Any]], names: tuple[str, str], *, place: tuple[int, int], color: str) -> None:
    across, up = names
    for row in rows:
        axes.annotate(row["point"], (row[across], row[up]), xytext=place, textcoords="offset points", fontsize=7, color=color)


def _logarithmic(axes: Any, label: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xlabel(label)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _line(axes: Any, rows: Sequence[dict[str, Any]], names: tuple[str, str], **style: Any) -> None:
    if rows:
        across, up = names
        axes.plot([row[across] for row in rows], [row[up] for row in rows], linewidth=1.4, markersize=5, **style)

"""Loss, learning rate and measures over the steps, as a picture."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..errors import MissingExtraError
from .checkpoint import History

__all__ = ["draw_curves"]


def draw_curves(history: History, path: Path) -> Path | None:
    """Write a PNG (or whatever the suffix says); None where there is nothing to draw."""
    if not history.steps:
        return None
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(package="matplotlib", extra="train", what="the picture of a training run") from None
    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True)
    steps = [record.step for record in history.steps]
    losses = np.array([record.loss for record in history.steps])
    top.plot(steps, losses, color="#9db4c0", linewidth=0.8, label="loss of a step")
    width = max(1, len(losses) // 40)
    if width > 1:
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        top.plot(steps[width - 1 :], smooth, color="#253237", linewidth=1.8, label=f"mean of {width} steps")
    top.set_ylabel("loss")
    top.legend(frameon=False, loc="upper right")
    rate = top.twinx()
    rate.plot(steps, [record.learning_rate for record in history.steps], color="#e0a458", linewidth=1, linestyle=":")
    rate.set_ylabel("learning rate (dotted)")
    names = sorted({name for e in history.evaluations for name in e.measures}, key=lambda n: (n != "nDCG@10", " of " in n, n))
    for name in names[:9]:
        points = [(e.step, e.measures[name]) for e in history.evaluations if name in e.measures]
        main = name == "nDCG@10"
        bottom.plot(*zip(*points, strict=True), marker="o", markersize=4 if main else 2, linewidth=2 if main else 0.9, label=name)
    if names:
        bottom.legend(frameon=False, fontsize=8, ncols=2, loc="lower right")
    bottom.set_xlabel("step")
    bottom.set_ylabel("on the dev groups")
    for axes in (top, bottom):
        axes.grid(alpha=0.25)
    with warnings.catch_warnings():  # a source may be named in a script that the font lacks: boxes in a legend are no reason to complain
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        figure.savefig(path, dpi=120)
    return path

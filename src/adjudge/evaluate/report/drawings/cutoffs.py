"""What keeping only scores from a cut-off on gives: precision, recall, F1, and how many documents are left."""

from __future__ import annotations

from collections.abc import Sequence

from ...result import CutOffPoint
from ..markup import Markup, group
from ..numbers import measure, plain, share
from ..scale import Scale, logarithmic
from ..svg import Frame, Point, axis_x, axis_y, dot, drawing, line, outline, text, text_width

__all__ = ["best_f1", "draw_cutoffs"]


_FEW = 0.1
"""Documents of a query; fewer make no difference to a reader."""


def best_f1(points: Sequence[CutOffPoint]) -> CutOffPoint:
    """The cut-off with the highest F1, the lowest of several."""
    return max(points, key=lambda point: (point.f1, -point.score))


def draw_cutoffs(points: Sequence[CutOffPoint], span: tuple[float, float], *, name: str, width: float) -> Markup:
    """Three curves over the cut-off, the best F1 marked; below them, documents kept of a query. `span`: the scores on the axis."""
    frame, lower = Frame(44.0, 30.0, width - 8.0, 164.0), Frame(44.0, 178.0, width - 8.0, 220.0)
    x = Scale(*span, frame.left, frame.right)
    y = Scale(0.0, 1.0, frame.bottom, frame.top)
    kept = logarithmic([max(_FEW, point.kept_per_query) for point in points], lower.bottom, lower.top)
    best = best_f1(points)
    curves = {"precision": [p.precision for p in points], "recall": [p.recall for p in points], "f1": [p.f1 for p in points]}
    scores = [point.score for point in points]
    left = _before(scores, [point.kept_per_query for point in points], x, kept)
    said = f"best F1 {measure(best.f1)} at {plain(best.score)}: precision {share(best.precision)}, recall {share(best.recall)}"
    return drawing(
        width,
        lower.bottom + 42,
        f"Cut-offs of {name}: {said}, {best.kept_per_query:.1f} documents kept of a query",
        axis_y(y, frame, share, count=4),
        axis_y(kept, lower, plain, count=1),
        axis_x(x, lower, plain, title="cut-off: scores from here on are kept"),
        *(line((x.at(t), frame.top), (x.at(t), frame.bottom), "grid") for t in x.ticks()),
        outline([(left[0][0], lower.bottom), *left, (left[-1][0], lower.bottom)], "kept", closed=True),
        line((x.at(best.score), frame.top), (x.at(best.score), lower.bottom), "best"),
        *(outline(_before(scores, values, x, y), f"curve {kind}") for kind, values in curves.items()),
        dot((x.at(best.score), y.at(best.f1)), "f1", title=said),
        text((lower.right - 4, lower.top + 8), "kept per query", "axis", anchor="end"),
        _legend(frame),
    )


def _before(scores: Sequence[float], values: Sequence[float], x: Scale, y: Scale) -> list[Point]:
    """A staircase whose steps end at their scores: a cut-off between two scores keeps what the higher of them keeps."""
    corners: list[Point] = []
    for score, value in zip(scores, values, strict=True):
        here = (x.at(score), y.at(value))
        corners += [(corners[-1][0] if corners else x.start, here[1]), here]
    return corners


def _legend(frame: Frame) -> Markup:
    parts, across = [], frame.left
    for kind, name in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
        parts += [line((across, 10.0), (across + 18, 10.0), f"curve {kind}"), text((across + 23, 10.0), name, "name")]
        across += 23 + text_width(name) + 14
    return group(*parts)

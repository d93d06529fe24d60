"""Whether scores are probabilities: what they say against what is found."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...result import ReliabilityBin
from ..markup import Markup, group
from ..numbers import count, measure, plain, share
from ..scale import Scale
from ..svg import Frame, axis_x, axis_y, dot, drawing, line, text

__all__ = ["draw_reliability_diagram"]


def draw_reliability_diagram(bins: Sequence[ReliabilityBin], *, name: str, expected_error: float | None, width: float) -> Markup:
    """A dot for each bin, larger where it holds more pairs, on its 95 % interval; on the diagonal, scores are what they say."""
    frame = Frame(44.0, 8.0, width - 8.0, 220.0)
    x, y = Scale(0.0, 1.0, frame.left, frame.right), Scale(0.0, 1.0, frame.bottom, frame.top)
    most = max(one.pairs for one in bins)
    error = "" if expected_error is None else f", expected calibration error {measure(expected_error)}"
    said = "; ".join(f"says {measure(one.said)}, found {measure(one.found)}" for one in bins)
    return drawing(
        width,
        frame.bottom + 42,
        f"Reliability of {name}{error}: {said}",
        axis_x(x, frame, plain, title="mean score of a bin"),
        axis_y(y, frame, share),
        line((x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)), "diagonal"),
        text((frame.left + 8, frame.top + 10), "share that is relevant", "axis"),
        *(_bin(one, x, y, most) for one in bins),
    )


def _bin(one: ReliabilityBin, x: Scale, y: Scale, most: int) -> Markup:
    across = x.at(one.said)
    title = f"{measure(one.low)} to {measure(one.high)}: {count(one.pairs)} pairs say {measure(one.said)}, {share(one.found)} are relevant"
    return group(
        line((across, y.at(one.least)), (across, y.at(one.most)), "whisker s1"),
        dot((across, y.at(one.found)), "s1", radius=2.5 + 4.5 * math.sqrt(one.pairs / most), title=title),
    )

"""Quality against time, with the Pareto front: the rerankers that no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...result import Estimate
from ..labels import Label, place_labels
from ..markup import Markup, group
from ..numbers import measure as shown
from ..numbers import milliseconds, plain, time_tick
from ..scale import Scale, linear, logarithmic
from ..svg import Frame, Point, axis_x, axis_y, dot, drawing, line, outline, shorten, text
from . import COMPACT, colour

__all__ = ["Timed", "draw_tradeoff", "pareto_front"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A reranker's quality and what it costs."""

    name: str
    position: int  # in the evaluation's systems: its colour
    quality: Estimate
    p50: float  # milliseconds for a query
    p95: float


def pareto_front(points: Sequence[Timed], baseline: float) -> tuple[Timed, ...]:
    """From fast to slow, each better than all that are faster, and than doing nothing. Of equals in both, the first."""
    found: list[Timed] = []
    best = baseline
    for point in sorted(points, key=lambda one: (one.p50, -one.quality.mean)):
        if point.quality.mean > best:
            found.append(point)
            best = point.quality.mean
    return tuple(found)


def draw_tradeoff(points: Sequence[Timed], baseline: Estimate, *, names: tuple[str, str], width: float) -> Markup:
    """A dot for each reranker: further up is better, further left is faster. `names`: the measure's and the first stage's."""
    measure, first_stage = names
    compact = width < COMPACT
    frame = Frame(48.0, 30.0, width - 10.0, 240.0 if len(points) == 1 else 300.0 if compact else 350.0)
    x = _time_scale(points, frame)
    y = linear([baseline.mean, *(v for p in points for v in (p.quality.low, p.quality.high))], frame.bottom, frame.top, within=(0.0, 1.0))
    front = pareto_front(points, baseline.mean)
    level = y.at(baseline.mean)
    alone = shorten(f"{first_stage} alone", frame.right - frame.left - 8)
    under = level + (12 if level < frame.bottom - 20 else -10)
    labels = [Label(shorten(p.name, 0.6 * width), _place(p, x, y), f"name {colour(p.position)}") for p in points]
    taken = [((frame.right - 120, under - 7), (frame.right, under + 7)), *(box for p in points for box in _whiskers(p, x, y))]
    return drawing(
        width,
        frame.bottom + 42,
        _spoken(points, front, baseline, names),
        text((0.0, 10.0), f"{measure}, mean with its 95 % interval", "axis"),
        axis_x(x, frame, time_tick, title="reranking a query: median, and a line to p95"),
        axis_y(y, frame, plain),
        line((frame.left, level), (frame.right, level), "baseline"),
        text((frame.right - 4, under), alone, "name s0", anchor="end"),
        _front_line(front, level, x, y) if front and len(points) > 1 else "",
        *(_point(p, x, y, front=p in front) for p in points),
        *place_labels(labels, frame, taken=taken),
    )


def _time_scale(points: Sequence[Timed], frame: Frame) -> Scale:
    times = [time for point in points for time in (point.p50, point.p95)]
    if min(times) > 0 and max(times) / min(times) > 3:
        return logarithmic(times, frame.left, frame.right)
    return linear([0.0, *times], frame.left, frame.right, within=(0.0, float("inf")))


def _place(point: Timed, x: Scale, y: Scale) -> tuple[float, float]:
    return x.at(point.p50), y.at(point.quality.mean)


def _front_line(front: Sequence[Timed], level: float, x: Scale, y: Scale) -> Markup:
    corners = [(x.at(front[0].p50), level)]
    for point in front:
        across, up = _place(point, x, y)
        corners += [(across, corners[-1][1]), (across, up)]
    return outline([*corners, (x.end, corners[-1][1])], "front")


def _point(point: Timed, x: Scale, y: Scale, *, front: bool) -> Markup:
    at = _place(point, x, y)
    look = colour(point.position)
    return group(
        line((at[0], y.at(point.quality.low)), (at[0], y.at(point.quality.high)), f"whisker {look}"),
        line(at, (x.at(point.p95), at[1]), f"whisker {look}"),
        dot(at, look if front else f"{look} hollow", radius=6.0, title=_reading(point)),
    )


def _whiskers(point: Timed, x: Scale, y: Scale) -> list[tuple[Point, Point]]:
    """The corners of the boxes around its two lines."""
    across, up = _place(point, x, y)
    return [((across - 3, y.at(point.quality.high)), (across + 3, y.at(point.quality.low))), ((across, up - 3), (x.at(point.p95), up + 3))]


def _reading(point: Timed) -> str:
    return f"{point.name}: {shown(point.quality.mean)}, {milliseconds(point.p50)} (p95 {milliseconds(point.p95)})"


def _spoken(points: Sequence[Timed], front: Sequence[Timed], baseline: Estimate, names: tuple[str, str]) -> str:
    best = ", ".join(point.name for point in front) if front else "none"
    every = "; ".join(_reading(point) for point in points)
    return f"{names[0]} against time for a query. {names[1]} alone: {shown(baseline.mean)}; {every}. On the Pareto front: {best}"

"""What reranking changes, with its interval: a forest plot, one row a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from ...result import Change, Comparison
from ..markup import Markup, group
from ..numbers import signed, signed_tick
from ..scale import Scale, linear
from ..svg import Frame, axis_x, band, dot, drawing, line, shorten, text, text_width
from . import COMPACT

__all__ = ["draw_gains", "reading"]

_LOOKS = {"helps": "gain", "hurts": "harm"}


def draw_gains(comparisons: Sequence[Comparison], measure: str, *, least_gain: float, width: float) -> Markup:
    """Every comparison's difference in `measure` as a dot on its 95 % interval, zero as a line, what is not worth having as a band."""
    compact = width < COMPACT
    step = 52.0 if compact else 38.0
    left, right = (6.0, width - 6.0) if compact else (min(280.0, 0.3 * width), width - 190.0)
    frame = Frame(left, 6.0, right, 6.0 + step * len(comparisons))
    changes = [found.changes[measure] for found in comparisons]
    scale = linear([0.0, -least_gain, least_gain, *(v for c in changes for v in (c.low, c.high))], left, right, within=(-1.0, 1.0))
    places = [frame.top + step * (at + (0.72 if compact else 0.5)) for at in range(len(comparisons))]
    zeros = [(y - 13, y + 13) for y in places] if compact else [(frame.top, frame.bottom)]  # not through the numbers above each row
    rows = [
        _row(found, change, y, scale, compact=compact, right=width) for found, change, y in zip(comparisons, changes, places, strict=True)
    ]
    parts = [
        band((scale.at(-least_gain), frame.top), (scale.at(least_gain), frame.bottom), "worthless") if least_gain > 0 else "",
        axis_x(scale, frame, signed_tick, count=3 if compact else 7),
        *(line((scale.at(0.0), top), (scale.at(0.0), bottom), "zero") for top, bottom in zeros),
        *rows,
    ]
    said = "; ".join(f"{found.system}: {reading(change)}" for found, change in zip(comparisons, changes, strict=True))
    return drawing(width, frame.bottom + 24, f"Change in {measure}. {said}", *(part for part in parts if part))


def reading(change: Change) -> str:
    """+0.161 (+0.130 to +0.190)"""
    return f"{signed(change.difference)} ({signed(change.low)} to {signed(change.high)})"


def _row(found: Comparison, change: Change, y: float, scale: Scale, *, compact: bool, right: float) -> Markup:
    kind = _LOOKS.get(found.verdict.kind, "open")
    title = f"{found.system} against {found.baseline}: {reading(change)}, p = {found.p_corrected:.3g}"
    value = reading(change)
    room = right - text_width(value) - 16 if compact else min(scale.start, scale.end) - 20
    name = shorten(found.system, room)
    at = y - 24 if compact else y
    return group(
        text((0.0 if compact else room, at), name, "name", anchor="start" if compact else "end"),
        text((right, at), value, "value", anchor="end"),
        line((scale.at(change.low), y), (scale.at(change.high), y), f"interval {kind}"),
        dot((scale.at(change.difference), y), kind, radius=5.5, title=title),
    )

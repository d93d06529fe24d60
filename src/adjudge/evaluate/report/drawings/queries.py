"""Every query's change, from the largest win to the largest loss: whether a mean hides harm."""

from __future__ import annotations

from collections.abc import Sequence

from ..markup import Markup
from ..numbers import count, signed, signed_tick
from ..scale import Scale, linear
from ..svg import Frame, Point, axis_y, drawing, line, outline, text

__all__ = ["draw_queries"]

_COLUMNS = 400
"""More steps than this no screen shows."""


def draw_queries(differences: Sequence[float], *, name: str, reach: tuple[float, float], width: float) -> Markup:
    """Areas of wins above zero and losses below it; how wide they are says how many queries, how high, by how much.

    `reach`: the least and the largest difference that the axis must hold, so that drawings side by side can be compared.
    """
    frame = Frame(48.0, 26.0, width - 6.0, 190.0)
    ordered = sorted(differences, reverse=True)
    y = linear([0.0, *reach, *ordered], frame.bottom, frame.top, within=(-1.0, 1.0))
    wins, losses = sum(d > 0 for d in ordered), sum(d < 0 for d in ordered)
    ties = len(ordered) - wins - losses
    wide = (frame.right - frame.left) / len(ordered)
    zero = y.at(0.0)
    gained, lost = frame.left + wins * wide, frame.right - losses * wide
    said = f"{name}: {count(wins)} queries better, {count(losses)} worse, {count(ties)} as before"
    extremes = f"; from {signed(ordered[0])} to {signed(ordered[-1])}"
    return drawing(
        width,
        frame.bottom + 8,
        said + extremes,
        axis_y(y, frame, signed_tick, count=4),
        outline(_area(ordered[:wins], (frame.left, gained), y), "won", closed=True) if wins else "",
        outline(_area(ordered[wins + ties :], (lost, frame.right), y), "lost", closed=True) if losses else "",
        line((frame.left, zero), (frame.right, zero), "zero"),
        text((frame.left, 10.0), f"{count(wins)} better", "name gain"),
        text(((frame.left + frame.right) / 2, 10.0), f"{count(ties)} as before", "name", anchor="middle"),
        text((frame.right, 10.0), f"{count(losses)} worse", "name harm", anchor="end"),
    )


def _area(values: Sequence[float], span: tuple[float, float], y: Scale) -> list[Point]:
    """The corners of a staircase from zero and back to it: one step a query, or one for some where there are too many."""
    left, right = span
    shown = values if len(values) <= _COLUMNS else [values[at * (len(values) - 1) // (_COLUMNS - 1)] for at in range(_COLUMNS)]
    wide = (right - left) / len(shown)
    steps = [(left + (at + side) * wide, y.at(value)) for at, value in enumerate(shown) for side in (0, 1)]
    return [(left, y.at(0.0)), *steps, (right, y.at(0.0))]

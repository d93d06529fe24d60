"""Names beside points, where they do not cover one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .markup import Markup
from .svg import TEXT, Anchor, Frame, Point, text, text_width

__all__ = ["Label", "place_labels"]

_GAP, _HALF = 9.0, 0.6 * TEXT


@dataclass(frozen=True, slots=True)
class Label:
    """A name and the point that it belongs to."""

    name: str
    point: Point
    class_: str


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: _Box) -> float:
        """The area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide * high if wide > 0 and high > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Place:
    at: Point
    anchor: Anchor
    box: _Box


def place_labels(labels: Sequence[Label], frame: Frame, *, taken: Sequence[tuple[Point, Point]] = ()) -> list[Markup]:
    """A text for each, at the free side of its point; `taken` are corners of what must stay visible. No place is ideal: the least bad."""
    boxes = [_around(label.point) for label in labels] + [_Box(*low, *high) for low, high in taken]
    placed: list[Markup] = []
    for label in labels:
        own = _around(label.point)
        best = min(_places(label), key=lambda place: _cost(place.box, [box for box in boxes if box != own], frame))
        boxes.append(best.box)
        placed.append(text(best.at, label.name, label.class_, anchor=best.anchor))
    return placed


def _places(label: Label) -> list[_Place]:
    (x, y), wide = label.point, text_width(label.name)
    found = []
    for dy in (-12.0, 0.0, 12.0, -24.0, 24.0):
        for anchor, left in (("start", x + _GAP), ("end", x - _GAP - wide)):
            at = (x + _GAP if anchor == "start" else x - _GAP, y + dy)
            found.append(_Place(at, "start" if anchor == "start" else "end", _Box(left, y + dy - _HALF, left + wide, y + dy + _HALF)))
    for dy in (-17.0, 17.0):
        found.append(_Place((x, y + dy), "middle", _Box(x - wide / 2, y + dy - _HALF, x + wide / 2, y + dy + _HALF)))
    return found


def _cost(box: _Box, others: Sequence[_Box], frame: Frame) -> float:
    """What it covers of others, and far worse, what of it would stand outside."""
    inside = box.overlap(_Box(frame.left, frame.top, frame.right, frame.bottom))
    outside = (box.right - box.left) * (box.bottom - box.top) - inside
    return sum(box.overlap(other) for other in others) + 10 * outside


def _around(point: Point) -> _Box:
    return _Box(point[0] - 6, point[1] - 6, point[0] + 6, point[1] + 6)

"""The strokes that every drawing is made of. Colours and type come from the page's style sheet, by class."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .markup import Markup, group, tag
from .scale import Scale

__all__ = [
    "TEXT",
    "Anchor",
    "Frame",
    "Point",
    "axis_x",
    "axis_y",
    "band",
    "dot",
    "drawing",
    "line",
    "outline",
    "shorten",
    "text",
    "text_width",
]

Anchor: TypeAlias = Literal["start", "middle", "end"]
Point: TypeAlias = tuple[float, float]

TEXT = 12.0
"""Pixels: the size of a drawing's text, as the style sheet has it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of a drawing in which values stand, without its margins."""

    left: float
    top: float
    right: float
    bottom: float


def drawing(width: float, height: float, label: str, *parts: str, class_: str = "plot") -> Markup:
    """A whole drawing; `label` says in words what it shows to those who do not see it."""
    return tag("svg", *parts, class_=class_, role="img", aria_label=label, viewBox=f"0 0 {width:g} {height:g}", width=width, height=height)


def line(start: Point, end: Point, class_: str) -> Markup:
    """A straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def band(low: Point, high: Point, class_: str, *, title: str = "") -> Markup:
    """A rectangle between two opposite corners, whichever these are."""
    x, y = min(low[0], high[0]), min(low[1], high[1])
    return tag("rect", *_title(title), x=x, y=y, width=abs(high[0] - low[0]), height=abs(high[1] - low[1]), class_=class_)


def dot(at: Point, class_: str, *, radius: float = 4.5, title: str = "") -> Markup:
    """A round mark; `title` shows when a pointer rests on it."""
    return tag("circle", *_title(title), cx=at[0], cy=at[1], r=radius, class_=class_)


def text(at: Point, content: str, class_: str = "tick", *, anchor: Anchor = "start") -> Markup:
    """A line of text whose middle line is at `at`."""
    return tag("text", content, x=at[0], y=at[1] + 0.35 * TEXT, class_=class_, text_anchor=None if anchor == "start" else anchor)


def outline(points: Iterable[Point], class_: str, *, closed: bool = False) -> Markup:
    """Straight strokes from point to point."""
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else ""), class_=class_)


def axis_x(scale: Scale, frame: Frame, shown: Callable[[float], str], *, title: str = "", count: int = 5) -> Markup:
    """Labels below the frame, thin lines through it."""
    ticks = scale.ticks(count)
    lines = [line((scale.at(t), frame.top), (scale.at(t), frame.bottom), "grid") for t in ticks]
    labels = [text((scale.at(t), frame.bottom + 13), shown(t), anchor="middle") for t in ticks]
    named = [text(((frame.left + frame.right) / 2, frame.bottom + 31), title, "axis", anchor="middle")] if title else []
    return group(*lines, *labels, *named)


def axis_y(scale: Scale, frame: Frame, shown: Callable[[float], str], *, count: int = 5) -> Markup:
    """Labels at the left of the frame, thin lines through it. Its title is the drawing's own, above it."""
    ticks = scale.ticks(count)
    lines = [line((frame.left, scale.at(t)), (frame.right, scale.at(t)), "grid") for t in ticks]
    return group(*lines, *(text((frame.left - 7, scale.at(t)), shown(t), anchor="end") for t in ticks))


def text_width(content: str, size: float = TEXT) -> float:
    """About how wide a text is, in pixels: the font is the reader's, so this errs on the wide side."""
    return size * sum(_advance(character) for character in content)


def shorten(content: str, width: float, size: float = TEXT) -> str:
    """The text where it fits into `width`, else its beginning and its end, between which most names differ, around an ellipsis."""
    if text_width(content, size) <= width:
        return content
    best = "…"
    for kept in range(1, len(content)):
        tried = f"{content[: (kept + 1) // 2]}…{content[len(content) - kept // 2 :]}"
        if text_width(tried, size) > width:
            break
        best = tried
    return best


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in "mwMW@%—…":
        return 0.95
    if character in "ijlt.,:;'|!()[]/ ":
        return 0.36
    if character.isupper():
        return 0.72
    return 0.64 if character.isdigit() or character in "+\u2212" else 0.61


def _title(title: str) -> Sequence[Markup]:
    return [tag("title", title)] if title else []

"""How scores of relevant and of other documents are distributed: the further apart the two, the better a cut-off works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...result import Distribution
from ..markup import Markup, group
from ..numbers import count, plain, share
from ..scale import Scale
from ..svg import Frame, axis_x, band, drawing, line, outline, text

__all__ = ["draw_distribution"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of document: how many of them score in each bin, and as what they are drawn."""

    name: str
    counts: tuple[int, ...]
    class_: str

    @property
    def shares(self) -> list[float]:
        return [number / sum(self.counts) for number in self.counts]


def draw_distribution(scores: Distribution, *, name: str, width: float) -> Markup:
    """Relevant upward, irrelevant downward, as shares of their own kind and on scales of their own.

    Documents that nobody judged are an outline below, or bars where there is nothing else to hold the relevant ones against.
    """
    frame = Frame(44.0, 8.0, width - 8.0, 220.0)
    above = _Kind("relevant", scores.relevant, "relevant")
    below, outlined = _Kind("irrelevant", scores.irrelevant, "irrelevant"), _Kind("not judged", scores.unjudged, "unjudged")
    if not sum(below.counts):
        below, outlined = _Kind("not judged", scores.unjudged, "irrelevant"), _Kind("", (), "unjudged")
    zero = (frame.top + frame.bottom) / 2
    x = Scale(scores.edges[0], scores.edges[-1], frame.left, frame.right)
    up, down = _height([above], zero, frame.top), _height([below, outlined], zero, frame.bottom)
    said = ", ".join(f"{count(sum(kind.counts))} {kind.name}" for kind in (above, below, outlined) if sum(kind.counts))
    return drawing(
        width,
        frame.bottom + 42,
        f"Scores of {name}: {said}",
        axis_x(x, frame, plain, title="score"),
        _heights(up, frame),
        _heights(down, frame),
        *(_bars(kind, scores.edges, x, y) for kind, y in ((above, up), (below, down)) if sum(kind.counts)),
        _steps(outlined, scores.edges, x, down) if sum(outlined.counts) else "",
        line((frame.left, zero), (frame.right, zero), "zero"),
        _name(above, frame, frame.top + 10, class_="name gain"),
        _name(below, frame, frame.bottom - 10, class_="name s0"),
        text((_middle(frame), frame.bottom - 26), "– – not judged", anchor="middle") if sum(outlined.counts) else "",
    )


def _height(kinds: Sequence[_Kind], zero: float, end: float) -> Scale:
    highest = max((max(kind.shares) for kind in kinds if sum(kind.counts)), default=1.0)
    return Scale(0.0, 1.1 * highest, zero, end)


def _heights(scale: Scale, frame: Frame) -> Markup:
    """The labels of one half, without its zero, which the other half has too."""
    ticks = [tick for tick in scale.ticks(2) if tick > 0]
    lines = [line((frame.left, scale.at(tick)), (frame.right, scale.at(tick)), "grid") for tick in ticks]
    return group(*lines, *(text((frame.left - 7, scale.at(tick)), share(tick), anchor="end") for tick in ticks))


def _bars(kind: _Kind, edges: Sequence[float], x: Scale, y: Scale) -> Markup:
    bars = []
    for at, part in enumerate(kind.shares):
        if part:
            title = f"{plain(edges[at])} to {plain(edges[at + 1])}: {count(kind.counts[at])} {kind.name}, {share(part)} of them"
            bars.append(band((x.at(edges[at]) + 0.5, y.at(0.0)), (x.at(edges[at + 1]) - 0.5, y.at(part)), kind.class_, title=title))
    return group(*bars)


def _steps(kind: _Kind, edges: Sequence[float], x: Scale, y: Scale) -> Markup:
    return outline([(x.at(edges[at + side]), y.at(part)) for at, part in enumerate(kind.shares) for side in (0, 1)], kind.class_)


def _name(kind: _Kind, frame: Frame, y: float, *, class_: str) -> Markup:
    """In the middle: scores gather at the ends."""
    return text((_middle(frame), y), kind.name, class_, anchor="middle")


def _middle(frame: Frame) -> float:
    return (frame.left + frame.right) / 2

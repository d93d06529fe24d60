"""The main measure in each language: bars, one a system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...result import Estimate
from ..markup import Markup, group
from ..numbers import count, measure
from ..scale import Scale
from ..svg import Frame, axis_x, band, drawing, line, shorten, text
from . import COMPACT, colour

__all__ = ["LanguageBars", "draw_languages"]

_BAR, _AIR = 15.0, 3.0


@dataclass(frozen=True, slots=True)
class LanguageBars:
    """A language, and what each system reached in it: (name, position in the evaluation, estimate)."""

    language: str
    queries: int
    bars: tuple[tuple[str, int, Estimate], ...]


def draw_languages(languages: Sequence[LanguageBars], measure_name: str, *, width: float) -> Markup:
    """Bars from zero, each with its 95 % interval and its number."""
    compact = width < COMPACT
    heights = [len(one.bars) * (_BAR + _AIR) + (38.0 if compact else 20.0) for one in languages]
    frame = Frame(0.0 if compact else 170.0, 6.0, width - 56.0, 6.0 + sum(heights))
    highest = max((bar[2].high for one in languages for bar in one.bars), default=1.0)
    scale = Scale(0.0, max(highest, 0.05), frame.left, frame.right)
    tops = [frame.top + sum(heights[:at]) for at in range(len(languages))]
    said = "; ".join(f"{one.language}: {', '.join(f'{name} {measure(e.mean)}' for name, _, e in one.bars)}" for one in languages)
    return drawing(
        width,
        frame.bottom + 24,
        f"{measure_name} in each language. {said}",
        axis_x(scale, frame, lambda value: f"{value:g}"),
        *(_group(one, top, scale, compact=compact) for one, top in zip(languages, tops, strict=True)),
    )


def _group(one: LanguageBars, top: float, scale: Scale, *, compact: bool) -> Markup:
    queries = f"{count(one.queries)} {'query' if one.queries == 1 else 'queries'}"
    first = top + (26.0 if compact else 8.0)
    middle = first + (len(one.bars) * (_BAR + _AIR) - _AIR) / 2
    if compact:
        head = [text((0.0, top + 13), shorten(f"{one.language} · {queries}", scale.end), "name")]
    else:
        lift = 8.0 if len(one.bars) > 1 else 0.0
        head = [text((scale.start - 14, middle - lift), shorten(one.language, scale.start - 20), "name", anchor="end")]
        head += [text((scale.start - 14, middle + 8), queries, "tick", anchor="end")] if lift else []
    return group(*head, *(_bar(bar, first + at * (_BAR + _AIR), scale, one.language) for at, bar in enumerate(one.bars)))


def _bar(bar: tuple[str, int, Estimate], top: float, scale: Scale, language: str) -> Markup:
    name, position, estimate = bar
    middle = top + _BAR / 2
    title = f"{language}, {name}: {measure(estimate.mean)} ({measure(estimate.low)} to {measure(estimate.high)})"
    return group(
        band((scale.at(0.0), top), (scale.at(estimate.mean), top + _BAR), colour(position), title=title),
        line((scale.at(estimate.low), middle), (scale.at(estimate.high), middle), "whisker over"),
        text((scale.at(max(estimate.high, estimate.mean)) + 8, middle), measure(estimate.mean), "value"),
    )

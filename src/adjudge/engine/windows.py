"""Where a document that does not fit is cut. Token positions in, token positions out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import WindowConfig
from ..errors import ConfigError
from .borders import Borders

__all__ = ["WindowPlan", "character_range", "plan_windows"]

DEFAULT_OVERLAP = 32


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Half-open token ranges of a document, first to last, and how many tokens at its end are in none of them."""

    ranges: tuple[tuple[int, int], ...]
    unseen: int


def plan_windows(count: int, room: int, config: WindowConfig, borders: Borders | None = None) -> WindowPlan:
    """Cover `count` tokens with windows of at most `room`.

    A window ends at the last paragraph of its last third, else at the last sentence of its second half, else at the last line of code or
    table there, else after `room` tokens. The next begins `overlap_tokens` before that end. The last window covers the last token,
    unless `mode="truncate"` or `max_windows` stops before. Raises ConfigError for an overlap of half a window or more.
    """
    if count <= room:
        return WindowPlan(((0, count),), 0)
    if config.mode == "truncate":
        return WindowPlan(((0, room),), count - room)
    overlap = _overlap(room, config.overlap_tokens)
    ranges: list[tuple[int, int]] = []
    start = 0
    while config.max_windows is None or len(ranges) < config.max_windows:
        end = min(start + room, count)
        if end < count:
            end = _end(borders, start, end)
        ranges.append((start, end))
        if end == count:
            break
        start = end - overlap
    return WindowPlan(tuple(ranges), count - ranges[-1][1])


def _overlap(room: int, wanted: int | None) -> int:
    if wanted is None:
        return min(DEFAULT_OVERLAP, room // 4)
    if wanted >= room - room // 2:
        raise ConfigError(
            f"overlap_tokens={wanted} is too much for windows of {room} tokens (max_length less the query); "
            f"use less than {room - room // 2}, a larger max_length or a shorter query"
        )
    return wanted


def _end(borders: Borders | None, start: int, most: int) -> int:
    if borders is None:
        return most
    half = start + (most - start) // 2
    third = start + 2 * (most - start) // 3
    for places, least in ((borders.paragraphs, max(third, half)), (borders.sentences, half), (borders.lines, half)):
        at = int(np.searchsorted(places, most, side="right")) - 1
        if at >= 0 and places[at] > least:
            return int(places[at])
    return most


def character_range(offsets: NDArray[np.int64] | None, span: tuple[int, int], length: int) -> tuple[int, int]:
    """Characters that the tokens of `span` stand for, up to the next token; the whole text for a document that was not cut.

    White space between tokens belongs to the one before it, so windows that follow one another leave no character out.
    """
    if offsets is None or not len(offsets):
        return 0, length
    start = 0 if span[0] == 0 else int(offsets[span[0], 0])
    end = length if span[1] >= len(offsets) else max(int(offsets[span[1] - 1, 1]), int(offsets[span[1], 0]))
    return start, max(start, end)

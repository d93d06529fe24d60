"""Where a document that does not fit is cut. Token positions in, token positions out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import WindowConfig
from ..errors import ConfigError

__all__ = ["WindowPlan", "character_range", "plan_windows", "sentence_ends"]

DEFAULT_OVERLAP = 32

_STOPS = re.compile(r"[。！？!?；;]|[.…](?=\s|\Z)")
_BREAKS = re.compile(r"\n")


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Half-open token ranges of a document, first to last, and how many tokens at its end are in none of them."""

    ranges: tuple[tuple[int, int], ...]
    unseen: int


def plan_windows(count: int, room: int, config: WindowConfig, ends: NDArray[np.int64] | None = None) -> WindowPlan:
    """Cover `count` tokens with windows of at most `room`.

    Each window but the last ends at the last of `ends` (token positions after a sentence) in its second half, where there is
    one, else after `room` tokens. The next begins `overlap_tokens` before that end. The last window covers the last token,
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
            end = _last_end(ends, start + room // 2, end)
        ranges.append((start, end))
        if end == count:
            break
        start = end - overlap
    return WindowPlan(tuple(ranges), count - ranges[-1][1])


def sentence_ends(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Token positions that follow the end of a sentence or line: after 。！？!?； anywhere, after a full stop before white space."""
    if not len(offsets):
        return np.empty(0, np.int64)
    # Where the tokenizer gives a token no characters of its own, it may also give it no place in the order.
    starts, ends = np.maximum.accumulate(offsets[:, 0]), np.maximum.accumulate(offsets[:, 1])
    after_stops = np.searchsorted(starts, _positions(_STOPS, text), side="right")
    # A token that goes on after the line break ("\nNew") belongs to the next line; many tokenizers have no token for the break at all.
    after_breaks = np.searchsorted(ends, _positions(_BREAKS, text) + 1, side="right")
    return np.unique(np.concatenate((after_stops, after_breaks)))


def _positions(pattern: re.Pattern[str], text: str) -> NDArray[np.int64]:
    return np.fromiter((match.start() for match in pattern.finditer(text)), np.int64)


def _overlap(room: int, wanted: int | None) -> int:
    if wanted is None:
        return min(DEFAULT_OVERLAP, room // 4)
    if wanted >= room - room // 2:
        raise ConfigError(
            f"overlap_tokens={wanted} is too much for windows of {room} tokens (max_length less the query); "
            f"use less than {room - room // 2}, a larger max_length or a shorter query"
        )
    return wanted


def _last_end(ends: NDArray[np.int64] | None, least: int, most: int) -> int:
    if ends is None or not len(ends):
        return most
    at = int(np.searchsorted(ends, most, side="right")) - 1
    return int(ends[at]) if at >= 0 and ends[at] > least else most


def character_range(offsets: NDArray[np.int64] | None, span: tuple[int, int], length: int) -> tuple[int, int]:
    """Characters that the tokens of `span` stand for, up to the next token; the whole text for a document that was not cut.

    White space between tokens belongs to the one before it, so windows that follow one another leave no character out.
    """
    if offsets is None or not len(offsets):
        return 0, length
    start = 0 if span[0] == 0 else int(offsets[span[0], 0])
    end = length if span[1] >= len(offsets) else max(int(offsets[span[1] - 1, 1]), int(offsets[span[1], 0]))
    return start, max(start, end)

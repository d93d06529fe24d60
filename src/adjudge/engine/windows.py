"""Where a document that does not fit is cut. Token positions in, token positions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import WindowConfig
from ..errors import ConfigError

__all__ = ["WindowPlan", "plan_windows", "sentence_ends"]

_ENDINGS = frozenset("。！？!?；;\n")
_MAYBE = frozenset(".…")


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Half-open token ranges of a document, first to last, and how many tokens at its end are in none of them."""

    ranges: tuple[tuple[int, int], ...]
    unseen: int


def plan_windows(count: int, room: int, config: WindowConfig, ends: NDArray[np.int64] | None = None) -> WindowPlan:
    """Cover `count` tokens with windows of at most `room`.

    Each window but the last ends at the last of `ends` (token positions after a sentence) in its second half, where there is
    one, else after `room` tokens. The next begins `overlap_tokens` before that end. The last window covers the last token,
    unless `mode="truncate"` or `max_windows` stops before.
    """
    if count <= room:
        return WindowPlan(((0, count),), 0)
    if config.mode == "truncate":
        return WindowPlan(((0, room),), count - room)
    if config.overlap_tokens >= room - room // 2:
        raise ConfigError(
            f"overlap_tokens={config.overlap_tokens} is too much for windows of {room} tokens (max_length less the query); "
            f"use less than {room - room // 2}, a larger max_length or a shorter query"
        )
    ranges: list[tuple[int, int]] = []
    start = 0
    while config.max_windows is None or len(ranges) < config.max_windows:
        end = min(start + room, count)
        if end < count:
            end = _last_end(ends, start + room // 2, end)
        ranges.append((start, end))
        if end == count:
            break
        start = end - config.overlap_tokens
    return WindowPlan(tuple(ranges), count - ranges[-1][1])


def sentence_ends(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Token positions that follow the end of a sentence or line: after 。！？!?； anywhere, after a full stop before white space."""
    stops = [i for i, c in enumerate(text) if c in _ENDINGS or (c in _MAYBE and text[i + 1 : i + 2].strip() == "")]
    if not stops or not len(offsets):
        return np.empty(0, np.int64)
    return np.unique(np.searchsorted(offsets[:, 1], np.array(stops, np.int64), side="right") + 1)


def _last_end(ends: NDArray[np.int64] | None, least: int, most: int) -> int:
    if ends is None or not len(ends):
        return most
    at = int(np.searchsorted(ends, most, side="right")) - 1
    return int(ends[at]) if at >= 0 and ends[at] > least else most


def character_range(offsets: NDArray[np.int64] | None, span: tuple[int, int], length: int) -> tuple[int, int]:
    """Characters that the tokens of `span` stand for; the whole text for a document that was not cut."""
    if offsets is None or not len(offsets):
        return 0, length
    start = 0 if span[0] == 0 else int(offsets[span[0], 0])
    end = length if span[1] >= len(offsets) else int(offsets[span[1] - 1, 1])
    return start, max(start, end)


def covered(ranges: Sequence[tuple[int, int]]) -> int:
    """How many tokens stand in at least one of `ranges`, which follow one another."""
    return max((end for _, end in ranges), default=0)

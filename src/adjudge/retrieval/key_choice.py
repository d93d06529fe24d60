"""Which units to keep: the best that fit, unlike one another, with the headings they stand under."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .key_terms import fold
from .key_tokens import TokenCounter
from .key_units import Unit
from .lexical import words

__all__ = ["Room", "beginning", "choose", "merged"]

BESIDE = 1.1  # a unit next to a chosen one is worth so much more: two sentences in a row make a passage
FLOOR = 0.15  # a unit of less than this share of the best is not worth the judge's time
HEAD_SHARE = 8  # a heading comes along if it takes at most an eighth of the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is to fill, and how."""

    tokens: int
    separator: int  # tokens between two passages
    count: TokenCounter
    diversity: float  # 0..1: how much a unit loses that repeats a chosen one


def choose(text: str, units: Sequence[Unit], values: NDArray[np.float32], room: Room) -> list[int]:
    """Indices of the units to keep, in the order of choice: the last may be given up first.

    Maximal marginal relevance (Carbonell and Goldstein 1998) under a budget: the best score first, less what a chosen unit says
    already, and no account of length: answers are found more often in long sentences than in two short ones of the same score.
    A worth is worked out again only when its unit comes up, so that long documents with large budgets stay quick.
    """
    if not len(units):
        return []
    scores = [float(value) for value in values]
    floor = FLOOR * max(scores)
    choice = _Choice(text, units, scores, room)
    waiting = [(-score, i) for i, score in enumerate(scores) if score >= floor]
    heapq.heapify(waiting)
    while waiting:
        hoped, best = heapq.heappop(waiting)
        if best in choice.seen:
            continue
        worth = choice.worth(best)
        if worth < -hoped:
            heapq.heappush(waiting, (-worth, best))
        elif choice.take(best):
            choice.take_head(best)
            for i in (best - 1, best + 1):  # worth more from now on
                if 0 <= i < len(units) and i not in choice.seen and scores[i] >= floor:
                    heapq.heappush(waiting, (-choice.worth(i), i))
    return choice.order


def beginning(text: str, units: Sequence[Unit], room: Room) -> list[int]:
    """Indices of the first units, as many as there is room for: the best guess where nothing tells them apart."""
    choice = _Choice(text, units, [], room)
    for index in range(len(units)):
        if not choice.take(index):
            break
    return choice.order


def merged(units: Sequence[Unit], chosen: Iterable[int]) -> list[tuple[int, int]]:
    """Character ranges of the chosen units in the order of the text, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    for index in sorted(chosen):
        start, end = units[index].start, units[index].end
        if ranges and ranges[-1][1] == start:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((start, end))
    return ranges


class _Choice:
    """What is chosen so far, and about what it costs: separators are counted, the merging of tokens at borders is not."""

    def __init__(self, text: str, units: Sequence[Unit], scores: Sequence[float], room: Room) -> None:
        self.order: list[int] = []
        self.seen: set[int] = set()  # chosen, or found too large for what is left
        self._chosen: set[int] = set()
        self._used = 0
        self._text, self._units, self._scores, self._room = text, units, scores, room
        self._terms: dict[int, frozenset[str]] = {}
        self._repeated: dict[int, tuple[int, float]] = {}  # unit -> (how many of the chosen it was compared with, most it repeats of one)

    def worth(self, index: int) -> float:
        """Its score, less what it repeats, more for standing beside a chosen one."""
        compared, repeated = self._repeated.get(index, (0, 0.0))
        for other in self.order[compared:]:
            repeated = max(repeated, _overlap(self._of(index), self._of(other)))
        self._repeated[index] = len(self.order), repeated
        return self._scores[index] * (1 - self._room.diversity * repeated) * (BESIDE if self._beside(index) else 1.0)

    def take(self, index: int) -> bool:
        """Choose the unit, if there is room for it."""
        cost = self._cost(index)
        self.seen.add(index)
        if self._used + cost > self._room.tokens:
            return False
        self._used += cost
        self.order.append(index)
        self._chosen.add(index)
        return True

    def take_head(self, index: int) -> None:
        """Choose the heading or first row that a chosen unit stands under, if it is short."""
        head = self._units[index].head
        if head >= 0 and head not in self.seen and self._cost(head) <= self._room.tokens // HEAD_SHARE:
            self.take(head)

    def _cost(self, index: int) -> int:
        unit = self._units[index]
        between = 0 if not self.order or self._beside(index) else self._room.separator
        return self._room.count(self._text[unit.start : unit.end]) + between

    def _beside(self, index: int) -> bool:
        return index - 1 in self._chosen or index + 1 in self._chosen

    def _of(self, index: int) -> frozenset[str]:
        if index not in self._terms:
            unit = self._units[index]
            self._terms[index] = frozenset(words(fold(self._text[unit.start : unit.end])))
        return self._terms[index]


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the smaller that the other has too."""
    least = min(len(one), len(other))
    return len(one & other) / least if least else 0.0

"""Which groups a step sees, and how they are put into batches: a function of seed and step alone, so that a run resumes where it was."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..backends.base import Batch, Floats
from ..engine.batches import plan_batches
from ..engine.cut import CutDocument
from ..engine.encode import QUERY_SHARE, Encoder
from ..engine.tokenise import PairIds, Tokeniser
from .rows import Group, Item
from .supervision import Shaping, gain

__all__ = ["Chunk", "Feed", "batches_of", "chunks_of", "limit_passages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some groups of a step that are computed together: as many as the memory for one backward pass allows."""

    pairs: tuple[PairIds, ...]
    rows: np.ndarray  # (pairs, 2) int64: group within the chunk, position within the group
    gains: Floats  # (groups, width) NaN: unknown
    teacher: Floats  # (groups, width) NaN: unknown
    mask: np.ndarray  # (groups, width) bool
    aspects: Floats  # (pairs, aspects) NaN: unknown

    @property
    def tokens(self) -> int:
        """Real tokens."""
        return sum(len(pair.ids) for pair in self.pairs)


@dataclass(slots=True)
class Feed:
    """Groups of several files, mixed in fixed shares, each file shuffled anew for each of its epochs."""

    sources: Sequence[Sequence[Group]]
    shares: Sequence[float]  # sum 1
    per_step: int
    seed: int
    passages: int
    _orders: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    @property
    def epoch_steps(self) -> int:
        """Steps until as many groups were seen as there are."""
        return max(1, math.ceil(sum(map(len, self.sources)) / self.per_step))

    def step(self, number: int) -> list[Group]:
        """The groups of step `number` (from 0)."""
        first = number * self.per_step
        slots = self._owners(first + self.per_step)
        given = np.bincount(slots[:first], minlength=len(self.sources))
        groups = []
        for source in slots[first:].tolist():
            groups.append(self._group(source, int(given[source])))
            given[source] += 1
        return groups

    def _owners(self, slots: int) -> np.ndarray:
        """Which source fills each of the first `slots` places: multiples of the golden ratio spread evenly over the shares at any time."""
        spread = np.modf(np.arange(1, slots + 1) * 0.6180339887498949)[0]
        return np.asarray(np.searchsorted(np.cumsum(self.shares)[:-1], spread, side="right"), np.int64)

    def _group(self, source: int, position: int) -> Group:
        groups = self.sources[source]
        epoch, at = divmod(position, len(groups))
        key = (source, epoch)
        if key not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k[0] != source or k[1] >= epoch - 1}
            order = list(range(len(groups)))
            random.Random(f"{self.seed}:{source}:{epoch}").shuffle(order)
            self._orders[key] = order
        draw = random.Random(f"{self.seed}:{source}:{position}")
        return limit_passages(groups[self._orders[key][at]], self.passages, draw)


def limit_passages(group: Group, most: int, draw: random.Random) -> Group:
    """The group with at most `most` passages: the best ones (a draw of them, where they are too many) first, then a draw of the rest.

    The best are those of the highest grade, a coverage standing for a grade that lacks. Only where nothing is graded the teacher says.
    """
    if len(group.items) <= most:
        return group
    worth = _worths(group.items)
    best = max(worth)
    top = [item for item, own in zip(group.items, worth, strict=True) if own >= best]
    rest = [item for item, own in zip(group.items, worth, strict=True) if own < best]
    if len(top) > most - min(1, len(rest)):  # one at least to compare with
        top = draw.sample(top, most - min(1, len(rest)))
    return replace(group, items=(*top, *draw.sample(rest, most - len(top))))


def chunks_of(groups: Sequence[Group], encoder: Encoder, *, max_length: int, budget: int, shaping: Shaping) -> Iterator[Chunk]:
    """Groups of like length together, each chunk of at most `budget` real tokens (or one group)."""
    encoded = [_encode(group, encoder, max_length) for group in groups]
    order = sorted(range(len(groups)), key=lambda g: -max(len(p.ids) for p in encoded[g]))
    start = 0
    while start < len(order):
        end, tokens = start, 0
        while end < len(order) and (end == start or tokens + _tokens(encoded[order[end]]) <= budget):
            tokens += _tokens(encoded[order[end]])
            end += 1
        chosen = order[start:end]
        yield _chunk([groups[g] for g in chosen], [encoded[g] for g in chosen], shaping)
        start = end


def batches_of(chunk: Chunk, tokeniser: Tokeniser, *, max_tokens: int) -> Iterator[tuple[list[int], Batch]]:
    """The chunk's pairs in padded batches of like length, with their positions in the chunk."""
    for part in plan_batches([len(p.ids) for p in chunk.pairs], max_tokens=max_tokens, max_rows=None, padding_free=False):
        rows = [int(i) for i in part]
        yield rows, tokeniser.batch([chunk.pairs[i] for i in rows])


def _encode(group: Group, encoder: Encoder, max_length: int) -> list[PairIds]:
    cut = CutDocument(max_length=max_length, max_query=int(max_length * QUERY_SHARE))
    return [item.pairs[0] for item in encoder.encode_cut([(group.query, item.text) for item in group.items], cut)]


def _tokens(pairs: Sequence[PairIds]) -> int:
    return sum(len(pair.ids) for pair in pairs)


def _chunk(groups: Sequence[Group], encoded: Sequence[Sequence[PairIds]], shaping: Shaping) -> Chunk:
    width = max(len(group.items) for group in groups)
    gains, teacher = (np.full((len(groups), width), np.nan, np.float32) for _ in range(2))
    mask = np.zeros((len(groups), width), bool)
    rows, aspects, pairs = [], [], []
    for g, (group, ids) in enumerate(zip(groups, encoded, strict=True)):
        for at, (item, pair) in enumerate(zip(group.items, ids, strict=True)):
            shaped = gain(item.grade, item.aspects, shaping)
            gains[g, at] = np.nan if shaped is None else shaped
            teacher[g, at] = np.nan if item.teacher is None else item.teacher
            mask[g, at] = True
            rows.append((g, at))
            aspects.append(item.aspects.values())
            pairs.append(pair)
    return Chunk(
        pairs=tuple(pairs),
        rows=np.array(rows, np.int64),
        gains=gains,
        teacher=teacher,
        mask=mask,
        aspects=np.array(aspects, np.float32),
    )


def _worths(items: Sequence[Item]) -> list[float]:
    """Grades or a teacher's logits, never both: they are on different scales."""
    labels = [item.aspects.coverage if item.grade is None else item.grade for item in items]
    if all(label is None for label in labels):
        labels = [item.teacher for item in items]
    return [-math.inf if label is None else label for label in labels]

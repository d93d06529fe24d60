"""Long documents with one answering passage among twenty, built from sets of short passages in five languages.

A document is a stretch of a real article in its order; where the article is shorter than the document, articles of near topic stand
before and behind it. The wrong documents of a query are built in the same way around the passages that BM25 takes for the best
answers, with more such passages planted in them. No passage that is known to answer, and no copy of one, stands anywhere else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .long_articles import Collection, read_collection

__all__ = ["SETS", "LongQuery", "long_documents"]

SETS = {
    "zh": ("cmrc-dev-zh", "drcd-test-zh_hant", "xquad-zh", "mlqa-dev-zh"),
    "en": ("mlqa-dev-en", "xquad-en", "tydi-en-dev"),
    "es": ("squad-es-dev", "mlqa-dev-es", "xquad-es"),
    "fr": ("fquad-valid-A-fr", "cnil-besoindaide-fr"),
    "ru": ("xquad-ru",),
}
"""Without mediqa-qa-en: few of its answers are judged, so another document may well hold an answer that nobody has marked."""

SHORTEST, LONGEST = 2_000, 20_000
"""Characters of a document. Passages at the ends are left off where there are more; where there are fewer, the query is not used."""

PLANTED = 2
"""Passages near the query that are added to each wrong document, besides the one that it is built around."""

BLANK_LINE = "\n\n"


@dataclass(frozen=True, slots=True)
class LongQuery:
    """A query, its candidates, and where the answer is."""

    query: str
    lang: str
    documents: tuple[str, ...]
    answer: int  # position of the right document among them
    span: tuple[int, int]  # characters of the answering passage in it, half-open
    position: float  # 0..1, where the middle of the answering passage stands
    source: str  # the set that all its passages are from

    @property
    def third(self) -> int:
        """0, 1 or 2: beginning, middle or end."""
        return _third(self.position)

    @property
    def passage(self) -> str:
        """The answering passage."""
        return self.documents[self.answer][self.span[0] : self.span[1]]


def long_documents(data: Path, *, per_language: int, passages: int = 20, documents: int = 8, seed: int) -> list[LongQuery]:
    """`per_language` queries for each language, spread evenly over its sets and over beginning, middle and end of the document.

    `passages`: how many make a document. `documents`: candidates of a query. The same arguments give the same queries.
    Raises SystemExit where `data` lacks a set, or a set is too small for so many queries.
    """
    found: list[LongQuery] = []
    for lang, names in SETS.items():
        wanted: dict[str, list[int]] = {}
        for number in range(per_language):  # the shift keeps a set of a language from meeting always the same third
            third = (number + number // math.lcm(len(names), 3)) % 3
            wanted.setdefault(names[number % len(names)], []).append(third)
        shape = _Shape(passages, documents)
        made = {name: _draw(read_collection(data / name), thirds, lang, shape, seed) for name, thirds in wanted.items()}
        found += [made[names[number % len(names)]][number // len(names)] for number in range(per_language)]
    return found


@dataclass(frozen=True, slots=True)
class _Shape:
    passages: int
    documents: int

    def __str__(self) -> str:
        return f"{self.documents} documents of {self.passages} passages"


@dataclass(frozen=True, slots=True)
class _Built:
    text: str
    span: tuple[int, int]  # characters of the passage that it is built around
    passages: tuple[int, ...]

    @property
    def position(self) -> float:
        return sum(self.span) / 2 / max(1, len(self.text))


def _draw(collection: Collection, thirds: Sequence[int], lang: str, shape: _Shape, seed: int) -> list[LongQuery]:
    """One query for each of `thirds`, no two with the same answering passage."""
    builder = _Builder(collection, shape, random.Random(f"{seed} {collection.name}"))
    used: set[int] = set()
    drawn: list[LongQuery] = []
    for question, answers in builder.chance.sample(collection.questions, len(collection.questions)):
        if len(drawn) == len(thirds):
            break
        made = None if answers[0] in used else builder.candidates(question, answers, thirds[len(drawn)])
        if made is not None:
            used.add(answers[0])
            documents, place = made
            right = documents[place]
            drawn.append(LongQuery(question, lang, tuple(d.text for d in documents), place, right.span, right.position, collection.name))
    if len(drawn) < len(thirds):
        raise SystemExit(
            f"{collection.name} gives only {len(drawn)} queries with {shape} in the asked places; {len(thirds)} were asked for"
        )
    return drawn


@dataclass(frozen=True, slots=True)
class _Builder:
    collection: Collection
    shape: _Shape
    chance: random.Random

    def candidates(self, question: str, answers: Sequence[int], third: int) -> tuple[list[_Built], int] | None:
        """All documents of a query and which is right, or None where the passages at hand do not give them."""
        barred = set[int]().union(*(self.collection.copies(a) for a in answers))
        free = set(range(len(self.collection.texts))) - barred
        near = [i for i in self.collection.near(question) if i in free]
        right = self._right(answers[0], third, free, set(near[: (1 + PLANTED) * (self.shape.documents - 1)]))
        if right is None:
            return None
        near += [i for i in self.collection.near(self.collection.texts[answers[0]]) if i in free]
        wrong = self._wrong([i for i in dict.fromkeys(near) if i not in right.passages], free - set(right.passages))
        if len(wrong) < self.shape.documents - 1 or any(len(d.text) < SHORTEST for d in (right, *wrong)):
            return None
        place = self.chance.randrange(self.shape.documents)
        return [*wrong[:place], right, *wrong[place:]], place

    def _right(self, answer: int, third: int, free: set[int], rivals: set[int]) -> _Built | None:
        """The document around `answer`, which stands in the wanted third of its characters."""
        slots = [s for s in range(self.shape.passages) if min(2, 3 * s // self.shape.passages) == third]
        for slot in self.chance.sample(slots, len(slots)):
            built = self._around(answer, slot, free, free - rivals, [])
            if _third(built.position) == third:
                return built
        return None

    def _wrong(self, near: Sequence[int], free: set[int]) -> list[_Built]:
        """Documents around the nearest passages, each of its own article, no passage in two. None where there are too few articles."""
        count = self.shape.documents - 1
        nearest: dict[int, int] = {}  # of each article
        for i in near:
            nearest.setdefault(self.collection.articles[i], i)
        if len(nearest) < count:
            return []
        anchors = list(nearest.values())[:count]
        plants = [i for i in near if i not in anchors][: PLANTED * count]
        left = free - set(anchors) - set(plants)
        built = []
        for number, anchor in enumerate(anchors):
            one = self._around(anchor, self.chance.randrange(self.shape.passages), left, left, plants[number::count])
            left -= set(one.passages)
            built.append(one)
        return built

    def _around(self, anchor: int, slot: int, free: set[int], fillers: set[int], planted: list[int]) -> _Built:
        """`anchor` at `slot` within its article (passages of `free`), `planted` and stretches of near articles (`fillers`) around that."""
        collection, room = self.collection, self.shape.passages - len(planted)
        before = min(slot, room - 1)
        own = collection.stretch(anchor, free, before=before, after=room - 1 - before)
        pieces = [[i] for i in planted] + self._stretches(anchor, fillers - set(own), room - len(own))
        self.chance.shuffle(pieces)
        others = [i for piece in pieces for i in piece]
        cut = max(0, slot - own.index(anchor))
        return _join(collection, [*others[:cut], *own, *others[cut:]], anchor)

    def _stretches(self, anchor: int, fillers: set[int], count: int) -> list[list[int]]:
        """`count` passages like `anchor`, as stretches of their articles, nearest first."""
        pieces: list[list[int]] = []
        for hit in self.collection.near(self.collection.texts[anchor]) if count else ():
            if hit in fillers:
                behind = self.collection.stretch(hit, fillers, before=0, after=count - 1)
                pieces.append(self.collection.stretch(hit, fillers, before=count - len(behind), after=len(behind) - 1))
                fillers -= set(pieces[-1])
                count -= len(pieces[-1])
            if not count:
                break
        return pieces


def _join(collection: Collection, order: Sequence[int], anchor: int) -> _Built:
    """The passages with blank lines between them, and where `anchor` is; ends far from it are left off a text that is too long."""
    kept = list(order)
    while sum(len(collection.texts[i]) + len(BLANK_LINE) for i in kept) > LONGEST:
        at = kept.index(anchor)
        kept.pop(0 if at > len(kept) - 1 - at else -1)
    start = sum(len(collection.texts[i]) + len(BLANK_LINE) for i in kept[: kept.index(anchor)])
    return _Built(BLANK_LINE.join(collection.texts[i] for i in kept), (start, start + len(collection.texts[anchor])), tuple(kept))


def _third(position: float) -> int:
    return min(2, int(position * 3))

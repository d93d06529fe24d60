"""Sets of passages put back into articles: which passages follow one another, which are near, which are copies."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Collection as Many
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from adjudge.retrieval.lexical import Lexical, words

from .passages import Passages, read_passages

__all__ = ["Collection", "article_numbers", "read_collection"]

LONGEST_PASSAGE = 2_500
"""Characters; what is longer is no paragraph (a table, a whole page) and is left out."""

SHINGLE = 5
COPY_SHARE = 0.2
"""Passages that share this part of the shorter one's runs of five words are copies: one may answer whatever the other answers."""

COHESION = 1.5
"""A new article begins where neighbours are less than so many times as alike as passages drawn at random.

Chosen where articles are known by their ids: on xquad-{en,es,ru,zh} and drcd-test it finds 81 to 87 of 100 borders, and 62 to 93 of 100
found are real. Larger values cut articles to pieces.
"""

_NUMBERED = re.compile(r"(\d+)-\d+(-\d+)?")
"""Ids such as "0-4" (article, paragraph) or "1147-2-1" (article, paragraph, question)."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One set: passages in the order of their articles, what was asked, and what answers. Passages are known by position."""

    name: str
    texts: tuple[str, ...]
    articles: tuple[int, ...]  # the article of each passage; those of one article follow one another
    questions: tuple[tuple[str, tuple[int, ...]], ...]  # question, and the passages that answer it
    index: Lexical
    shingles: tuple[frozenset[int], ...]

    def near(self, text: str) -> list[int]:
        """All passages that share a word with `text`, by BM25, nearest first."""
        found = self.index.search([text], k=len(self.texts)).indices[0]
        return [int(i) for i in found if i >= 0]

    def copies(self, passage: int) -> set[int]:
        """The passage itself, and every other that repeats part of it."""
        own = self.shingles[passage]
        least = {i: COPY_SHARE * min(len(own), len(other)) for i, other in enumerate(self.shingles)}
        return {passage} | {i for i, other in enumerate(self.shingles) if len(own & other) >= max(1.0, least[i])}

    def stretch(self, passage: int, free: Many[int], *, before: int, after: int) -> list[int]:
        """`passage` with what stands around it in its article: at most so many before and after, none beyond one that is not free."""
        first, last = passage, passage
        while passage - first < before and self._follows(first - 1, first, free):
            first -= 1
        while last - passage < after and self._follows(last + 1, last, free):
            last += 1
        return list(range(first, last + 1))

    def _follows(self, candidate: int, neighbour: int, free: Many[int]) -> bool:
        return 0 <= candidate < len(self.texts) and candidate in free and self.articles[candidate] == self.articles[neighbour]


def read_collection(folder: Path) -> Collection:
    """Read a set in BEIR layout whose corpus stands in the order of its sources; questions are in the order of their ids."""
    found = read_passages(folder)
    kept = {key: text.strip("\ufeff \n") for key, text in found.corpus.items() if len(text) <= LONGEST_PASSAGE}
    position = {key: i for i, key in enumerate(kept)}
    texts = tuple(kept.values())
    terms = [words(text) for text in texts]
    answers = {query: tuple(position[key] for key in keys if key in position) for query, keys in sorted(found.relevant.items())}
    return Collection(
        name=folder.name,
        texts=texts,
        articles=tuple(article_numbers(_told(tuple(kept), found), terms)),
        questions=tuple((found.queries[query], passages) for query, passages in answers.items() if passages),
        index=Lexical(texts),
        shingles=tuple(_shingles(found) for found in terms),
    )


def article_numbers(told: Sequence[str], terms: Sequence[Sequence[str]]) -> Iterator[int]:
    """A number for each passage, one more where an article begins: as `told`, or by the passages' words where that is empty."""
    begins = [a != b for a, b in pairwise(told)] if told else _breaks(terms)
    yield from accumulate(begins, initial=0)


def _told(ids: Sequence[str], found: Passages) -> list[str]:
    """The article of each passage by its own id, or by those of its questions; empty where some tell nothing."""
    asked: dict[str, str] = {}
    for query, keys in found.relevant.items():
        for key in keys:
            asked.setdefault(key, query)
    matches = [_NUMBERED.fullmatch(key) or _NUMBERED.fullmatch(asked.get(key, "")) for key in ids]
    return [match.group(1) for match in matches if match] if all(matches) else []


def _breaks(terms: Sequence[Sequence[str]]) -> list[bool]:
    """Whether a new article begins after each passage but the last: the two before and the two behind are hardly alike."""
    if len(terms) < 2:
        return []
    vectors = _weighted(terms)
    chance = random.Random(0)
    drawn = [chance.sample(vectors, 2) for _ in range(500)]
    threshold = COHESION * float(np.mean([_cosine(a, b) for a, b in drawn]))
    around = ((vectors[max(0, i - 2) : i], vectors[i : i + 2]) for i in range(1, len(vectors)))
    return [float(np.mean([_cosine(a, b) for a in left for b in right])) < threshold for left, right in around]


def _weighted(terms: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Each passage's words, weighed by how few passages hold them, at length 1."""
    held = [dict.fromkeys(found) for found in terms]
    counts = Counter(word for found in held for word in found)
    vectors = []
    for found in held:
        weights = {word: math.log(len(terms) / counts[word]) for word in found}
        norm = max(math.hypot(*weights.values()), 1e-9)
        vectors.append({word: weight / norm for word, weight in weights.items()})
    return vectors


def _cosine(a: dict[str, float], b: dict[str, float]) -> float:
    return sum(weight * b[word] for word, weight in a.items() if word in b)


def _shingles(terms: Sequence[str]) -> frozenset[int]:
    return frozenset(hash(tuple(terms[i : i + SHINGLE])) for i in range(max(1, len(terms) - SHINGLE + 1)))

"""Small corpora with vectors made by hand: an angle for each text, so that every cosine is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adjudge.train.negatives import Mined, NegativeConfig, Question, Source, mine

__all__ = ["Corpus", "at", "corpus_of"]


@dataclass(frozen=True)
class Corpus:
    """Passages, questions, and where each points."""

    sources: list[Source]
    questions: list[Question]
    vectors: np.ndarray  # (passages, 2)
    query_vectors: np.ndarray  # (questions, 2)

    def mine(self, **settings: object) -> Mined:
        """Candidates under `settings`."""
        config = NegativeConfig(**settings)
        return mine(self.questions, self.sources, query_vectors=self.query_vectors, vectors=self.vectors, config=config)

    def found(self, question: int = 0, **settings: object) -> dict[str, str]:
        """{text: finder} of a question's candidates, most similar first."""
        return {self.sources[c.index].text: c.found for c in self.mine(**settings).candidates[question]}


def at(degrees: float) -> tuple[float, float]:
    """The unit vector in that direction: the cosine of two is that of the angle between them."""
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def corpus_of(passages: Sequence[tuple[str, str, float, str]], asked: Sequence[tuple[str, str, float, tuple[int, ...]]]) -> Corpus:
    """Passages as (text, language, degrees, group), questions as (text, language, degrees, positives)."""
    return Corpus(
        sources=[Source(text=text, lang=lang, group=group) for text, lang, _, group in passages],
        questions=[Question(text=text, lang=lang, positives=positives) for text, lang, _, positives in asked],
        vectors=np.array([at(d) for _, _, d, _ in passages], np.float32).reshape(-1, 2),
        query_vectors=np.array([at(d) for _, _, d, _ in asked], np.float32).reshape(-1, 2),
    )

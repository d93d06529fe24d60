"""BM25 written out, one word of one text after the other: Lucene's form of Robertson's formula."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from adjudge.retrieval.lexical import words

__all__ = ["bm25"]


def bm25(query: str, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> list[float]:
    """The score of each text: sum over the query's words of idf * tf / (tf + k1 * (1 - b + b * length / mean length))."""
    split = [words(text) for text in texts]
    mean = sum(map(len, split)) / len(split)
    found = [0.0] * len(texts)
    for word in words(query):
        holding = sum(word in terms for terms in split)
        if not holding:
            continue
        idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for index, terms in enumerate(split):
            frequency = Counter(terms)[word]
            found[index] += idf * frequency / (frequency + k1 * (1 - b + b * len(terms) / mean))
    return found

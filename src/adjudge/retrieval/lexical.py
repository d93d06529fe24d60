"""Words of a text, and BM25 over them: the first stage that needs no model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, InputError, MissingExtraError

__all__ = ["Hits", "Lexical", "words"]

_NO_SPACES = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_RUN = re.compile(rf"[{_NO_SPACES}]+|[^\W{_NO_SPACES}]+")  # "iPhone手机" is a word and a run of Chinese
_HAN = re.compile(f"[{_NO_SPACES}]")


def words(text: str) -> list[str]:
    """The terms of `text`: lower-cased words, and for Chinese, which writes no spaces, every two neighbouring characters.

    Bigrams beat single characters and need no dictionary (Nie, Gao, Zhang, Zhou: On the use of words and n-grams for Chinese
    information retrieval, 2000). No stemming, no stop words: BM25's own weights do most of that, in any language.
    """
    terms: list[str] = []
    for run in _RUN.findall(text.lower()):
        if not _HAN.match(run) or len(run) == 1:
            terms.append(run)
        else:
            terms.extend(run[i : i + 2] for i in range(len(run) - 1))
    return terms


@dataclass(frozen=True, slots=True)
class Hits:
    """What a first stage found for several queries, best first."""

    indices: NDArray[np.int64]  # (queries, k) positions in the list of texts; -1 where fewer matched
    scores: NDArray[np.float32]  # (queries, k)


class Lexical:
    """BM25 (Robertson) over a list of texts, by the library bm25s: k1 = 1.2, b = 0.75."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Index `texts`. Raises InputError where there is none, MissingExtraError without bm25s."""
        _check(texts, "texts")
        if not texts:
            raise InputError("there is nothing to index: the list of texts is empty")
        try:
            import bm25s
        except ImportError:
            raise MissingExtraError(package="bm25s", extra="search", what="BM25") from None
        self._size = len(texts)
        self._ids: dict[str, int] = {}
        corpus = [[self._ids.setdefault(word, len(self._ids)) for word in words(text)] for text in texts]
        self._empty = not self._ids
        self._index: Any = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
        if not self._empty:
            self._index.index(bm25s.tokenization.Tokenized(ids=corpus, vocab=self._ids), show_progress=False)

    def search(self, queries: Sequence[str], *, k: int) -> Hits:
        """The `k` best texts for each query; a text without a word of the query is no hit (-1, score 0)."""
        if k < 1:
            raise ConfigError(f"k={k}: ask for at least one text")
        _check(queries, "queries")
        k = min(k, self._size)
        indices, scores = np.full((len(queries), k), -1, np.int64), np.zeros((len(queries), k), np.float32)
        for row, query in enumerate(queries):
            known = [self._ids[word] for word in words(query) if word in self._ids]
            if self._empty or not known:
                continue
            found = np.asarray(self._index.get_scores_from_ids(known), np.float32)
            least = np.partition(found, -k)[-k]  # what the last of the k scores; as many others may score the same
            best = np.flatnonzero((found >= least) & (found > 0))
            best = best[np.argsort(-found[best], kind="stable")[:k]]  # ties by position, so that a run can be repeated
            indices[row, : len(best)], scores[row, : len(best)] = best, found[best]
        return Hits(indices=indices, scores=scores)


def _check(texts: Sequence[str], name: str) -> None:
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"{name} must be a list of strings; put a single one into a list")

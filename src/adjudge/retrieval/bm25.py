"""BM25Retriever: the first stage that counts words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from ..types import DocumentLike
from .base import Where
from .corpus import Corpus, Search, Stage
from .index.base import Index
from .lexical import Lexical

__all__ = ["BM25Retriever"]


class BM25Retriever(Stage):
    """Documents that share words with the query, rare ones counting more (Robertson's BM25, k1 = 1.2, b = 0.75).

    Scores are 0 or more and mean nothing from one query to another. A document without a word of the query is not found.
    """

    @classmethod
    def from_documents(cls, documents: Iterable[DocumentLike], *, name: str = "bm25") -> Self:
        """Count the words of `documents` now, in memory. Raises InputError where none holds text, MissingExtraError without bm25s."""
        corpus = Corpus.of(documents)
        lexical = Lexical(corpus.texts)

        def find(query: str, k: int, where: Where | None) -> Search:
            allowed = corpus.allowed(where)
            hits = lexical.search([query], k=k if allowed is None else len(corpus.documents))  # a filter may let only the last ones through
            passing = None if allowed is None else set(allowed.tolist())
            found = [
                (corpus.documents[at], float(score))
                for at, score in zip(hits.indices[0].tolist(), hits.scores[0], strict=True)
                if at >= 0 and (passing is None or at in passing)
            ]
            return Search(found=found[:k])

        return cls(name, find, refused=corpus.refused)

    @classmethod
    def from_index(cls, index: Index, *, name: str = "bm25") -> Self:
        """Search the words of an open index. The index stays yours to close."""

        def find(query: str, k: int, where: Where | None) -> Search:
            return Search(found=[(one.document, one.score) for one in index.by_words(query, k, where=where)])

        return cls(name, find)

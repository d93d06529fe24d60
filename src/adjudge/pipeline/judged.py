"""What every first stage finds for the questions of a tuning, and what the judge says of all of it, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..progress import show_progress
from ..reranker import Reranker
from ..retrieval.base import Retriever
from ..types import Document
from .config import PipelineConfig
from .fusing import RankFusion, fused
from .reading import read_as

__all__ = ["Question", "collect"]

_TOGETHER = 8  # questions whose pairs share batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with all that was found for it, by any first stage; `keys` tell documents apart as the qrels do."""

    id: str
    relevant: Mapping[str, int]  # {key: grade}, grades above 0; empty for a question without an answer
    grades: Mapping[str, int]  # the same with all grades
    keys: tuple[str, ...]
    found: tuple[tuple[int, ...], ...]  # for each first stage, positions in `keys`, best first
    order: NDArray[np.int64]  # positions in `keys`, the best by the judge first; empty without a judge
    scores: NDArray[np.float64]  # the judge's, for each key; NaN without a judge, or for what it refused

    def ranked(self, stage: int, candidates: int, *, rerank: bool, fusion: RankFusion | None = None) -> list[int]:
        """Positions in `keys` as a pipeline would give them, each key once."""
        first = self.found[stage][:candidates] if rerank else self.found[stage]
        if not rerank:
            return self._once(first)
        places = {at: place for place, at in reversed(list(enumerate(first, start=1)))}  # of two places the first
        judged = [at for at in self.order.tolist() if at in places]
        if fusion is None:
            return self._once(judged)
        order = fused(range(1, len(judged) + 1), [places[at] for at in judged], fusion)
        return self._once([judged[at] for at, _ in order])

    def _once(self, positions: Sequence[int]) -> list[int]:
        """The first of those with the same key: passages of one file, where files were judged."""
        best: dict[str, int] = {}
        for at in positions:
            best.setdefault(self.keys[at], at)
        return list(best.values())


def collect(
    retrievers: Sequence[Retriever],
    reranker: Reranker | None,
    config: PipelineConfig,
    asked: Sequence[tuple[str, str, Mapping[str, int]]],
    *,
    depth: int,
    by: str | None,
    progress: bool,
) -> list[Question]:
    """Ask all first stages every question, then let the judge read what any of them found. `asked`: (id, text, grades).

    Raises InputError for a document without the id, or the metadata `by`, that qrels could name it by.
    """
    questions: list[Question] = []
    with show_progress(len(asked), label="tuning", unit="questions") if progress else nullcontext() as advance:
        for first in range(0, len(asked), _TOGETHER):
            block = asked[first : first + _TOGETHER]
            found = [_found(retrievers, text, depth) for _, text, _ in block]
            judged = _judged(reranker, config, [text for _, text, _ in block], [documents for documents, _ in found])
            for (identity, _, grades), (documents, lists), (order, scores) in zip(block, found, judged, strict=True):
                questions.append(
                    Question(
                        id=identity,
                        relevant={key: grade for key, grade in grades.items() if grade > 0},
                        grades=grades,
                        keys=tuple(_key(document, by) for document in documents),
                        found=lists,
                        order=order,
                        scores=scores,
                    )
                )
            if advance is not None:
                advance(len(questions), len(asked))
    return questions


def _found(retrievers: Sequence[Retriever], query: str, depth: int) -> tuple[list[Document], tuple[tuple[int, ...], ...]]:
    """Different documents, and the list of each first stage as positions among them."""
    documents: list[Document] = []
    places: dict[tuple[str | None, str], int] = {}
    lists: list[tuple[int, ...]] = []
    for retriever in retrievers:
        positions = []
        for candidate in retriever.retrieve(query, depth).candidates[:depth]:
            document = candidate.document
            at = places.setdefault((document.id, document.text), len(documents))
            if at == len(documents):
                documents.append(document)
            positions.append(at)
        lists.append(tuple(positions))
    return documents, tuple(lists)


def _judged(
    reranker: Reranker | None, config: PipelineConfig, queries: Sequence[str], documents: Sequence[Sequence[Document]]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    if reranker is None:
        return [(np.empty(0, np.int64), np.full(len(one), np.nan)) for one in documents]
    judged = []
    read = [[read_as(document, headings=config.headings) for document in given] for given in documents]
    for ranking, given in zip(reranker.rank_many(queries, read, windows=config.windows), documents, strict=True):
        scores = np.full(len(given), np.nan)
        for result in ranking:
            scores[result.index] = result.score
        judged.append((np.array([result.index for result in ranking], np.int64), scores))
    return judged


def _key(document: Document, by: str | None) -> str:
    if by is None:
        if document.id is None:
            raise InputError(
                "a document without an id was found, and qrels name documents by id; give each its own, or tune by metadata: by="
            )
        return document.id
    if by not in document.metadata:
        raise InputError(f"the document {document.id!r} has no metadata {by!r} to compare with the qrels")
    return str(document.metadata[by])

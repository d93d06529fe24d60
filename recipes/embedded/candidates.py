"""First stages over one evaluation set: BM25, the bi-encoder, their fusion, and the lists that the judge reorders."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adjudge.backends.base import Floats
from adjudge.retrieval.dense import Embedder
from adjudge.retrieval.lexical import Lexical

__all__ = ["EvaluationSet", "Lists", "first_stages", "fuse", "read_set", "sample"]

DEPTH = 50
RRF = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSet:
    """A set in BEIR's layout."""

    name: str
    documents: dict[str, str]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]  # query id -> document id -> grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What each first stage gives a query: document ids, best first."""

    bm25: list[str]
    dense: list[str]
    fusion: list[str]  # reciprocal ranks of the two lists added

    @property
    def union(self) -> list[str]:
        """Every document that the judge is asked about."""
        return list(dict.fromkeys([*self.bm25, *self.dense]))


def read_set(folder: Path) -> EvaluationSet:
    """Read corpus.jsonl.gz, queries.jsonl.gz and qrels.tsv.gz."""
    rows = _rows(folder / "corpus.jsonl.gz")
    documents = {row["_id"]: "\n".join(part for part in (row.get("title"), row["text"]) if part) for row in rows}
    queries = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl.gz")}
    grades: dict[str, dict[str, int]] = {}
    with gzip.open(folder / "qrels.tsv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            query, document, grade = line.split()
            grades.setdefault(query, {})[document] = int(grade)
    return EvaluationSet(name=folder.name, documents=documents, queries={q: t for q, t in queries.items() if q in grades}, grades=grades)


def sample(queries: Sequence[str], count: int, seed: int = 11) -> list[str]:
    """A seeded draw of query ids; a larger draw begins with the smaller one, so that scores already there are kept. 0 takes all."""
    drawn = random.Random(seed).sample(list(queries), len(queries))
    return drawn[:count] if count else drawn


def first_stages(data: EvaluationSet, queries: Sequence[str], embedder: Embedder, *, judged_only: bool) -> Iterator[tuple[str, Lists]]:
    """The lists of each query. `judged_only`: only among the documents that were judged for it (a set of judged lists)."""
    ids = list(data.documents)
    texts = [data.documents[i] for i in ids]
    lexical = Lexical(texts)
    vectors = embedder.embed(texts, kind="document")
    asked = embedder.embed([data.queries[q] for q in queries], kind="query")
    place = {document: n for n, document in enumerate(ids)}
    for query, vector in zip(queries, asked, strict=True):
        similarity: Floats = vectors @ vector
        hits = lexical.search([data.queries[query]], k=len(ids) if judged_only else DEPTH)
        bm25 = [ids[i] for i in hits.indices[0] if i >= 0]
        dense = [ids[i] for i in np.argsort(-similarity, kind="stable")]
        if judged_only:
            judged = set(data.grades[query]) & set(place)
            bm25 = [d for d in bm25 if d in judged]
            bm25 += sorted(judged - set(bm25))
            dense = [d for d in dense if d in judged]
        bm25, dense = bm25[:DEPTH], dense[:DEPTH]
        yield query, Lists(bm25=bm25, dense=dense, fusion=fuse(bm25, dense))


def fuse(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal rank fusion, k = 60 (Cormack, Clarke, Büttcher, 2009)."""
    score: dict[str, float] = {}
    for ranking in rankings:
        for rank, document in enumerate(ranking, 1):
            score[document] = score.get(document, 0.0) + 1 / (RRF + rank)
    return sorted(score, key=lambda d: -score[d])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)

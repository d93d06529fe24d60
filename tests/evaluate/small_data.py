"""Small judged data for tests of evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adjudge.evaluate.dataset import Asked, Dataset
from adjudge.evaluate.experiment import Raw, Timed
from adjudge.evaluate.first_stage import FirstStage, Found
from adjudge.evaluate.peers import RerankerSpec

__all__ = ["computed", "dataset", "quick_spec", "write_folder", "write_run"]


def dataset(grades: Mapping[str, Mapping[str, int]], *, languages: Mapping[str, str] | None = None, documents: int = 6) -> Dataset:
    """Queries with these judgements; documents d0, d1, ... ."""
    languages = {} if languages is None else languages
    return Dataset(
        name="small",
        format="beir",
        queries={query: Asked(f"text of {query}", languages.get(query, "en")) for query in grades},
        documents={f"d{n}": f"text of document {n}" for n in range(documents)},
        grades=grades,
        digest="0",
    )


def computed(
    data: Dataset, first: Mapping[str, Sequence[str]], scores: Mapping[str, Mapping[str, Sequence[float | None]]], *, ms: float = 5.0
) -> Raw:
    """As if a first stage had found `first`, and rerankers had given `scores`."""
    found = {
        query: Found(documents=tuple(first.get(query, ())), scores=(0.0,) * len(first.get(query, ())), milliseconds=1.0)
        for query in data.queries
    }
    session = {
        "model": "m",
        "revision": "",
        "runtime": "r",
        "score_type": "sigmoid",
        "versions": {},
        "load_ms": 7.0,
        "memory_before_mib": 1.0,
    }
    judged = {
        name: {q: Timed(scores=tuple(given), logits=None, milliseconds=ms, memory_mib=50.0) for q, given in per.items()}
        for name, per in scores.items()
    }
    return Raw(first=FirstStage(name="bm25", found=found, load_ms=3.0), judged=judged, sessions={name: [session] for name in scores})


def write_folder(folder: Path, *, corpus: Sequence[Any], queries: Sequence[Any], qrels: Sequence[str], name: str = "qrels.tsv") -> Path:
    """A folder in BEIR's layout; strings are written as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, rows in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        (folder / file).write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("".join(f"{row}\n" for row in qrels), encoding="utf-8")
    return folder


def write_run(path: Path, order: Mapping[str, Sequence[str]]) -> Path:
    """A TREC run with these documents, best first."""
    lines = [f"{q} Q0 {d} {rank} {100 - rank} test" for q, documents in order.items() for rank, d in enumerate(documents, 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quick_spec(folder: Path, name: str = "quick", **options: Any) -> RerankerSpec:
    """A model of a byte-level tokenizer that judges by word overlap."""
    return RerankerSpec(name=name, adapter="adjudge", model=str(folder), options={"backend": "fake", **options})

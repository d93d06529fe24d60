"""Step 7: score the evaluation sets. Hours on two cores for every query, so scores are kept and a run goes on where it was.

    python -m recipes.embedded.evaluate EVAL OUT --model FOLDER [--queries 200] [--sets NAME,NAME] [--precision int8]

EVAL holds one folder a set. Writes OUT/SET.jsonl, a row a query: the lists of BM25, bi-encoder and fusion, and the judge's logit of each
document in them. `python -m recipes.embedded.report` makes tables of it. `--first-stage FOLDER` names the model whose bi-encoder retrieves.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from recipes.embedded.candidates import EvaluationSet, Lists, first_stages, read_set, sample
from recipes.embedded.common import read_rows

SETS = (
    "cnil-besoindaide-fr", "mlqa-dev-zh", "mlqa-dev-es", "mlqa-dev-en", "tydi-en-dev", "mediqa-qa-en", "fquad-valid-A-fr", "cmrc-dev-zh",
    "drcd-test-zh_hant", "squad-es-dev", "xquad-ru", "xquad-en", "xquad-es", "xquad-zh",
)  # fmt: skip
JUDGED_ONLY = ("mediqa-qa-en",)
BLOCK = 16
"""Queries scored together: enough to fill batches, few enough that little is lost when a run is stopped."""


def score_set(data: EvaluationSet, out: Path, judge: Reranker, embedder: Embedder, count: int) -> None:
    """Append what is missing to OUT/SET.jsonl."""
    path = out / f"{data.name}.jsonl"
    known = {row["query"] for row in read_rows(path)} if path.exists() else set()
    wanted = [q for q in sample(list(data.queries), count) if q not in known]
    if not wanted:
        return
    began, block = time.perf_counter(), []
    for query, lists in first_stages(data, wanted, embedder, judged_only=data.name in JUDGED_ONLY):
        block.append((query, lists))
        if len(block) == BLOCK:
            _flush(block, data, path, judge)
            block = []
    _flush(block, data, path, judge)
    print(f"{data.name}: {len(wanted)} queries in {time.perf_counter() - began:.0f} s", flush=True)


def _flush(block: list[tuple[str, Lists]], data: EvaluationSet, path: Path, judge: Reranker) -> None:
    pairs = [(data.queries[query], data.documents[document]) for query, lists in block for document in lists.union]
    logits = iter(judge.score(pairs, normalize=False))
    with path.open("a", encoding="utf-8") as file:
        for query, lists in block:
            row: dict[str, Any] = {"query": query, "bm25": lists.bm25, "dense": lists.dense, "fusion": lists.fusion}
            row["judge"] = {document: round(next(logits), 5) for document in lists.union}
            row["grades"] = data.grades[query]
            file.write(json.dumps(row) + "\n")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--first-stage", default="embedded")
    parser.add_argument("--queries", type=int, default=0, help="a set; 0: all")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with Reranker(arguments.model, precision=arguments.precision) as judge, Embedder(arguments.first_stage) as embedder:
        print(judge, flush=True)
        for name in arguments.sets.split(","):
            score_set(read_set(arguments.eval / name), arguments.out, judge, embedder, arguments.queries)


if __name__ == "__main__":
    main()

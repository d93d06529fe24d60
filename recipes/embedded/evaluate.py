"""Step 8: score the evaluation sets. Hours on two cores for every query, so scores are kept and a run goes on where it was.

    python -m recipes.embedded.evaluate EVAL OUT --model FOLDER [--lists FOLDER] [--queries 200] [--sets NAME,NAME] [--precision int8]

EVAL holds one folder a set. Writes OUT/SET.jsonl, a row a query: the lists of BM25, bi-encoder and fusion, and the judge's logit of each
document in them. `python -m recipes.embedded.report` makes tables of it. `--first-stage FOLDER` names the model whose bi-encoder retrieves;
`--lists FOLDER` keeps what it and BM25 found, for the next judge; with `--model none` nothing else is done.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from recipes.embedded.candidates import EvaluationSet, first_stages, read_set, sample
from recipes.embedded.common import existing, kept_rows

SETS = (
    "cnil-besoindaide-fr", "mlqa-dev-zh", "mlqa-dev-es", "mlqa-dev-en", "tydi-en-dev", "mediqa-qa-en", "fquad-valid-A-fr", "cmrc-dev-zh",
    "drcd-test-zh_hant", "squad-es-dev", "xquad-ru", "xquad-en", "xquad-es", "xquad-zh",
)  # fmt: skip
JUDGED_ONLY = ("mediqa-qa-en",)
BLOCK = 16
"""Queries scored together: enough to fill batches, few enough that little is lost when a run is stopped."""


def find_lists(data: EvaluationSet, folder: Path, model: str, count: int) -> list[dict[str, Any]]:
    """Rows with the lists of BM25, bi-encoder and fusion, kept in FOLDER/SET.jsonl."""
    path = folder / f"{data.name}.jsonl"
    known = {row["query"]: row for row in kept_rows(path)}
    wanted = sample(list(data.queries), count)
    missing = [q for q in wanted if q not in known]
    if missing:
        with Embedder(model) as embedder, path.open("a", encoding="utf-8") as file:
            for query, lists in first_stages(data, missing, embedder, judged_only=data.name in JUDGED_ONLY):
                found = {"query": query, "bm25": lists.bm25, "dense": lists.dense, "fusion": lists.fusion, "grades": data.grades[query]}
                known[query] = found
                file.write(json.dumps(known[query]) + "\n")
    return [known[q] for q in wanted]


def score_set(data: EvaluationSet, rows: list[dict[str, Any]], out: Path, judge: Reranker) -> None:
    """Append what is missing to OUT/SET.jsonl."""
    path = out / f"{data.name}.jsonl"
    known = {row["query"] for row in kept_rows(path)}
    wanted = [row for row in rows if row["query"] not in known]
    began = time.perf_counter()
    for first in range(0, len(wanted), BLOCK):
        block = wanted[first : first + BLOCK]
        asked = [(row, list(dict.fromkeys([*row["bm25"], *row["dense"]]))) for row in block]
        pairs = [(data.queries[row["query"]], data.documents[document]) for row, documents in asked for document in documents]
        logits = iter(judge.score(pairs, normalize=False))
        with path.open("a", encoding="utf-8") as file:
            for row, documents in asked:
                file.write(json.dumps({**row, "judge": {document: round(next(logits), 5) for document in documents}}) + "\n")
    if wanted:
        print(f"{data.name}: {len(wanted)} queries in {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=existing)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--first-stage", default="embedded")
    parser.add_argument("--lists", type=Path)
    parser.add_argument("--queries", type=int, default=0, help="a set; 0: all")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    lists = arguments.out / "lists" if arguments.lists is None else arguments.lists
    for folder in (arguments.out, lists):
        folder.mkdir(parents=True, exist_ok=True)
    judge = None if arguments.model == "none" else Reranker(arguments.model, precision=arguments.precision)
    print(judge, flush=True)
    for name in arguments.sets.split(","):
        data = read_set(arguments.eval / name)
        rows = find_lists(data, lists, arguments.first_stage, arguments.queries)
        if judge is not None:
            score_set(data, rows, arguments.out, judge)
    if judge is not None:
        judge.close()


if __name__ == "__main__":
    main()

"""Beside the recipe: what each kind of label on a judgement group adds to the order of passages.

    python -m recipes.embedded.ablation WORK OUT.json [--dial 1.0] [--seed 1] [--variants NAME,NAME] [--set run.steps=80 ...]

Trains the base of WORK on the judgement groups alone, once with all labels, and once without each of them: without its head, and without
what it takes off the grade. All runs see the same rows in the same order. Then the groups that were held back: how often a passage of
relevance 3 stands first, nDCG@10 of the plain relevance, and, kind by kind, how often an answer stands above such a passage.
Leaves WORK/ablation-NAME-SEED; started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from adjudge import Reranker
from adjudge.train import Outcome, train
from adjudge.train.rows import read_groups
from adjudge.train.supervision import ASPECTS
from recipes.embedded.common import existing, read_rows, settings, write_json, write_rows
from recipes.embedded.train import build_config

__all__ = ["VARIANTS", "above", "rows_without"]

VARIANTS = MappingProxyType(
    {"all": (), **{f"no-{name}": (name,) for name in ASPECTS}, "relevance": ASPECTS},
)
"""What is left out."""

ANSWERS = ("answer", "cross")


def rows_without(path: Path, left_out: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Judgement groups as lists of graded documents, with the labels that are not left out."""
    for group in read_groups(path).groups:
        documents = []
        for item in group.items:
            labels = dict(zip(ASPECTS, item.aspects.values(), strict=True))
            known = {name: value for name, value in labels.items() if name not in left_out and not np.isnan(value)}
            documents.append({"text": item.text, "grade": item.grade, **known})
        yield {"query": group.query, "documents": documents, "source": "judgements"}


def above(scores: list[float], kinds: list[str]) -> dict[str, tuple[int, int]]:
    """For every other kind: (answers that stand above a passage of it, all such pairs)."""
    found: dict[str, tuple[int, int]] = {}
    answers = [score for score, kind in zip(scores, kinds, strict=True) if kind in ANSWERS]
    for score, kind in zip(scores, kinds, strict=True):
        if kind not in ANSWERS:
            right, pairs = found.get(kind, (0, 0))
            found[kind] = (right + sum(answer > score for answer in answers), pairs + len(answers))
    return found


def measured(judge: Reranker, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the held-back groups."""
    logits = iter(judge.score([(row["query"], p["text"]) for row in rows for p in row["passages"]], normalize=False))
    first = []
    pairs: dict[str, tuple[int, int]] = {}
    for row in rows:
        scores = [next(logits) for _ in row["passages"]]
        first.append(row["passages"][int(np.argmax(scores))]["relevance"] == 3)
        for kind, (right, of) in above(scores, [p["kind"] for p in row["passages"]]).items():
            pairs[kind] = (pairs.get(kind, (0, 0))[0] + right, pairs.get(kind, (0, 0))[1] + of)
    kinds = {kind: {"pairs": of, "answer above": round(right / of, 4)} for kind, (right, of) in sorted(pairs.items()) if of}
    return {"groups": len(rows), "top1": round(float(np.mean(first)), 4), "kinds": kinds}


def run(work: Path, name: str, values: dict[str, Any], *, dial: float, seed: int, changes: list[str]) -> Outcome:
    """Train one variant."""
    groups = work / values["folders"]["groups"]
    file = groups / f"ablation-{name}.jsonl.gz"
    write_rows(file, rows_without(groups / "judgements.jsonl.gz", VARIANTS[name]))
    watched = groups / "ablation-held-out.jsonl.gz"  # the plain relevance, whatever was taught
    write_rows(watched, rows_without(groups / "judgements-held-out.jsonl.gz", ASPECTS))
    values = {**values, "train": values["ablation"]["train"]}
    own = [f"data.{key}=['{groups.name}/{path.name}']" for key, path in (("train", file), ("dev", watched))]
    own += ["data.shares=[1.0]", f"run.seed={seed}", *changes]
    return train(build_config(work, values, dial=dial, name=f"ablation-{name}-{seed}", changes=own), progress=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dial", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS), metavar="NAMES")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    values = settings()
    held = list(read_rows(arguments.work / values["folders"]["groups"] / "judgements-held-out.jsonl.gz"))
    found: dict[str, Any] = {}
    for name in arguments.variants:
        outcome = run(arguments.work, name, values, dial=arguments.dial, seed=arguments.seed, changes=arguments.set)
        with Reranker(outcome.folder) as judge:
            found[name] = measured(judge, held) | {"nDCG@10": round(outcome.best.measures["nDCG@10"], 4), "tokens": outcome.tokens}
        print(name, json.dumps(found[name]), flush=True)
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()

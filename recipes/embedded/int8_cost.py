"""Measure what packing costs: the order of held-out lists by the packed judge and by the float32 one it was packed from.

    python -m recipes.embedded.int8_cost WORK PACKED FLOAT OUT.json [--lists 300]

PACKED runs as it comes (int8 weights, in bfloat16 where the CPU has it), FLOAT in float32. Lists nobody trained on, about `--lists` of each
kind: mined ones, judgement groups, subjects, short answers. Figures mean:

    ndcg@10        {precision: mean over the lists}
    difference     int8 less float32, with half the width of its 95 % interval (1.96 standard errors)
    same_first     share of lists with the same document in the first place
    logits_apart   mean and largest difference of the logits

About twenty minutes of two cores at 300 lists.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from numpy.typing import NDArray

from adjudge import Reranker
from recipes.embedded.calibrate import HELD_OUT
from recipes.embedded.common import existing, settings, thin, write_json
from recipes.embedded.report import paired

Floats = NDArray[np.float64]


def ndcg(grades: Sequence[Floats], logits: Sequence[Floats]) -> Floats:
    """nDCG@10 of each list, grades 0..1 as whole ones 0..3; NaN where nothing is right."""
    qrels = [ir_measures.Qrel(str(n), str(at), round(g * 3)) for n, some in enumerate(grades) for at, g in enumerate(some)]
    run = [ir_measures.ScoredDoc(str(n), str(at), float(x)) for n, said in enumerate(logits) for at, x in enumerate(said)]
    found = np.array([np.nan if not some.any() else 0.0 for some in grades])
    for metric in ir_measures.iter_calc([ir_measures.nDCG @ 10], qrels, run):
        found[int(metric.query_id)] += metric.value
    return found


def compare(grades: Sequence[Floats], packed: Sequence[Floats], exact: Sequence[Floats]) -> dict[str, Any]:
    """The figures above for lists of any length."""
    ours, theirs = ndcg(grades, packed), ndcg(grades, exact)
    known = ~np.isnan(ours)
    apart = np.abs(np.concatenate(packed) - np.concatenate(exact))
    same = [int(np.argmax(a)) == int(np.argmax(b)) for a, b in zip(packed, exact, strict=True)]
    return {
        "lists": int(known.sum()),
        "ndcg@10": {"int8": round(float(ours[known].mean()), 4), "float32": round(float(theirs[known].mean()), 4)},
        "difference": [round(x, 4) for x in paired(ours[known], theirs[known])],
        "same_first": round(float(np.mean(same)), 4),
        "logits_apart": {"mean": round(float(apart.mean()), 4), "largest": round(float(apart.max()), 4)},
    }


def logits_of(folder: Path, precision: str, lists: Sequence[Any]) -> list[Floats]:
    """What the judge of a folder says of each list."""
    with Reranker(str(folder), precision=precision) as judge:
        said = judge.score([(g.query, item.text) for g in lists for item in g.items], normalize=False)
    ends = np.cumsum([len(g.items) for g in lists])[:-1]
    return [np.asarray(part, np.float64) for part in np.split(np.asarray(said), ends)]


def main() -> None:
    """Read the arguments and run."""
    from adjudge.train.rows import read_groups

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=existing)
    parser.add_argument("packed", type=existing)
    parser.add_argument("exact", type=existing, metavar="FLOAT")
    parser.add_argument("out", type=Path)
    parser.add_argument("--lists", type=int, default=300)
    arguments = parser.parse_args()
    groups = arguments.work / settings()["folders"]["groups"]
    lists = [g for name in HELD_OUT for g in thin(read_groups(groups / f"{name}.jsonl.gz").groups, arguments.lists)]
    grades = [np.array([item.grade or 0.0 for item in g.items]) for g in lists]
    found = compare(grades, logits_of(arguments.packed, "auto", lists), logits_of(arguments.exact, "f32", lists))
    print(found)
    write_json(arguments.out, found)


if __name__ == "__main__":
    main()

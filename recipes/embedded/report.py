"""Step 9: tables out of the scores that evaluate.py kept.

    python -m recipes.embedded.report OUT [--json FILE] [--skip 60]

For each set: nDCG@10, RR@10 and Success@3 of BM25, the bi-encoder, their fusion, and the judge over BM25's 50, over the bi-encoder's 50
over both, and the last joined with fusion's order by places (`Pipeline(..., fusion=0.5)`); paired differences of nDCG@10 with 95 %
intervals (1.96 standard errors of the mean difference). `--skip` leaves out each set's first questions, on which something was chosen.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from numpy.typing import NDArray

from adjudge.pipeline.fusing import RankFusion, fused
from recipes.embedded.common import existing, read_rows, write_json

MEASURES = {"nDCG@10": ir_measures.nDCG @ 10, "RR@10": ir_measures.RR @ 10, "Success@3": ir_measures.Success @ 3}

SYSTEMS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "BM25": lambda row: row["bm25"],
    "bi-encoder": lambda row: row["dense"],
    "fusion": lambda row: row["fusion"],
    "judge on BM25": lambda row: reorder(row, row["bm25"]),
    "judge on bi-encoder": lambda row: reorder(row, row["dense"]),
    "judge on both": lambda row: reorder(row, list(row["judge"])),
    "judge and fusion": lambda row: joined(row),
    "best possible": lambda row: sorted(row["judge"], key=lambda d: -row["grades"].get(d, 0)),
}
PAIRS = (
    ("judge on BM25", "BM25"),
    ("judge on bi-encoder", "bi-encoder"),
    ("judge on both", "bi-encoder"),
    ("judge on both", "fusion"),
    ("judge on both", "BM25"),
    ("judge and fusion", "judge on both"),
)


def reorder(row: dict[str, Any], documents: list[str]) -> list[str]:
    """By logit, ties in the order given."""
    return sorted(documents, key=lambda d: -row["judge"][d])


def joined(row: dict[str, Any]) -> list[str]:
    """The judge's order of everything, joined with that of fusion."""
    judged = reorder(row, list(row["judge"]))
    place = {document: at for at, document in enumerate(row["fusion"], start=1)}
    order = fused(range(1, len(judged) + 1), [place[document] for document in judged], RankFusion())
    return [judged[at] for at, _ in order]


def measure(rows: list[dict[str, Any]]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """{system: {measure: a value a query}}."""
    qrels = [ir_measures.Qrel(row["query"], d, g) for row in rows for d, g in row["grades"].items()]
    order = {row["query"]: n for n, row in enumerate(rows)}
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for system, rank in SYSTEMS.items():
        run = [ir_measures.ScoredDoc(row["query"], d, -float(at)) for row in rows for at, d in enumerate(rank(row))]
        values = {name: np.zeros(len(rows)) for name in MEASURES}
        names = {measure: name for name, measure in MEASURES.items()}
        for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
            values[names[metric.measure]][order[metric.query_id]] = metric.value
        found[system] = values
    return found


def paired(better: NDArray[np.float64], worse: NDArray[np.float64]) -> tuple[float, float]:
    """Mean difference and half the width of its 95 % interval, which a single query does not have: NaN."""
    difference = better - worse
    deviation = float(difference.std(ddof=1)) if len(difference) > 1 else math.nan
    return float(difference.mean()), 1.96 * deviation / math.sqrt(len(difference))


def summarise(folder: Path, *, skip: int = 0) -> dict[str, Any]:
    """Everything, as plain numbers, without the first `skip` questions of a set."""
    sets: dict[str, Any] = {}
    for path in sorted(folder.glob("*.jsonl")):
        rows = list(read_rows(path))[skip:]
        if not rows:
            continue
        found = measure(rows)
        sets[path.stem] = {
            "queries": len(rows),
            "measures": {system: {name: round(float(v.mean()), 4) for name, v in values.items()} for system, values in found.items()},
            "differences": {f"{a} - {b}": [round(x, 4) for x in paired(found[a]["nDCG@10"], found[b]["nDCG@10"])] for a, b in PAIRS},
        }
    return {"sets": sets, "mean": _mean(sets)}


def _mean(sets: dict[str, Any]) -> dict[str, float]:
    values = {system: [found["measures"][system]["nDCG@10"] for found in sets.values()] for system in SYSTEMS}
    return {system: round(float(np.mean(listed)), 4) for system, listed in values.items() if listed}


def table(summary: dict[str, Any]) -> str:
    """Markdown."""
    lines = ["| set | queries | " + " | ".join(SYSTEMS) + " |", "|---|---|" + "---|" * len(SYSTEMS)]
    for name, found in summary["sets"].items():
        cells = [f"{found['measures'][s]['nDCG@10']:.3f}" for s in SYSTEMS]
        lines.append(f"| {name} | {found['queries']} | " + " | ".join(cells) + " |")
    lines.append("| mean | | " + " | ".join(f"{summary['mean'][s]:.3f}" for s in SYSTEMS) + " |")
    lines += ["", "| nDCG@10, paired | " + " | ".join(f"{a} − {b}" for a, b in PAIRS) + " |", "|---|" + "---|" * len(PAIRS)]
    for name, found in summary["sets"].items():
        lines.append(f"| {name} | " + " | ".join("{:+.3f} ± {:.3f}".format(*found["differences"][f"{a} - {b}"]) for a, b in PAIRS) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=existing)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    arguments = parser.parse_args()
    summary = summarise(arguments.out, skip=arguments.skip)
    print(table(summary))
    if arguments.json:
        write_json(arguments.json, summary)


if __name__ == "__main__":
    main()

"""The three tables of docs/benchmarks.md from what benchmarks/quality.py wrote.

python -m benchmarks.quality_tables results/quality-MACHINE-DATE.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

__all__ = ["across_table", "main", "set_tables", "traps_table"]


def traps_table(found: dict[str, Any]) -> str:
    """Each question of the demo under each judge."""
    judges = found["judges"]
    rows = [["question", *(f"{name}: best answer / best other" for name in judges)]]
    for row in found["traps"]:
        rows.append([row["question"], *(_sides(row[name]) for name in judges)])
    first = [f"{sum(row[name]['answer'] > row[name]['other'] for row in found['traps'])} of {len(found['traps'])}" for name in judges]
    above = [f"{sum(row[name]['worst_answer'] > row[name]['other'] for row in found['traps'])} of {len(found['traps'])}" for name in judges]
    return _table([*rows, ["an answer first", *first], ["every answer above the rest", *above]])


def _sides(row: dict[str, float]) -> str:
    cell = f"{row['answer']:.2f} / {row['other']:.2f}"
    return f"**{cell}**" if row["answer"] > row["other"] else cell


def set_tables(found: dict[str, Any]) -> str:
    """Quality and latency of every system on every set, and the means."""
    systems = list(found["sets"][0]["systems"])
    quality = [["set", "questions", *systems]]
    for row in found["sets"]:
        means = [row["systems"][name]["nDCG@10"][0] for name in systems]
        quality.append([row["set"], str(row["queries"]), *_best(means)])
    quality.append(["mean", "", *_best([_mean(found, name, "nDCG@10") for name in systems])])
    summary = [["mean of all sets", *systems]]
    for measure in ("RR@10", "Success@1", "Success@3"):
        summary.append([measure, *_best([_mean(found, name, measure) for name in systems])])
    for label, part in (("ms a query, median", "p50"), ("ms a query, p95", "p95")):
        summary.append([label, *(f"{fmean(row['systems'][name]['query_ms'][part] for row in found['sets']):,.0f}" for name in systems)])
    changes = [["nDCG@10, difference", "mean of all sets", "sets where it is surely above", "surely below"]]
    for name in found["sets"][0]["differences"]:
        values = [row["differences"][name] for row in found["sets"]]
        counts = (sum(low > 0 for _, low, _ in values), sum(high < 0 for _, _, high in values))
        changes.append([name, f"{fmean(mean for mean, _, _ in values):+.3f}", *map(str, counts)])
    return "\n\n".join(map(_table, (quality, summary, changes)))


def across_table(found: dict[str, Any]) -> str:
    """Success@1 of each direction under each system."""
    systems = list(found["across"][0]["systems"])
    rows = [["question in", "passages in", *systems]]
    for row in found["across"]:
        rows.append([row["asked"], row["held"], *_best([row["systems"][name]["Success@1"][0] for name in systems])])
    means = [fmean(row["systems"][name]["Success@1"][0] for row in found["across"]) for name in systems]
    return _table([*rows, ["mean", "", *_best(means)]])


def _mean(found: dict[str, Any], system: str, measure: str) -> float:
    return fmean(row["systems"][system][measure][0] for row in found["sets"])


def _best(values: Sequence[float]) -> list[str]:
    """The highest in bold."""
    return [f"**{value:.3f}**" if value == max(values) else f"{value:.3f}" for value in values]


def _table(rows: Iterable[Sequence[str]]) -> str:
    head, *rest = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rest])


def main(given: Sequence[str] | None = None) -> None:
    """Print them."""
    (path,) = sys.argv[1:] if given is None else given
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    print("\n\n".join([traps_table(found), set_tables(found), *([across_table(found)] if found["across"] else [])]))


if __name__ == "__main__":
    main()

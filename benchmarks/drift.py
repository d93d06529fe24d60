"""How often does the drift alarm ring though nothing changed, and how soon does it ring when something did?

    python -m benchmarks.drift --data DIR [--sets NAME,NAME] [--scores FOLDER] [--runs 200]

False alarms. A run draws a reference and 10,000 queries from one and the same distribution, and counts whether the monitor alarms at all.
The distributions are the scores of each set's queries, resampled with replacement, and three made ones: documents that are independent
(their scores nearly equal between queries), documents of one query much alike, and scores that are rounded, with many at 0 and 1.

Delays. For each pair of sets: a reference of one, 1,000 more queries of it, then the other. Counted are the queries of the other one
until the alarm. A pair that never alarms within 2,000 queries counts as missed.

`--scores` keeps the scores of each set in FOLDER/SET.json and reads them the next time. Without --data only the made ones are run.
"""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from adjudge import Reranker
from adjudge.engine.scores import sigmoid
from adjudge.evaluate.draw import draw
from adjudge.monitor import DriftConfig, DriftMonitor, Origin, Tally, make_reference, measure
from adjudge.retrieval.lexical import Lexical

from .passages import DATA_VARIABLE, Passages, add_data_argument, read_passages
from .results import write_results

__all__ = ["Pool", "delays", "false_alarms", "main", "made_pools", "pool_of", "queries_of", "rate", "score_set"]

SETS = ("mlqa-dev-en", "mlqa-dev-es", "mlqa-dev-zh", "tydi-en-dev", "fquad-valid-A-fr", "cnil-besoindaide-fr", "xquad-ru")
REFERENCES = (100, 1000)
HORIZON = 10_000
BEFORE, PATIENCE = 1_000, 2_000
CONFIGS = {"default": DriftConfig(), "bare": DriftConfig(least_psi=0.0, least_ks=0.0, confirmations=1)}
"""As it ships, and with the derived thresholds alone: no least distance, no confirmation."""

ORIGIN = Origin(model="measured", revision="", score_type="sigmoid")

Pool = Sequence[Sequence[float]]
"""Scores of queries, all that a distribution is known by here."""


def made_pools(queries: int = 20_000, *, seed: int = 7) -> dict[str, Pool]:
    """Three distributions, drawn once."""
    chance = np.random.default_rng(seed)
    alone = sigmoid(chance.normal(-2.0, 2.0, (queries, 20)))
    alike = sigmoid(3.0 * (chance.normal(0, 0.8, (queries, 1)) + chance.normal(0, 0.6, (queries, 50))) - 2.0)
    rounded = np.round(sigmoid(chance.normal(-2.0, 1.0, (queries, 1)) + chance.normal(0, 4.0, (queries, 10))), 2)
    return {"made-independent": alone.tolist(), "made-alike": alike.tolist(), "made-rounded": rounded.tolist()}


def score_set(passages: Passages, judge: Reranker, *, queries: int, candidates: int) -> Pool:
    """Scores of BM25's best candidates for each drawn query."""
    ids = list(passages.corpus)
    lexical = Lexical([passages.corpus[i] for i in ids])
    asked = [passages.queries[q] for q in draw(sorted(passages.relevant), queries)]
    found = []
    for first in range(0, len(asked), 16):
        block = asked[first : first + 16]
        hits = lexical.search(block, k=candidates).indices
        rankings = judge.rank_many(block, [[passages.corpus[ids[i]] for i in row if i >= 0] for row in hits])
        found += [[result.score for result in ranking] for ranking in rankings if len(ranking)]
    return found


def pool_of(folder: Path, judge: Reranker | None, kept: Path | None, args: Namespace) -> Pool:
    """The scores of one set: those that were kept, or new ones."""
    path = None if kept is None else kept / f"{folder.name}.json"
    if path is not None and path.is_file():
        return [list(map(float, row)) for row in json.loads(path.read_text(encoding="utf-8"))["scores"]]
    assert judge is not None, "only kept scores need no judge"
    scores = score_set(read_passages(folder), judge, queries=args.queries, candidates=args.candidates)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [[round(score, 6) for score in row] for row in scores]
        path.write_text(json.dumps({"set": folder.name, "model": judge.model.name, "scores": rows}), encoding="utf-8")
    return scores


class _Source:
    """Queries drawn from a pool, with replacement."""

    def __init__(self, pool: Pool, chance: np.random.Generator) -> None:
        self._pool = pool
        self._cells = [measure(scores, ORIGIN.score_type) for scores in pool]
        self._chance = chance

    def reference(self, queries: int, config: DriftConfig) -> DriftMonitor:
        chosen = self._chance.integers(0, len(self._pool), queries)
        return DriftMonitor(make_reference([self._pool[i] for i in chosen], ORIGIN), config, log=False)

    def tally(self, queries: int) -> Tally:
        chosen = [self._cells[i] for i in self._chance.integers(0, len(self._pool), queries)]
        tally = Tally(ORIGIN.score_type)
        for name, sketch in tally.sketches.items():
            sketch.add_cells(np.concatenate([cells[name] for cells in chosen if name in cells]))
        tally.queries = queries
        tally.squares = sum(cells["score"].size ** 2 for cells in chosen)
        return tally


def queries_of(source: _Source, count: int, step: int) -> Iterator[Tally]:
    """So many queries, a step at a time."""
    return (source.tally(step) for _ in range(count // step))


def false_alarms(pool: Pool, *, runs: int, reference: int, config: DriftConfig | None = None, seed: int = 1) -> dict[str, Any]:
    """Runs of 10,000 queries of the reference's own distribution that alarmed at all."""
    config = DriftConfig() if config is None else config
    source = _Source(pool, np.random.default_rng(seed))
    alarmed = looks = 0
    largest: dict[str, float] = {}
    for _ in range(runs):
        monitor = source.reference(reference, config)
        for tally in queries_of(source, HORIZON, config.step_queries):
            monitor.observe_tally(tally)
            for name, one in monitor.state().quantities.items():
                largest[name] = max(largest.get(name, 0.0), one.worst.excess)
        alarmed += monitor.state().alarms > 0
        looks += monitor.state().looks
    return {"runs": runs, "reference_queries": reference, "alarmed": alarmed, "looks": looks, **rate(alarmed, runs), "largest": largest}


def rate(alarmed: int, runs: int) -> dict[str, Any]:
    """The share of runs, and Wilson's 95 % interval of it."""
    z = 1.96
    share = alarmed / runs
    middle = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    return {"share": share, "interval": [max(0.0, middle - half), min(1.0, middle + half)]}


def delays(pool: Pool, other: Pool, *, runs: int, reference: int, config: DriftConfig | None = None, seed: int = 1) -> dict[str, Any]:
    """Queries of the other distribution until the alarm."""
    config = DriftConfig() if config is None else config
    chance = np.random.default_rng(seed)
    own, foreign = _Source(pool, chance), _Source(other, chance)
    found: list[int] = []
    for _ in range(runs):
        monitor = own.reference(reference, config)
        for tally in queries_of(own, BEFORE, config.step_queries):
            monitor.observe_tally(tally)
        early = monitor.state().alarms
        for tally in queries_of(foreign, PATIENCE, config.step_queries):
            monitor.observe_tally(tally)
            if monitor.state().alarms > early:
                found.append(monitor.state().queries - BEFORE)
                break
    quantiles: NDArray[np.float64] = np.quantile(found, [0.5, 0.9]) if found else np.array([math.nan, math.nan])
    return {"runs": runs, "missed": runs - len(found), "median": float(quantiles[0]), "p90": float(quantiles[1])}


def _show(console: Console, alarms: Mapping[str, list[dict[str, Any]]], waits: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    table = Table("distribution", "reference", "config", "runs", "alarmed", "95 % interval", "largest of threshold")
    for name, rows in alarms.items():
        for row in rows:
            low, high = row["interval"]
            cells = (row["reference_queries"], row["config"], row["runs"], row["alarmed"], f"{low:.4f}-{high:.4f}")
            table.add_row(name, *map(str, cells), f"{max(row['largest'].values()):.2f}")
    console.print(table)
    if waits:
        names = list(waits)
        grid = Table("queries until the alarm", *names)
        for own in names:
            grid.add_row(own, *(_cell(waits[own].get(other)) for other in names))
        console.print(grid)


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    return f"{found['median']:.0f}" + (f" ({found['missed']} of {found['runs']} missed)" if found["missed"] else "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge, simulate, show, write."""
    args = _arguments(arguments)
    pools = {} if args.made == "only" else _read(args)
    made = made_pools() if args.made != "none" else {}
    alarms = {name: list(_alarms(pool, args)) for name, pool in {**made, **pools}.items()}
    waits = {
        own: {other: delays(pools[own], pools[other], runs=max(args.runs // 10, 5), reference=500) for other in pools if other != own}
        for own in pools
    }
    _show(Console(), alarms, waits)
    content = {
        "horizon": HORIZON,
        "configs": {name: str(one) for name, one in CONFIGS.items()},
        "false_alarms": alarms,
        "delays": waits,
        "model": args.model,
    }
    Console(stderr=True).print(f"written to {write_results('drift', content, out=args.out)}")


def _alarms(pool: Pool, args: Namespace) -> Iterator[dict[str, Any]]:
    for size in args.references:
        for name, config in CONFIGS.items():
            yield {"config": name, **false_alarms(pool, runs=args.runs, reference=size, config=config)}


def _read(args: Namespace) -> dict[str, Pool]:
    if args.data is None:
        return {}
    names = args.sets.split(",")
    missing = [name for name in names if args.scores is None or not (args.scores / f"{name}.json").is_file()]
    judge = Reranker(args.model) if missing else None
    try:
        return {name: pool_of(args.data / name, judge, args.scores, args) for name in names}
    finally:
        if judge is not None:
            judge.close()


def _arguments(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.drift", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    add_data_argument(parser, required=False, with_set=False)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--sets", default=",".join(SETS), metavar="NAME,NAME")
    parser.add_argument("--queries", type=int, default=400, help="of each set (default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=20, help="BM25's best, for each query (default: %(default)s)")
    parser.add_argument("--scores", type=Path, metavar="FOLDER", help="keep the scores here, and read those that are there")
    parser.add_argument("--runs", type=int, default=200, help="of each distribution and reference (default: %(default)s)")
    parser.add_argument("--references", type=int, nargs="+", default=list(REFERENCES), metavar="QUERIES")
    parser.add_argument("--made", choices=("also", "only", "none"), default="also", help=f"made distributions; sets need {DATA_VARIABLE}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the results here instead of benchmarks/results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

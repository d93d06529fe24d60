"""What long documents cost: seconds and memory for one of up to 400,000 characters, and for a hundred of 20,000 in one request.

    python -m benchmarks.long_cost --data DIR [--repeats N] [--check]
    python -m benchmarks.long_cost --tables                              write the stored figures into docs/long-documents.md

Each case runs in a process of its own. CPU time is what tells whether cost grows linearly, because other programs slow the wall clock
and not the CPU's; memory is the most that the process held while it judged, less what it held before, warmed up on one full batch.
"""

from __future__ import annotations

import random
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from .harness import ROOT, Pairs, Worker
from .long_report import model_name, write_block
from .machine import cores
from .passages import Passages, add_data_argument, read_passages
from .results import RESULTS, spread, write_results
from .systems import System
from .workers.protocol import Job

__all__ = ["CASES", "check", "long_text", "main", "measure_case"]

CASES = ((1, 1_000), (1, 10_000), (1, 100_000), (1, 400_000), (100, 20_000))
"""(documents in one request, characters of each)."""

LIMITS = {"cpu_ratio": 1.25, "growth_mib": 256.0}
"""--check: a character costs at most so many times what it costs in the case of 10,000 characters; no case adds more memory than that."""

BASE = (1, 10_000)
WARM_UP_CHARACTERS = 20_000


def long_text(passages: Passages, characters: int, *, seed: int) -> str:
    """Just so many characters: passages of the set in random order, in another one where they do not suffice, with blank lines between."""
    chance = random.Random(seed)
    texts = [passages.corpus[key] for key in sorted(passages.corpus)]
    parts: list[str] = []
    length = 0
    while length < characters:
        chance.shuffle(texts)
        for text in texts:
            parts.append(text)
            length += len(text) + 2
            if length >= characters:
                break
    return "\n\n".join(parts)[:characters].ljust(characters, ".")


def measure_case(case: tuple[int, int], passages: Passages, job: Job, repeats: int, log: Path) -> dict[str, Any]:
    """Judge the documents of one case `repeats` times in a new process."""
    documents, characters = case
    query = passages.queries[min(passages.queries)]
    pairs = [(query, long_text(passages, characters, seed=number)) for number in range(documents)]
    worker = Worker(System("windows", "", "windows_worker", None), Path(sys.executable), threads=job["threads"], log=log)
    try:
        notes = worker.call("load", job=job)["notes"]
        worker.call("score", pairs=[(query, long_text(passages, WARM_UP_CHARACTERS, seed=-1))])
        worker.call("forget_peak")
        before = worker.call("memory")
        runs = [_timed(worker, pairs) for _ in range(repeats)]
        after = worker.call("memory")
    finally:
        worker.close()
    total = documents * characters
    return {
        "documents": documents,
        "characters": characters,
        "seconds": spread([seconds for seconds, _ in runs]),
        "cpu_us_per_character": spread([1e6 * cpu / total for _, cpu in runs]),
        "before_mib": before["rss_mib"],
        "growth_mib": after["peak_rss_mib"] - before["rss_mib"],
        "kept_mib": after["rss_mib"] - before["rss_mib"],
        "notes": notes,
    }


def _timed(worker: Worker, pairs: Pairs) -> tuple[float, float]:
    """(seconds, CPU seconds), from sending the texts to receiving the scores."""
    began, cpu = time.perf_counter(), worker.cpu_seconds()
    worker.call("score", pairs=pairs)
    return time.perf_counter() - began, worker.cpu_seconds() - cpu


def check(cases: list[dict[str, Any]]) -> list[str]:
    """A sentence for each limit that is passed."""
    costs = {(case["documents"], case["characters"]): case["cpu_us_per_character"]["median"] for case in cases}
    over = []
    for case in cases:
        what = f"{case['documents']} x {case['characters']:,} characters"
        ratio = costs[(case["documents"], case["characters"])] / costs[BASE] if BASE in costs else 0.0
        if case["documents"] * case["characters"] > BASE[1] and ratio > LIMITS["cpu_ratio"]:
            over.append(f"{what}: {ratio:.2f} times the CPU of a shorter text's character, limit {LIMITS['cpu_ratio']:g}")
        if case["growth_mib"] > LIMITS["growth_mib"]:
            over.append(f"{what}: {case['growth_mib']:.0f} MiB more memory, limit {LIMITS['growth_mib']:g}")
    return over


def _measure(arguments: Namespace) -> dict[str, Any]:
    passages = read_passages(arguments.data / arguments.set_name)
    logs = ROOT / "build"
    job = Job(
        model=arguments.model,
        exports=str(logs),
        calibration=str(logs),
        max_length=0,  # not asked: the model's own
        threads=cores(),
        device="cpu",
        options={"backend": arguments.backend, "precision": arguments.precision},
    )
    cases = []
    for case in arguments.cases:
        cases.append(measure_case(case, passages, job, arguments.repeats, logs / "long-cost.log"))
        found = cases[-1]
        cost = f"{found['seconds']['median']:8.2f} s {found['cpu_us_per_character']['median']:8.1f} us/character"
        print(f"  {case[0]:4} x {case[1]:7,} characters {cost} {found['growth_mib']:7.1f} MiB more", flush=True)
    notes = cases[0]["notes"]
    return {
        "model": model_name(arguments.model),
        "runs_in": f"{notes['backend']} {notes['precision']}",
        "set": arguments.set_name,
        "repeats": arguments.repeats,
        "limits": LIMITS,
        "cases": [{key: value for key, value in case.items() if key != "notes"} for case in cases],
    }


def _case(text: str) -> tuple[int, int]:
    documents, _, characters = text.partition("x")
    return int(documents), int(characters)


def main() -> None:
    """Measure, write, and with --check fail when a limit is passed; or write tables of what is stored."""
    parser = ArgumentParser(description=__doc__)
    add_data_argument(parser, required=False)
    parser.add_argument("--model", default="embedded", help="what Reranker() takes (default: %(default)s)")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--cases", type=_case, nargs="+", default=CASES, metavar="DOCUMENTSxCHARACTERS", help="1x10000 100x20000")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is passed")
    parser.add_argument("--out", type=Path, default=RESULTS / "long-cost.json", metavar="FILE")
    parser.add_argument("--tables", action="store_true", help="measure nothing; write a table of what is stored into the documentation")
    arguments = parser.parse_args()
    if arguments.tables:
        print(f"written: {write_block('long-cost', arguments.out)}")
        return
    if arguments.data is None:
        parser.error("--data DIR is needed to measure")
    found = _measure(arguments)
    print(f"written: {write_results('long-cost', found, out=arguments.out)}")
    over = check(found["cases"])
    print("\n".join(over) if over else f"within the limits: {LIMITS}")
    if arguments.check and over:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

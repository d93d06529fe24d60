"""How long until the first answer, how much memory afterwards, and what `import adjudge` costs, with the shipped model.

    python -m benchmarks.cold_start --data DIR [--repeats N] [--cold] [--check]

Each start is a new process: Python, the import, loading, and one ranking of ten passages. The clock runs in this process, from
before the new one is created until its first answer arrives. Memory is read from outside too, so reading it costs the process nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from .passages import add_data_argument, draw_request, read_passages
from .results import spread, write_results

__all__ = ["import_times", "main", "start_once"]

LIMITS = {"start_s": 2.0, "rss_mib": 350.0, "import_ms": 50.0}
"""Medians must stay under these; memory is the resident size after ranking ten passages."""

FEW, MANY = 10, 100

_RANKER = """
import json, sys, time
began = time.perf_counter()
import adjudge
imported = time.perf_counter()
judge = adjudge.Reranker()
loaded = time.perf_counter()
for line in sys.stdin:
    query, documents = json.loads(line)
    before = time.perf_counter()
    ranking = judge.rank(query, documents)
    after = time.perf_counter()
    assert len(ranking) == len(documents)
    steps = {"import_s": imported - began, "load_s": loaded - imported, "rank_s": after - before}
    print(json.dumps({**steps, "backend": judge.traits.backend, "precision": judge.traits.precision}), flush=True)
"""

_IMPORT = """
import sys, time
began = time.perf_counter()
import adjudge
print((time.perf_counter() - began) * 1000)
heavy = {"torch", "transformers", "openvino", "onnxruntime", "huggingface_hub"} & set(sys.modules)
assert not heavy, f"import adjudge loads {heavy}"
"""

_DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def start_once(few: tuple[str, list[str]], many: tuple[str, list[str]]) -> dict[str, Any]:
    """Start one process, rank the few passages, then the many; return seconds and MiB."""
    began = time.perf_counter()
    command = [sys.executable, "-c", _RANKER]
    process = subprocess.Popen(command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first = _ask(process, few)
    start_s = time.perf_counter() - began
    after_few = _memory(process.pid)
    second = _ask(process, many)
    after_many = _memory(process.pid)
    process.communicate()
    steps = {name: first[name] for name in ("import_s", "load_s", "rank_s")}
    return {
        "start_s": start_s,
        "steps": {"interpreter_and_pipe_s": start_s - sum(steps.values()), **steps},
        "rank_many_s": second["rank_s"],
        f"after_{FEW}": after_few,
        f"after_{MANY}": after_many,
        "runs_in": f"{first['backend']} {first['precision']}",
    }


def import_times(repeats: int) -> list[float]:
    """Milliseconds of `import adjudge` in new processes, byte code compiled before."""
    command = [sys.executable, "-c", _IMPORT]
    runs = [subprocess.run(command, env=_environment(), check=True, capture_output=True, text=True) for _ in range(repeats + 1)]
    return [float(run.stdout) for run in runs[1:]]


def drop_file_cache() -> bool:
    """Empty the system's file cache, for this whole machine. Only root on Linux may; False elsewhere."""
    if not _DROP_CACHES.exists() or os.geteuid() != 0:
        return False
    os.sync()
    _DROP_CACHES.write_text("3\n", encoding="ascii")
    return True


def _ask(process: subprocess.Popen[str], request: tuple[str, list[str]]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"the ranking process ended with code {process.wait()}; its error stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _memory(pid: int) -> dict[str, float]:
    """Resident, proportional (shared pages divided among their users) and unique size, MiB, as far as the system tells."""
    found = psutil.Process(pid).memory_full_info()
    return {f"{name}_mib": getattr(found, name) / 2**20 for name in ("rss", "pss", "uss") if hasattr(found, name)}


def _environment() -> dict[str, str]:
    # Installed packages carry compiled byte code; a setting that forbids writing it would charge every start for compiling.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    memory = {
        when: {size: spread([run[when][size] for run in runs]) for size in runs[0][when]} for when in (f"after_{FEW}", f"after_{MANY}")
    }
    steps = {step: spread([run["steps"][step] for run in runs]) for step in runs[0]["steps"]}
    return {
        "runs": len(runs),
        "runs_in": runs[0]["runs_in"],
        "start_s": spread([run["start_s"] for run in runs]),
        "steps": steps,
        "rank_many_s": spread([run["rank_many_s"] for run in runs]),
        "memory": memory,
    }


def _measure(arguments: Namespace) -> dict[str, Any]:
    passages = read_passages(arguments.data / arguments.set_name)
    few, many = draw_request(passages, FEW, seed=1), draw_request(passages, MANY, seed=2)
    start_once(few, many)  # fills the file cache and compiles byte code
    found: dict[str, Any] = {"warm": _summary([start_once(few, many) for _ in range(arguments.repeats)])}
    found["import_ms"] = spread(import_times(arguments.repeats))
    if arguments.cold:
        cold = [start_once(few, many) for _ in range(arguments.repeats) if drop_file_cache()]
        found["cold"] = _summary(cold) if cold else "not measured: only root on Linux can empty the file cache"
    found["characters"] = {"ten": sum(map(len, few[1])), "hundred": sum(map(len, many[1]))}
    return found


def _against_limits(found: dict[str, Any]) -> dict[str, tuple[float, float]]:
    measured = {
        "start_s": found["warm"]["start_s"]["median"],
        "rss_mib": found["warm"]["memory"][f"after_{FEW}"]["rss_mib"]["median"],
        "import_ms": found["import_ms"]["median"],
    }
    return {name: (measured[name], limit) for name, limit in LIMITS.items()}


def _show(found: dict[str, Any], console: Console) -> None:
    table = Table(title=f"adjudge, shipped model, {found['warm']['runs_in']}")
    for heading in ("", "median", "min", "max"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for kind in ("warm", "cold"):
        if isinstance(found.get(kind), dict):
            _rows(table, kind, found[kind])
    table.add_row("import adjudge, ms", *(f"{found['import_ms'][k]:.1f}" for k in ("median", "min", "max")))
    console.print(table)
    for name, (value, limit) in _against_limits(found).items():
        console.print(f"{'within' if value < limit else 'OVER'} the limit: {name} {value:.4g} (under {limit:g})")


def _rows(table: Table, kind: str, found: dict[str, Any]) -> None:
    def add(label: str, values: dict[str, float], form: str) -> None:
        table.add_row(f"{kind} file cache: {label}", *(format(values[k], form) for k in ("median", "min", "max")))

    add("process start to first ranking of 10, s", found["start_s"], ".2f")
    for step, values in found["steps"].items():
        add(f"  {step.removesuffix('_s')}, s", values, ".3f")
    add("ranking 100 passages, s", found["rank_many_s"], ".2f")
    for when, sizes in found["memory"].items():
        for size, values in sizes.items():
            add(f"{size.removesuffix('_mib').upper()} {when.replace('_', ' ')}, MiB", values, ".0f")


def main() -> None:
    """Measure, write, show; with --check, fail when a limit is passed."""
    parser = ArgumentParser(description=__doc__)
    add_data_argument(parser)
    parser.add_argument("--repeats", type=int, default=9, metavar="N", help="starts (default: %(default)s)")
    parser.add_argument("--cold", action="store_true", help="also with an empty file cache; empties it for the whole machine, needs root")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a median is over its limit")
    parser.add_argument("--out", type=Path, metavar="FILE", help="results (default: benchmarks/results/cold-start-MACHINE-DATE.json)")
    arguments = parser.parse_args()
    found = _measure(arguments)
    path = write_results("cold-start", {"limits": LIMITS, "set": arguments.set_name, **found}, out=arguments.out)
    _show(found, Console(width=None if sys.stdout.isatty() else 120))
    print(f"written: {path}")
    if arguments.check and any(value >= limit for value, limit in _against_limits(found).values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

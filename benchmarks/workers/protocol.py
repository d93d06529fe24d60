"""The talk between a benchmark and the process that runs one library: a JSON object a line, question and answer.

    {"op": "prepare", "job": {...}}            -> {}                                  export what the library needs, then leave
    {"op": "load", "job": {...}}               -> {"seconds", "versions", "notes"}
    {"op": "score", "pairs": [[q, p], ...]}    -> {"seconds", "logits"}
    {"op": "memory"}                           -> {"rss_mib", "peak_rss_mib", "device_peak_mib"}
    {"op": "forget_peak"}                      -> {}                                  peaks count from here on
    {"op": "quit"}                             -> {}

Only the standard library is used here, because this file is imported in every environment. A worker that fails simply dies;
its traceback is in its log, and the benchmark reports the last line of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypedDict

__all__ = ["Job", "Library", "serve", "versions"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): writing 5 sets the peak resident size to the present one


class Job(TypedDict):
    """What to load and how."""

    model: str  # a transformers folder, never written to
    exports: str  # a folder where the worker may keep what it derives from the model
    calibration: str  # a folder with a calibration.jsonl of {"text": ...}, for static quantisation
    max_length: int
    threads: int
    device: str  # "cpu" or "cuda:0"
    options: dict[str, Any]  # the library's own


class Library(Protocol):
    """One library with one way of running a model."""

    def prepare(self, job: Job) -> None:
        """Make and keep whatever load() needs beside the model folder, if it is not there yet."""
        ...

    def load(self, job: Job) -> dict[str, str]:
        """Load the model and return notes on what really runs."""
        ...

    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """Return one logit a pair, in the order of the pairs."""
        ...


def serve(build: Callable[[], Library]) -> None:
    """Answer the benchmark until it says quit. Everything else that is printed goes to stderr, so to the log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    library = build()
    for line in sys.stdin:
        question = json.loads(line)
        answer = _answer(library, question)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if question["op"] == "quit":
            return


def versions(*packages: str) -> dict[str, str]:
    """Python's version and that of each package."""
    return {"python": ".".join(map(str, sys.version_info[:3])), **{name: metadata.version(name) for name in packages}}


def _answer(library: Library, question: dict[str, Any]) -> dict[str, Any]:
    op = question["op"]
    if op == "prepare":
        library.prepare(question["job"])
    elif op == "load":
        began = time.perf_counter()
        notes = library.load(question["job"])
        return {"seconds": time.perf_counter() - began, "notes": notes}
    elif op == "score":
        pairs = [(query, passage) for query, passage in question["pairs"]]
        began = time.perf_counter()
        logits = library.score(pairs)
        return {"seconds": time.perf_counter() - began, "logits": logits}
    elif op == "memory":
        return _memory()
    elif op == "forget_peak":
        _forget_peak()
    return {}


def _memory() -> dict[str, float]:
    found = _device_peak()
    if _STATUS.exists():
        # Not getrusage: its maximum is inherited from the process that started this one.
        fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
        return {"rss_mib": int(fields["VmRSS"].split()[0]) / 1024, "peak_rss_mib": int(fields["VmHWM"].split()[0]) / 1024, **found}
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {"peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, **found}


def _forget_peak() -> None:
    if _CLEAR.exists():
        _CLEAR.write_text(_RESET_PEAK)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _device_peak() -> dict[str, float]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    return {"device_peak_mib": torch.cuda.max_memory_allocated() / 2**20}

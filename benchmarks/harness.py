"""Run contestants in turn: each in a process of its own, only one at work at a time, the others suspended."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import psutil

from .systems import System
from .workers.protocol import Job

__all__ = ["Contestant", "Pairs", "Worker", "WorkerError", "run_rounds"]

ROOT = Path(__file__).resolve().parent.parent
Pairs: TypeAlias = Sequence[tuple[str, str]]


class WorkerError(Exception):
    """A worker's process died; the message is the last line of its log."""


class Worker:
    """One process that speaks benchmarks/workers/protocol.py."""

    def __init__(self, system: System, python: Path, *, threads: int, log: Path) -> None:
        """Start the process; nothing is loaded yet."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [python, "-m", f"benchmarks.workers.{system.worker}"],
                cwd=ROOT,
                env=_environment(threads),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._handle = psutil.Process(self._process.pid)

    def call(self, op: str, **content: Any) -> dict[str, Any]:
        """Ask and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"op": op, **content}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def cpu_seconds(self) -> float:
        """CPU time the process has used so far."""
        times = self._handle.cpu_times()
        return float(times.user + times.system)

    def suspend(self) -> None:
        """Stop it where it is, idle threads included."""
        self._handle.suspend()

    def resume(self) -> None:
        """Let it go on."""
        self._handle.resume()

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._handle.resume()
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _last_words(self) -> str:
        code = self._process.wait()
        lines = [line for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        return f"exit code {code}: {lines[-1][:300] if lines else 'it said nothing'}"


@dataclass(slots=True, kw_only=True)
class Contestant:
    """One system on one model, and what was seen of it."""

    system: System
    python: Path
    job: Job
    log: Path
    resident: bool  # True: one process for all rounds; False: a new one each round, where all together would not fit in memory
    seconds: list[float] = field(default_factory=list)
    start_seconds: list[float] = field(default_factory=list)  # from starting the process to a loaded model
    others_busy: list[float] = field(default_factory=list)  # CPU cores that other processes used meanwhile
    logits: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)  # MiB: load_rss_mib, score_peak_rss_mib, ...
    notes: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    worker: Worker | None = None

    def prepare(self) -> None:
        """Let it export what it needs, in a process that is not measured."""
        worker = self._new_worker()
        try:
            worker.call("prepare", job=self.job)
        except WorkerError as exc:
            self.failure = f"prepare: {exc}"
        finally:
            worker.close()

    def turn(self, pairs: Pairs, warm_up: Pairs) -> None:
        """Score the pairs once, after starting and warming up if there is no process yet."""
        try:
            worker = self._started(warm_up)
            self._score(worker, pairs)
        except WorkerError as exc:
            self.failure = str(exc)
            self.close()
            return
        if self.resident:
            worker.suspend()
        else:
            self.close()

    def close(self) -> None:
        """End its process."""
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def _started(self, warm_up: Pairs) -> Worker:
        if self.worker is not None:
            self.worker.resume()
            return self.worker
        began = time.perf_counter()
        self.worker = self._new_worker()
        self.notes = self.worker.call("load", job=self.job)["notes"]
        self.start_seconds.append(time.perf_counter() - began)
        self._remember("load", self.worker.call("memory"))
        self.worker.call("score", pairs=warm_up)
        self.worker.call("forget_peak")
        return self.worker

    def _score(self, worker: Worker, pairs: Pairs) -> None:
        began, all_before, own_before = time.perf_counter(), _busy_seconds(), worker.cpu_seconds()
        answer = worker.call("score", pairs=pairs)
        wall, own = time.perf_counter() - began, worker.cpu_seconds() - own_before
        self.others_busy.append(max(0.0, (_busy_seconds() - all_before - own) / wall))
        self.seconds.append(answer["seconds"])
        self.logits = answer["logits"]
        self._remember("score", worker.call("memory"))

    def _remember(self, phase: str, seen: dict[str, float]) -> None:
        """Keep the largest of each size, by phase: peaks while loading and while scoring are different things to pay for."""
        for name, value in seen.items():
            key = f"{phase}_{name}"
            self.memory[key] = max(value, self.memory.get(key, 0.0))

    def _new_worker(self) -> Worker:
        return Worker(self.system, self.python, threads=self.job["threads"], log=self.log)


def run_rounds(contestants: list[Contestant], pairs: Pairs, warm_up: Pairs, *, rounds: int, max_seconds: float) -> None:
    """Let every contestant score the pairs once a round, in an order that moves on by one each round.

    One that has used up `max_seconds` sits out further rounds, but has at least two.
    """
    try:
        for number in range(rounds):
            shift = number % max(1, len(contestants))
            for contestant in contestants[shift:] + contestants[:shift]:
                spent = len(contestant.seconds) >= 2 and sum(contestant.seconds) > max_seconds
                if contestant.failure is None and not spent:
                    contestant.turn(pairs, warm_up)
                    _say(contestant, number, len(pairs))
    finally:
        for contestant in contestants:
            contestant.close()


def _say(contestant: Contestant, number: int, count: int) -> None:
    if contestant.failure is not None:
        print(f"  round {number + 1}  {contestant.system.name:24} FAILED: {contestant.failure}", flush=True)
        return
    seconds = contestant.seconds[-1]
    print(f"  round {number + 1}  {contestant.system.name:24} {seconds:8.2f} s {count / seconds:8.2f} pairs/s", flush=True)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    # guest time is counted in user time already
    return sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal"))


def _environment(threads: int) -> dict[str, str]:
    count = str(threads)
    limits = {name: count for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")}
    return {**os.environ, **limits, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

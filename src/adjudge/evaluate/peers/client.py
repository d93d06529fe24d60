"""The other end of worker.py: a reranker in a process of its own, asked one query at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ... import errors
from ...errors import AdjudgeError, BackendError, BackendUnavailableError
from .spec import ADAPTERS, RerankerSpec

__all__ = ["Judged", "Worker", "WorkerFacts"]

_WORKER = Path(__file__).with_name("worker.py")
_PACKAGE = Path(__file__).parents[3]
_TAIL = 400  # characters of what a dead worker said last
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """What was loaded."""

    load_ms: float | None
    memory_before_mib: float | None
    model: str = ""
    revision: str = ""
    runtime: str = ""
    score_type: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The scores of one query's candidates, in their order; None where one was not judged."""

    scores: tuple[float | None, ...]
    logits: tuple[float | None, ...] | None  # what decides the order, where the reranker gives them
    milliseconds: float
    memory_mib: float | None  # the most the process held so far
    warnings: tuple[str, ...] = ()


class Worker:
    """A running process. Close it, or use it as a context manager."""

    def __init__(self, spec: RerankerSpec) -> None:
        """Start the process and load the model.

        Raises BackendUnavailableError where the environment has no such Python or library, and whatever error adjudge itself raised.
        """
        self.spec = spec
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the worker
        try:
            self._process = subprocess.Popen(
                [spec.python or sys.executable, str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(spec),
            )
        except OSError as exc:
            self._log.close()
            raise BackendUnavailableError(f"{spec.name}: the interpreter {spec.python} cannot be started ({exc.strerror or exc})") from exc
        with ExitStack() as undo:
            undo.callback(self.close)
            self.facts = self._load()
            undo.pop_all()

    def judge(self, query: str, documents: Sequence[str]) -> Judged:
        """Score them. Raises BackendError where the worker fails or dies."""
        answer = self._ask({"op": "score", "query": query, "documents": list(documents)})
        logits = answer["logits"]
        return Judged(
            scores=tuple(answer["scores"]),
            logits=None if logits is None else tuple(logits),
            milliseconds=answer["ms"],
            memory_mib=answer["memory_mib"],
            warnings=tuple(answer["warnings"]),
        )

    def close(self) -> None:
        """End the process. Safe to call twice."""
        if self._process.poll() is None:
            try:
                self._send({"op": "quit"})
                self._process.wait(_PATIENCE_S)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None and not stream.closed:
                _shut(stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _load(self) -> WorkerFacts:
        adapter, options = ADAPTERS[self.spec.adapter], dict(self.spec.options)
        if not self.spec.peer:
            options["package"] = str(_PACKAGE)
        answer = self._ask({"op": "load", "adapter": adapter.worker, "model": self.spec.model, "options": options})
        facts = answer["facts"]
        known = {name: str(facts.get(name, "")) for name in ("model", "revision", "runtime", "score_type")}
        return WorkerFacts(
            load_ms=answer["load_ms"], memory_before_mib=answer["memory_before_mib"], versions=dict(facts["versions"]), **known
        )

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            self._send(question)
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            code = self._process.wait()
            raise BackendError(
                f"{self.spec.name}: its process ended with code {code} while it was asked to {question['op']}. {self._said()}"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise self._error(answer, str(question["op"]))
        return answer

    def _send(self, question: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question, default=str).encode("ascii") + b"\n")
        self._process.stdin.flush()

    def _error(self, answer: Mapping[str, str], op: str) -> AdjudgeError:
        kind = getattr(errors, answer["kind"], None)
        if not self.spec.peer and isinstance(kind, type) and issubclass(kind, AdjudgeError) and kind is not errors.MissingExtraError:
            return kind(answer["text"])
        if answer["kind"] in ("ModuleNotFoundError", "ImportError", "MissingExtraError"):
            where = self.spec.python or "this Python"
            package = ADAPTERS[self.spec.adapter].package
            other = f"or name the environment that has it: --peer-python {self.spec.adapter}=PYTHON"
            hint = f'. Install it there (pip install "{package}"), {other}' if package else ""
            return BackendUnavailableError(f"{self.spec.name} cannot be run in {where}: {answer['text']}{hint}")
        return BackendError(f"{self.spec.name} could not {op}: {answer['error']}")

    def _said(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 4 * _TAIL))
        text = " ".join(self._log.read().decode("utf-8", "replace").split())
        return f"It said last: {text[-_TAIL:]}" if text else "It said nothing"


def _environment(spec: RerankerSpec) -> dict[str, str]:
    """As here, but a peer's Python must not find adjudge's packages, and the number of threads is known before any library starts."""
    found = dict(os.environ)
    if spec.python is not None:
        found.pop("PYTHONPATH", None)
        found.pop("PYTHONHOME", None)
    threads = spec.options.get("threads")
    if threads is not None:
        found |= {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return found | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TOKENIZERS_PARALLELISM": found.get("TOKENIZERS_PARALLELISM", "true"),
    }


def _shut(stream: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # it died before it read the last question
        stream.close()

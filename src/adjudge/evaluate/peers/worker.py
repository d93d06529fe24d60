"""One reranker in one process. Questions come and answers go as a JSON object a line:

    {"op": "load", "adapter": "flagembedding", "model": "...", "options": {...}}  -> {"load_ms", "memory_before_mib", "facts"}
    {"op": "score", "query": "...", "documents": ["...", ...]}                   -> {"ms", "scores", "logits", "memory_mib", "warnings"}
    {"op": "quit"}                                                               -> {}

`scores[i]` belongs to documents[i]; null where the reranker did not judge it. `logits` decide the order where they are not null.
An {"error", "kind"} is answered to what failed. Only the standard library is used here, and adapters are loaded by their file:
this runs in the environment of whichever library is compared.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["main"]

_STATUS = Path("/proc/self/status")


def main() -> None:
    """Answer until it says quit, or nobody asks any more. What a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a library that asks for something gets nothing instead of our questions
    reranker = None
    for line in questions:
        question = json.loads(line)
        try:
            if question["op"] == "load":
                reranker, answer = _load(question)
            elif question["op"] == "score":
                answer = _score(reranker, question)
            else:
                answer = {}
        except Exception as exc:  # noqa: BLE001  # whatever a library raises is told to whoever asked
            answer = {"error": f"{type(exc).__name__}: {exc}", "kind": type(exc).__name__, "text": str(exc)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if question["op"] == "quit":
            break
    _close(reranker)


def _load(question: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    adapter = _adapter(question["adapter"])
    before = _memory_mib()
    began = time.perf_counter()
    reranker = adapter.load(question["model"], question["options"])
    took = (time.perf_counter() - began) * 1e3
    facts = dict(reranker.facts)
    facts["versions"] = _versions(adapter.PACKAGES)
    return reranker, {"load_ms": took if adapter.LOCAL else None, "memory_before_mib": before if adapter.LOCAL else None, "facts": facts}


def _score(reranker: Any, question: dict[str, Any]) -> dict[str, Any]:
    documents = question["documents"]
    began = time.perf_counter()
    scores, logits = reranker.score(question["query"], documents)
    took = (time.perf_counter() - began) * 1e3
    return {
        "ms": took,
        "scores": _numbers(scores, len(documents)),
        "logits": None if logits is None else _numbers(logits, len(documents)),
        "memory_mib": _memory_mib() if reranker.facts.get("local", True) else None,
        "warnings": list(getattr(reranker, "warnings", ())),
    }


def _numbers(values: Any, count: int) -> list[float | None]:
    found = [None if value is None else float(value) for value in values]
    if len(found) != count:
        raise ValueError(f"{len(found)} scores came back for {count} documents")
    if any(value is not None and not math.isfinite(value) for value in found):
        raise ValueError("a score is NaN or infinite")
    return found


def _adapter(name: str) -> Any:
    path = Path(__file__).with_name(f"adapter_{name}.py")
    spec = importlib.util.spec_from_file_location(f"adjudge_adapter_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _versions(packages: Any) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _memory_mib() -> float | None:
    """The most that this process ever held. Not by getrusage on Linux: its maximum is inherited from the process that started this one."""
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _close(reranker: Any) -> None:
    close = getattr(reranker, "close", None)
    if close is not None:
        close()


if __name__ == "__main__":
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).parent.resolve()]  # hide our own files
    main()

"""adjudge: a semantic judge for retrieval. It says which passages answer the question, how sure it is, and which part convinced it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .config import WindowConfig
    from .engine.cutoffs import Precision, Recall
    from .engine.thresholds import Absolute, Dynamic, Gap, Relative
    from .errors import AdjudgeError
    from .pipeline import Pipeline
    from .reranker import Reranker
    from .types import Document, Dropped, Explanation, Passage, Ranked, Ranking, Refused, Sentence, Timings, Usage

__all__ = [
    "Absolute",
    "AdjudgeError",
    "Document",
    "Dropped",
    "Dynamic",
    "Explanation",
    "Gap",
    "Passage",
    "Pipeline",
    "Precision",
    "Ranked",
    "Ranking",
    "Recall",
    "Refused",
    "Relative",
    "Reranker",
    "Sentence",
    "Timings",
    "Usage",
    "WindowConfig",
    "__version__",
]

_HOMES = {
    "Absolute": "engine.thresholds",
    "AdjudgeError": "errors",
    "Document": "types",
    "Dropped": "types",
    "Dynamic": "engine.thresholds",
    "Explanation": "types",
    "Gap": "engine.thresholds",
    "Passage": "types",
    "Pipeline": "pipeline",
    "Precision": "engine.cutoffs",
    "Ranked": "types",
    "Ranking": "types",
    "Recall": "engine.cutoffs",
    "Refused": "types",
    "Relative": "engine.thresholds",
    "Reranker": "reranker",
    "Sentence": "types",
    "Timings": "types",
    "Usage": "types",
    "WindowConfig": "config",
}


def __getattr__(name: str) -> object:
    """Import on first use, so that `import adjudge` itself costs a few milliseconds and loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adjudge' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

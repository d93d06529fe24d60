"""adjudge: a semantic judge for retrieval. It says which passages answer the question, how sure it is, and which part convinced it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from .config import WindowConfig
    from .engine.thresholds import Absolute, Dynamic, Relative
    from .errors import AdjudgeError
    from .reranker import Reranker
    from .types import Document, Dropped, Passage, Ranked, Ranking, Refused, Timings, Usage

__all__ = [
    "Absolute",
    "AdjudgeError",
    "Document",
    "Dropped",
    "Dynamic",
    "Passage",
    "Ranked",
    "Ranking",
    "Refused",
    "Relative",
    "Reranker",
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
    "Passage": "types",
    "Ranked": "types",
    "Ranking": "types",
    "Refused": "types",
    "Relative": "engine.thresholds",
    "Reranker": "reranker",
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

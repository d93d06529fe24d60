"""A store of passages, their vectors and their words: build_index() makes one, open_index() opens it."""

from __future__ import annotations

from .base import Index, IndexedSource, IndexFacts, Writer
from .build import build_index
from .config import BuildProgress, BuildReport, FileNote, IndexConfig
from .model_facts import require_same_model
from .open import create_index, open_index

__all__ = [
    "BuildProgress",
    "BuildReport",
    "FileNote",
    "Index",
    "IndexConfig",
    "IndexFacts",
    "IndexedSource",
    "Writer",
    "build_index",
    "create_index",
    "open_index",
    "require_same_model",
]

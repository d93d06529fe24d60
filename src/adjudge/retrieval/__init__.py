"""Recall: what finds candidates (words, vectors, both, token by token), an index on disk, and what comes before the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adapters import as_langchain, as_llama_index, from_langchain, from_llama_index
    from .base import Candidate, Retrieval, Retriever
    from .bm25 import BM25Retriever
    from .dense import Embedder
    from .dense_retriever import DenseRetriever
    from .fusion import RRF, Weighted
    from .hybrid import HybridRetriever
    from .index import build_index, open_index
    from .key_config import KeyPassageConfig
    from .key_passages import KeyPassages
    from .late_interaction import LateInteractionRetriever
    from .recall import recall_at
    from .sparse import SparseRetriever
    from .token_encoder import TokenEncoder
    from .where import parse_where

__all__ = [
    "BM25Retriever",
    "Candidate",
    "DenseRetriever",
    "Embedder",
    "HybridRetriever",
    "KeyPassageConfig",
    "KeyPassages",
    "LateInteractionRetriever",
    "RRF",
    "Retrieval",
    "Retriever",
    "SparseRetriever",
    "TokenEncoder",
    "Weighted",
    "as_langchain",
    "as_llama_index",
    "build_index",
    "from_langchain",
    "from_llama_index",
    "open_index",
    "parse_where",
    "recall_at",
]

_HOMES = {
    "BM25Retriever": "bm25",
    "Candidate": "base",
    "DenseRetriever": "dense_retriever",
    "Embedder": "dense",
    "HybridRetriever": "hybrid",
    "KeyPassageConfig": "key_config",
    "KeyPassages": "key_passages",
    "LateInteractionRetriever": "late_interaction",
    "RRF": "fusion",
    "Retrieval": "base",
    "Retriever": "base",
    "SparseRetriever": "sparse",
    "TokenEncoder": "token_encoder",
    "Weighted": "fusion",
    "as_langchain": "adapters",
    "as_llama_index": "adapters",
    "build_index": "index",
    "from_langchain": "adapters",
    "from_llama_index": "adapters",
    "open_index": "index",
    "parse_where": "where",
    "recall_at": "recall",
}


def __getattr__(name: str) -> object:
    """Import on first use: the judge itself needs only a little of this."""
    if name not in _HOMES:
        raise AttributeError(f"module 'adjudge.retrieval' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

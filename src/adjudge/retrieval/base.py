"""What first stages have in common: a query in, candidates out, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from ..types import Document

__all__ = ["Candidate", "Condition", "Retrieval", "Retriever", "Scalar", "Where"]

Scalar: TypeAlias = "str | int | float | bool"
"""What metadata may hold, if it shall be filtered by."""

Condition: TypeAlias = "Scalar | Sequence[Scalar] | Mapping[str, Scalar]"
"""A value (equal to it), several (one of them), or bounds: {">=": 2020, "<": 2025}, {"!=": "draft"}."""

Where: TypeAlias = "Mapping[str, Condition]"
"""Conditions on metadata, all of which must hold: {"lang": "en", "year": {">=": 2020}, "source": ["a.md", "b.md"]}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A document that a first stage found."""

    document: Document
    score: float  # of the stage that made this list
    rank: int  # 1 is the best
    scores: Mapping[str, float] = field(default_factory=dict)  # of every stage that saw it: {"bm25": 11.2, "dense": 0.83}
    ranks: Mapping[str, int] = field(default_factory=dict)  # in the list of every stage that found it


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What a first stage found for one query."""

    query: str
    candidates: tuple[Candidate, ...]  # best first, at most k
    timings: Mapping[str, float] = field(default_factory=dict)  # milliseconds a stage: {"embed": 4.1, "dense": 2.0}
    warnings: tuple[str, ...] = ()


@runtime_checkable
class Retriever(Protocol):
    """A first stage. Calls may come from several threads."""

    @property
    def name(self) -> str:
        """How tables and `scores` call it: "bm25", "dense", "hybrid"."""
        ...

    def retrieve(self, query: str, k: int = 100, *, where: Where | None = None) -> Retrieval:
        """The best `k` documents, fewer where fewer match. Raises InputError for a query that is no text, or a filter it cannot apply."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...

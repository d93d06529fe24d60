"""What every dialect is turned into, and what it gets back: frozen values between the wire and the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..types import DocumentLike, Explanation, Ranking

__all__ = ["Answer", "Ask", "PairsAnswer", "PairsAsk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A query and documents to be ranked."""

    query: str
    documents: tuple[DocumentLike, ...]  # as given: what holds no text is refused one by one by the engine, never here
    model: str | None = None  # None: the server's default
    top_n: int | None = None
    threshold: float | str | None = None
    normalize: bool = True
    windows: Mapping[str, Any] = field(default_factory=dict)  # fields of WindowConfig that differ from the model's own setting
    max_tokens_per_doc: int | None = None  # documents are cut to so many tokens (and the answer says which were)
    budget_ms: float | None = None  # for models with a first judge
    explain: int = 0  # so many of the best results are explained
    similarity: bool = False  # whether the first stage's cosine of each document is wanted beside the judge's score
    timeout_ms: float | None = None  # the client's own deadline; the server's holds where it is shorter
    warnings: tuple[str, ...] = ()  # what the dialect has to say: unknown fields, fields without effect here
    echo: Mapping[str, Any] = field(default_factory=dict)  # what the dialect needs again to render the answer (return_documents, ...)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsAsk:
    """Loose pairs to be scored."""

    pairs: tuple[tuple[str, str], ...]
    model: str | None = None
    normalize: bool = True
    timeout_ms: float | None = None
    warnings: tuple[str, ...] = ()
    echo: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A ranking, and what the service adds to it."""

    ranking: Ranking
    model: str  # the name it was asked by (the default's name where none was given)
    request_id: str
    created: int  # seconds since 1970
    queue_ms: float = 0.0  # waited for a place and for the first batch
    total_ms: float = 0.0  # from the body's last byte to here
    warnings: tuple[str, ...] = ()  # the dialect's, the service's and the ranking's, in this order
    explanations: tuple[Explanation, ...] = ()
    similarities: tuple[float | None, ...] = ()  # cosines in the caller's order, where they were asked for; None: the server has none


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsAnswer:
    """Scores in the order of the pairs."""

    scores: tuple[float, ...]
    score_type: str
    tokens: int  # of all pairs, specials included
    model: str
    request_id: str
    created: int
    queue_ms: float = 0.0
    total_ms: float = 0.0
    warnings: tuple[str, ...] = ()

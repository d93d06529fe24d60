"""What a dialect is: JSON in, an Ask out; an Answer or a fault in, JSON out. Nothing here knows HTTP frameworks or models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ..asks import Answer, Ask, PairsAnswer, PairsAsk

__all__ = ["BadRequestError", "Dialect", "Fault", "FaultKind", "Reply"]

FaultKind: TypeAlias = Literal[
    "bad_request",  # 400: not JSON, or JSON that makes no sense
    "unauthorized",  # 401
    "not_found",  # 404: no such path, no such model
    "method_not_allowed",  # 405
    "too_large",  # 413: body, number of documents
    "invalid",  # 422: a field is missing, of the wrong type or out of range
    "overloaded",  # 429: the queue is full; retry_after says when to come back
    "client_gone",  # 499: nobody reads this answer
    "backend",  # 500: the model failed
    "not_ready",  # 503: models are loading, or the server is going down
    "timeout",  # 504: the deadline passed
]

STATUS: dict[FaultKind, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "invalid": 422,
    "overloaded": 429,
    "client_gone": 499,
    "backend": 500,
    "not_ready": 503,
    "timeout": 504,
}
"""The usual status of each kind; a dialect may have its own (TEI answers 424 where a model fails)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What went wrong, before a dialect puts it into words."""

    kind: FaultKind
    message: str  # what happened, with which values, and what to do
    param: str | None = None  # the field that is wrong, where one is
    retry_after: int | None = None  # seconds


class BadRequestError(Exception):
    """The body cannot be turned into an Ask; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        """`fault`: kind "invalid", "bad_request" or "too_large"."""
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response before it is bytes."""

    status: int = 200
    body: Any = None  # what json.dumps takes
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """One way of speaking. Instances are stateless."""

    @property
    def name(self) -> str:
        """ "native", "cohere-v1", "cohere-v2", "jina", "tei", "vllm-rerank", "vllm-score", "infinity", "v1-common"; a label in metrics."""
        ...

    def read(self, body: Mapping[str, Any]) -> Ask | PairsAsk:
        """What is asked. Raises BadRequestError. Unknown fields, and known ones without effect here, are named in `warnings`."""
        ...

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """The answer in this dialect's shape; `echo` is what read() left in the ask."""
        ...

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """The error in this dialect's body and status, with Retry-After where the fault has it."""
        ...

"""Which dialect a body speaks: the path decides, and where several share a path, what only one of them has.

A field that is null counts as absent. The first rule that fits wins:

| path        | rule                                                                            | dialect       |
| ----------- | ------------------------------------------------------------------------------- | ------------- |
| /rerank     | `texts`, and no `documents`                                                     | TEI           |
|             | one of vLLM's own fields (VLLM_ONLY) that is not the native dialect's too       | vLLM rerank   |
|             | `raw_scores`                                                                    | Infinity      |
|             | nothing of these                                                                | native        |
| /v1/rerank  | `rank_fields` or `max_chunks_per_doc`                                           | Cohere v1     |
|             | `truncation`, `max_doc_length`, `max_query_length` or `return_embeddings`       | Jina          |
|             | one of vLLM's own fields, or `top_n: 0`, which only vLLM allows                 | vLLM rerank   |
|             | `raw_scores`                                                                    | Infinity      |
|             | nothing of these: `model`, `query`, `documents`, `top_n`, `return_documents`    | the common one |
| /v2/rerank  | one of vLLM's own fields that is not Cohere v2's too, or `top_n: 0`             | vLLM rerank   |
|             | nothing of these                                                                | Cohere v2     |

The common shape has what the clients of all of them look for: `results` with `index`, `relevance_score` and `document`, and `id`, `model`,
`usage` and `meta` beside them; its errors say the same under `message`, `detail` and `error`. Every other path is one dialect's alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

from .cohere import CohereV1, CohereV2
from .dialect import Dialect, FaultKind
from .fields import Field, schema_of
from .infinity import Infinity
from .jina import Common, Jina
from .native import Native
from .tei import Tei
from .vllm import VLLM_ONLY, VllmRerank, VllmScore

__all__ = ["ROUTES", "Documented", "Route"]

Body: TypeAlias = Mapping[str, Any]

SEEN: tuple[FaultKind, ...] = (
    "bad_request",
    "unauthorized",
    "not_found",
    "too_large",
    "invalid",
    "overloaded",
    "backend",
    "not_ready",
    "timeout",
)
"""The kinds of fault that a client may meet at these paths."""


class Documented(Dialect, Protocol):
    """A dialect that can also say what it takes and gives."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a body may hold."""
        ...

    @property
    def needs(self) -> Mapping[str, Any]:
        """More of the body's schema, where the table of fields cannot say it."""
        ...

    @property
    def statuses(self) -> Mapping[FaultKind, int]:
        """The status of each kind of fault."""
        ...

    def example(self, model: str) -> dict[str, Any]:
        """A body that runs on a server that has this model."""
        ...

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        ...

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """A path, and who may speak there."""

    path: str
    default: Documented  # its error shape is used before the body could be read
    others: tuple[tuple[Documented, Callable[[Body], bool]], ...] = ()  # each with its rule, in the order they are tried

    @property
    def dialects(self) -> tuple[Documented, ...]:
        """All of them, the default first."""
        return (self.default, *(dialect for dialect, _ in self.others))

    def choose(self, body: Body) -> Dialect:
        """Which dialect this body speaks."""
        return next((dialect for dialect, fits in self.others if fits(body)), self.default)

    def schema(self, model: str = "embedded") -> dict[str, Any]:
        """OpenAPI's requestBody and responses. `model`: a name the server knows, for the examples."""
        examples = {d.name: {"summary": d.name, "value": d.example(model)} for d in self.dialects}
        bodies = [schema_of(d.fields, title=d.name, **d.needs) for d in self.dialects]
        content = {"application/json": {"schema": _any_of(bodies), "examples": examples}}
        answers = [d.answer_schema() | {"title": d.name} for d in self.dialects]
        answered = {"description": "The answer.", "content": {"application/json": {"schema": _any_of(answers)}}}
        return {"requestBody": {"required": True, "content": content}, "responses": {"200": answered} | self._faults()}

    def _faults(self) -> dict[str, Any]:
        found: dict[int, list[dict[str, Any]]] = {}
        for dialect in self.dialects:
            for status in dict.fromkeys(dialect.statuses[kind] for kind in SEEN):
                found.setdefault(status, []).append(dialect.fault_schema() | {"title": f"{dialect.name} error"})
        return {
            str(status): {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": _any_of(schemas)}}}
            for status, schemas in sorted(found.items())
        }


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _has(body: Body, *names: str) -> bool:
    return any(body.get(name) is not None for name in names)


def _is_tei(body: Body) -> bool:
    return _has(body, "texts") and not _has(body, "documents")


def _is_cohere_v1(body: Body) -> bool:
    return _has(body, "rank_fields", "max_chunks_per_doc")


def _is_jina(body: Body) -> bool:
    return _has(body, "truncation", "max_doc_length", "max_query_length", "return_embeddings")


def _is_infinity(body: Body) -> bool:
    return _has(body, "raw_scores")


def _is_vllm_beside(other: Documented | None, *, zero: bool) -> Callable[[Body], bool]:
    """The rule for vLLM at a path whose default is `other`; `zero`: whether `top_n: 0` is vLLM's alone."""
    own = VLLM_ONLY - {known.name for known in (() if other is None else other.fields)}

    def fits(body: Body) -> bool:
        top_n = body.get("top_n")
        return _has(body, *own) or (zero and top_n == 0 and not isinstance(top_n, bool))

    return fits


NATIVE, COHERE_V1, COHERE_V2, JINA, COMMON = Native(), CohereV1(), CohereV2(), Jina(), Common()
TEI, VLLM_RERANK, VLLM_SCORE, INFINITY = Tei(), VllmRerank(), VllmScore(), Infinity()

ROUTES: tuple[Route, ...] = (
    Route("/rerank", NATIVE, ((TEI, _is_tei), (VLLM_RERANK, _is_vllm_beside(NATIVE, zero=False)), (INFINITY, _is_infinity))),
    Route(
        "/v1/rerank",
        COMMON,
        ((COHERE_V1, _is_cohere_v1), (JINA, _is_jina), (VLLM_RERANK, _is_vllm_beside(None, zero=True)), (INFINITY, _is_infinity)),
    ),
    Route("/v2/rerank", COHERE_V2, ((VLLM_RERANK, _is_vllm_beside(COHERE_V2, zero=True)),)),
    Route("/score", VLLM_SCORE),
    Route("/v1/score", VLLM_SCORE),
    Route("/tei/rerank", TEI),
    Route("/vllm/rerank", VLLM_RERANK),
    Route("/vllm/v1/rerank", VLLM_RERANK),
    Route("/vllm/score", VLLM_SCORE),
    Route("/infinity/rerank", INFINITY),
    Route("/cohere/v1/rerank", COHERE_V1),
    Route("/cohere/v2/rerank", COHERE_V2),
    Route("/jina/v1/rerank", JINA),
)
"""Every path that takes a body, with its dialects."""

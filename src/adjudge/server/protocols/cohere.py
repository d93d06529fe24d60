"""Cohere's rerank, v1 and v2, as cohere-python and what is built on it (langchain-cohere, LlamaIndex, RAGFlow) speak it.

Of both versions: `document` is in the results where `return_documents` asks for it (v2 forgot the field later; older clients send it),
and what has to be said stands in `meta.warnings`, which the SDK reads. A search unit is a query with up to 100 documents, and each
further window of a document longer than the model counts as one more document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...types import Document, Ranking
from ..asks import Answer, Ask, PairsAnswer
from .dialect import STATUS, Fault, FaultKind, Reply
from .fields import Field, Given, read_fields
from .kinds import Documents, Flaw, Text, Texts, Whole
from .rendering import everything_said, ranked_answer, relevance_results, retry_header
from .schemas import COUNT, FLAG, NUMBER, STRING, listed, record
from .shared_fields import MODEL, QUERY, RETURN_DOCUMENTS, TOP_N, example_request

__all__ = ["FAULTS", "CohereV1", "CohereV2", "cohere_meta", "cohere_meta_schema", "compose"]

UNIT = 100
"""Documents in a search unit."""

FAULTS: Mapping[Flaw, FaultKind] = {"missing": "bad_request", "empty": "bad_request", "range": "bad_request"}
"""What is well-typed and makes no sense is a 400 there, what is of the wrong type a 422."""

EMPTY = "list of documents must not be empty"

_RETURN = Field(name="return_documents", kind=RETURN_DOCUMENTS.kind, about=RETURN_DOCUMENTS.about, default=False)

V1_FIELDS = (
    MODEL,
    QUERY,
    Field(name="documents", kind=Documents(EMPTY), about="Texts, or objects whose `text` or `rank_fields` are judged.", required=True),
    TOP_N,
    Field(name="rank_fields", kind=Texts(), about="Which keys of an object are judged, in this order, instead of `text`."),
    _RETURN,
    Field(name="max_chunks_per_doc", kind=Whole(least=1), about="Judge at most so many windows of a document; left out: all."),
)

V2_FIELDS = (
    Field(name="model", kind=Text(), about="Which of the server's models judges.", required=True),
    QUERY,
    Field(name="documents", kind=Texts(EMPTY), about="Texts; objects are written as YAML strings.", required=True),
    TOP_N,
    Field(name="max_tokens_per_doc", kind=Whole(least=1), about="Cut documents to so many tokens. Left out: they are read whole."),
    Field(name="priority", kind=Whole(), about="Urgency.", default=0, idle="every request has the same"),
    _RETURN,
)


class _Cohere:
    """What both versions have in common."""

    name: str
    version: str
    fields: tuple[Field, ...]
    statuses = STATUS
    needs: Mapping[str, Any] = {}

    def _given(self, body: Mapping[str, Any]) -> Given:
        return read_fields(body, self.fields, FAULTS)

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{id, results, meta}."""
        answer = ranked_answer(answer)
        results = relevance_results(answer.ranking, echo["documents"])
        return Reply(body={"id": answer.request_id, "results": results, "meta": cohere_meta(answer, self.version)})

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        result = record(index=COUNT, relevance_score=NUMBER, optional={"document": record(text=STRING)})
        return record(id=STRING, results=listed(result), meta=cohere_meta_schema())

    def _message(self, fault: Fault) -> str:
        return f"invalid request: {fault.message}" if fault.kind in ("bad_request", "invalid") else fault.message


class CohereV1(_Cohere):
    """POST /v1/rerank."""

    name = "cohere-v1"
    version = "1"
    fields = V1_FIELDS

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See V1_FIELDS."""
        given = self._given(body)
        documents, chunks = given["documents"], given["max_chunks_per_doc"]
        return Ask(
            query=given["query"],
            documents=tuple(compose(document, given["rank_fields"]) for document in documents),
            model=given["model"],
            top_n=given["top_n"],
            windows={} if chunks is None else {"max_windows": chunks},
            warnings=given.warnings,
            echo={"documents": documents if given["return_documents"] else None},
        )

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"message"}."""
        return Reply(status=self.statuses[fault.kind], body={"message": self._message(fault)}, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=2, return_documents=True, max_chunks_per_doc=10)

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(message=STRING)


class CohereV2(_Cohere):
    """POST /v2/rerank: the model must be named, and documents are strings."""

    name = "cohere-v2"
    version = "2"
    fields = V2_FIELDS

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See V2_FIELDS."""
        given = self._given(body)
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=given["model"],
            top_n=given["top_n"],
            max_tokens_per_doc=given["max_tokens_per_doc"],
            warnings=given.warnings,
            echo={"documents": given["documents"] if given["return_documents"] else None},
        )

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"id", "message"}."""
        body = {"id": request_id, "message": self._message(fault)}
        return Reply(status=self.statuses[fault.kind], body=body, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=2)

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(id=STRING, message=STRING)


def compose(document: Any, rank_fields: Sequence[str] | None) -> Any:
    """The document as it is judged: of an object, the fields that were named, one a line; anything else as it came.

    One field gives its value alone, several are written "name: value". What has none of them is left empty, so that the engine
    refuses it alone.
    """
    if rank_fields is None or not isinstance(document, Mapping):
        return document
    found = {name: document[name] for name in rank_fields if document.get(name) is not None}
    lines = {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in found.items()}
    return Document("\n".join(lines.values() if len(rank_fields) == 1 else (f"{name}: {line}" for name, line in lines.items())))


def cohere_meta(answer: Answer, version: str) -> dict[str, Any]:
    """The `meta` of a response; `warnings` is there only where something has to be said, as Cohere does it."""
    said = everything_said(answer)
    return {
        "api_version": {"version": version, "is_deprecated": False, "is_experimental": False},
        "billed_units": {"search_units": _search_units(answer.ranking)},
        "tokens": {"input_tokens": answer.ranking.usage.tokens, "output_tokens": 0},
    } | ({"warnings": said} if said else {})


def cohere_meta_schema() -> dict[str, Any]:
    """Of `meta`."""
    return record(
        api_version=record(version=STRING, is_deprecated=FLAG, is_experimental=FLAG),
        billed_units=record(search_units=COUNT),
        tokens=record(input_tokens=COUNT, output_tokens=COUNT),
        optional={"warnings": listed(STRING)},
    )


def _search_units(ranking: Ranking) -> int:
    """At least one; what was refused was sent, so it counts."""
    pieces = max(ranking.usage.documents, ranking.usage.pairs + len(ranking.refused))
    return max(1, -(-pieces // UNIT))

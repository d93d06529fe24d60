"""Jina's rerank, and the common shape of /v1/rerank that Cohere's, Jina's and vLLM's clients can all parse.

Long documents are read in windows, so `truncation: false` needs no error and `truncation: true` cuts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..asks import Answer, Ask, PairsAnswer
from .cohere import FAULTS, cohere_meta, cohere_meta_schema
from .dialect import STATUS, Fault, Reply
from .fields import Field, read_fields
from .kinds import Documents, Flag, Whole
from .rendering import ranked_answer, relevance_results, retry_header, usage, warning_header
from .schemas import COUNT, NUMBER, STRING, listed, record
from .shared_fields import MODEL, QUERY, RETURN_DOCUMENTS, TOP_N, example_request
from .vllm import vllm_error, vllm_error_schema

__all__ = ["Common", "Jina"]

EMPTY = "documents must not be empty; send at least one"

_DOCUMENTS = Field(name="documents", kind=Documents(EMPTY), about="Texts, or objects with `text`.", required=True)

COMMON_FIELDS = (MODEL, QUERY, _DOCUMENTS, TOP_N, RETURN_DOCUMENTS)

JINA_FIELDS = (
    *COMMON_FIELDS,
    Field(name="truncation", kind=Flag(), about="Whether documents may be cut. None is: long ones are read in windows."),
    Field(name="max_doc_length", kind=Whole(least=1), about="Cut documents to so many tokens. Left out: they are read whole."),
    Field(name="max_query_length", kind=Whole(least=1), about="Cut the query.", idle="the query is read whole, as far as the model can"),
    Field(name="return_embeddings", kind=Flag(), about="Add embeddings.", default=False, idle="a judge makes no embeddings"),
)

_RESULT = record(index=COUNT, relevance_score=NUMBER, optional={"document": record(text=STRING)})
_USAGE = record(prompt_tokens=COUNT, total_tokens=COUNT)


class Jina:
    """POST /v1/rerank as Jina has it: results hold their documents unless told otherwise."""

    name = "jina"
    statuses = STATUS | {"bad_request": 422}  # as a FastAPI server answers a body that it cannot read
    fields = JINA_FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See JINA_FIELDS."""
        given = read_fields(body, JINA_FIELDS)
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=given["model"],
            top_n=given["top_n"],
            max_tokens_per_doc=given["max_doc_length"],
            warnings=given.warnings,
            echo={"documents": given["documents"] if given["return_documents"] else None},
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{model, object, usage, results}."""
        answer = ranked_answer(answer)
        body = {
            "model": answer.model,
            "object": "list",
            "usage": usage(answer.ranking.usage.tokens),
            "results": relevance_results(answer.ranking, echo["documents"]),
        }
        return Reply(body=body, headers=warning_header(answer))

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"detail"}."""
        return Reply(status=self.statuses[fault.kind], body={"detail": fault.message}, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=2, truncation=True)

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        return record(model=STRING, object=STRING, usage=_USAGE, results=listed(_RESULT))

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(detail=STRING)


class Common:
    """POST /v1/rerank where nothing tells who asks: an answer, and an error, that all of them can parse.

    Documents are in the results unless `return_documents` is false, because Jina's and vLLM's clients read them and Cohere's do not mind.
    """

    name = "v1-common"
    statuses = STATUS
    fields = COMMON_FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See COMMON_FIELDS."""
        given = read_fields(body, COMMON_FIELDS, FAULTS)
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=given["model"],
            top_n=given["top_n"],
            warnings=given.warnings,
            echo={"documents": given["documents"] if given["return_documents"] else None},
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{id, model, object, results, usage, meta}."""
        answer = ranked_answer(answer)
        body = {
            "id": answer.request_id,
            "model": answer.model,
            "object": "list",
            "results": relevance_results(answer.ranking, echo["documents"]),
            "usage": usage(answer.ranking.usage.tokens),
            "meta": cohere_meta(answer, "1"),
        }
        return Reply(body=body)

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """The same sentence where Cohere's clients ("message"), Jina's ("detail") and vLLM's ("error") look for it."""
        status = self.statuses[fault.kind]
        body = {"id": request_id, "message": fault.message, "detail": fault.message} | vllm_error(fault, status)
        return Reply(status=status, body=body, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=2)

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        results = listed(_RESULT)
        return record(id=STRING, model=STRING, object=STRING, results=results, usage=_USAGE, meta=cohere_meta_schema())

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(id=STRING, message=STRING, detail=STRING, error=vllm_error_schema())

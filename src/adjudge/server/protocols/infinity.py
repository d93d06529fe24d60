"""Infinity's /rerank. In its results a document is a string, not an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..asks import Answer, Ask, PairsAnswer
from .dialect import STATUS, Fault, Reply
from .fields import Field, read_fields
from .kinds import Flag, Texts
from .rendering import ranked_answer, retry_header, usage, warning_header
from .schemas import COUNT, NUMBER, STRING, listed, record
from .shared_fields import MODEL, QUERY, RETURN_DOCUMENTS, TOP_N, example_request

__all__ = ["Infinity"]

ANY_MODEL = "default/not-specified"
"""What Infinity's own clients send for a model that nobody chose."""

FIELDS = (
    QUERY,
    Field(name="documents", kind=Texts("documents must not be empty; send at least one"), about="What is ranked.", required=True),
    Field(name="return_documents", kind=RETURN_DOCUMENTS.kind, about=RETURN_DOCUMENTS.about, default=False),
    Field(name="raw_scores", kind=Flag(), about="True: logits. False: scores in 0..1.", default=False),
    Field(name="model", kind=MODEL.kind, about=f'{MODEL.about} "{ANY_MODEL}" means that too.', default=ANY_MODEL),
    TOP_N,
)


class Infinity:
    """POST /rerank of Infinity."""

    name = "infinity"
    statuses = STATUS | {"bad_request": 422, "not_found": 400}  # an unknown model is a 400 there
    fields = FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See FIELDS."""
        given = read_fields(body, FIELDS)
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=None if given["model"] == ANY_MODEL else given["model"],
            top_n=given["top_n"],
            normalize=not given["raw_scores"],
            warnings=given.warnings,
            echo={"return_documents": given["return_documents"]},
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{object, results, model, usage, id, created}."""
        answer = ranked_answer(answer)
        shown = echo["return_documents"]
        results = [
            {"relevance_score": r.score, "index": r.index} | ({"document": r.document.text} if shown else {})
            for r in answer.ranking.results
        ]
        body = {
            "object": "rerank",
            "results": results,
            "model": answer.model,
            "usage": usage(answer.ranking.usage.tokens),
            "id": f"infinity-{answer.request_id}",
            "created": answer.created,
        }
        return Reply(body=body, headers=warning_header(answer))

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """422 as FastAPI has it, 401 with a detail, everything else as OpenAI has it."""
        status = self.statuses[fault.kind]
        body: dict[str, Any]
        if status == 422:
            where = ["body"] if fault.param is None else ["body", fault.param]
            body = {"detail": [{"type": "value_error", "loc": where, "msg": fault.message}]}
        elif status == 401:
            body = {"detail": "Unauthorized"}
        else:
            body = {"error": {"message": fault.message, "type": None, "param": None, "code": status}}
        return Reply(status=status, body=body, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=2, return_documents=True, raw_scores=False)

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        results = listed(record(relevance_score=NUMBER, index=COUNT, optional={"document": STRING}))
        tokens = record(prompt_tokens=COUNT, total_tokens=COUNT)
        return record(object=STRING, results=results, model=STRING, usage=tokens, id=STRING, created=COUNT)

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        null = {"type": "null"}
        error = record(message=STRING, type=null, param=null, code=COUNT)
        detail = listed(record(type=STRING, loc=listed(STRING), msg=STRING))
        return {"anyOf": [record(error=error), record(detail={"anyOf": [STRING, detail]})]}

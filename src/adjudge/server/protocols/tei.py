"""text-embeddings-inference's /rerank, as Haystack, LlamaIndex, RAGFlow and Dify speak it.

Clients rely on one result for each text (LlamaIndex asserts it), so a text that holds nothing is not left out: it stands last, with the
score 0, or with `raw_scores` the lowest float32, and the warnings name it. Long texts are read in windows: `truncate: false` needs no
error, and `truncate: true` cuts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..asks import Answer, Ask, PairsAnswer
from .dialect import STATUS, Fault, FaultKind, Reply
from .fields import Field, read_fields
from .kinds import Choice, Flag, Texts
from .rendering import ranked_answer, retry_header, warning_header
from .schemas import COUNT, NUMBER, STRING, listed, record
from .shared_fields import QUERY, example_request

__all__ = ["Tei"]

LOWEST = -3.4028234663852886e38
"""The lowest finite float32: what minus infinity is in JSON, and the logit whose sigmoid is 0."""

FIELDS = (
    QUERY,
    Field(name="texts", kind=Texts("texts must not be empty; send at least one"), about="What is ranked.", required=True),
    Field(name="truncate", kind=Flag(), about="Whether texts may be cut. None is: long ones are read in windows."),
    Field(
        name="truncation_direction",
        kind=Choice(("Left", "Right", "left", "right")),
        about="Which side is cut.",
        default="Right",
        idle="nothing is cut: long texts are read in windows",
    ),
    Field(name="raw_scores", kind=Flag(), about="True: logits. False: scores in 0..1.", default=False),
    Field(name="return_text", kind=Flag(), about="Whether results hold their texts.", default=False),
)

TYPES: Mapping[FaultKind, str] = {
    "overloaded": "Overloaded",
    "backend": "Backend",
    "timeout": "Backend",
    "client_gone": "Backend",
    "not_ready": "Unhealthy",
    "unauthorized": "Unauthorized",
}
"""error_type of each kind; "Validation" for the others, "Empty" where nothing was sent."""


class Tei:
    """POST /rerank with `texts`."""

    name = "tei"
    statuses = STATUS | {"backend": 424}
    fields = FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See FIELDS."""
        given = read_fields(body, FIELDS, {"empty": "bad_request"})
        return Ask(
            query=given["query"],
            documents=given["texts"],
            normalize=not given["raw_scores"],
            warnings=given.warnings,
            echo={"texts": given["texts"] if given["return_text"] else None, "raw_scores": given["raw_scores"]},
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """A bare list, best first: [{"index", "score", "text"?}]."""
        ranking = ranked_answer(answer).ranking
        scores = [(r.index, r.score) for r in ranking.results]
        scores += [(r.index, LOWEST if echo["raw_scores"] else 0.0) for r in ranking.refused]
        texts = echo["texts"]
        body = [{"index": index, "score": score} | ({} if texts is None else {"text": texts[index]}) for index, score in scores]
        return Reply(body=body, headers=warning_header(answer))

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"error", "error_type"}."""
        empty = fault.kind == "bad_request" and fault.param is not None
        kind = "Empty" if empty else TYPES.get(fault.kind, "Validation")
        body = {"error": fault.message, "error_type": kind}
        return Reply(status=self.statuses[fault.kind], body=body, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs; TEI's have no model."""
        return example_request(None, documents="texts", return_text=True)

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        return listed(record(index=COUNT, score=NUMBER, optional={"text": STRING}))

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(error=STRING, error_type=STRING)

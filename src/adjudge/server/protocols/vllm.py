"""vLLM's /score and /rerank.

Over-long texts are read in windows instead of failing the request, so the truncation settings have nothing to do; `max_tokens_per_doc`
is honoured by /rerank, and told by the warnings header where it cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..asks import Answer, Ask, PairsAnswer, PairsAsk
from .dialect import STATUS, Fault, FaultKind, Reply
from .fields import Field, Given, invalid, read_fields
from .kinds import Choice, Flag, Object, Text, TextOrTexts, Texts, Whole, shown
from .rendering import ranked_answer, retry_header, scored_answer, usage, warning_header
from .schemas import COUNT, NUMBER, STRING, listed, record
from .shared_fields import MODEL, QUERY, example_request

__all__ = ["VLLM_ONLY", "VllmRerank", "VllmScore", "vllm_error", "vllm_error_schema"]

STATUSES: Mapping[FaultKind, int] = STATUS | {"invalid": 400}

TYPES: Mapping[FaultKind, str] = {
    "bad_request": "BadRequestError",
    "unauthorized": "AuthenticationError",
    "not_found": "NotFoundError",
    "method_not_allowed": "MethodNotAllowedError",
    "too_large": "BadRequestError",
    "invalid": "BadRequestError",
    "overloaded": "RateLimitError",
    "client_gone": "ClientClosedRequestError",
    "backend": "InternalServerError",
    "not_ready": "ServiceUnavailableError",
    "timeout": "GatewayTimeoutError",
}

_WINDOWS = "nothing is cut: long texts are read in windows"
_WHOLE = "the query is read whole, as far as the model can"
_CROSS_ENCODER = "the judge reads query and document as they are"
_ONE_TYPE = "only texts are judged"

ACTIVATION = ("use_activation", "activation", "softmax")
"""One setting under the names that it has had, newest first."""

_EXTRAS = (
    Field(name="use_activation", kind=Flag(), about="True or left out: scores in 0..1. False: raw logits."),
    Field(name="activation", kind=Flag(), about="An older name of use_activation."),
    Field(name="softmax", kind=Flag(), about="The oldest name of use_activation."),
    Field(name="truncate_prompt_tokens", kind=Whole(least=-1), about="Cut each pair to so many tokens.", idle=_WINDOWS),
    Field(name="truncation_side", kind=Choice(("left", "right")), about="Which side is cut.", idle=_WINDOWS),
    Field(name="max_tokens_per_query", kind=Whole(), about="Cut the query; 0: do not.", default=0, idle=_WHOLE),
    Field(name="priority", kind=Whole(least=-(2**31)), about="Urgency.", default=0, idle="every request has the same"),
    Field(name="request_id", kind=Text(), about="A name for the request.", idle="send it as the header X-Request-Id"),
    Field(name="cache_salt", kind=Text(), about="Keeps prefix caches apart.", idle="there is no prefix cache"),
    Field(name="user", kind=Text(), about="Who asks.", idle="users are not told apart"),
    Field(name="add_special_tokens", kind=Flag(), about="Frame the pair.", default=True, idle="pairs are framed as the model was trained"),
    Field(name="instruction", kind=Text(), about="Guides an instructed model.", idle=_CROSS_ENCODER),
    Field(name="chat_template", kind=Text(), about="A template for the pair.", idle=_CROSS_ENCODER),
    Field(name="chat_template_kwargs", kind=Object(), about="Settings of the template.", idle=_CROSS_ENCODER),
    Field(name="mm_processor_kwargs", kind=Object(), about="Settings for images.", idle=_ONE_TYPE),
)

RERANK_FIELDS = (
    MODEL,
    QUERY,
    Field(name="documents", kind=Texts("At least one document must be given: documents is empty"), about="What is ranked.", required=True),
    Field(name="top_n", kind=Whole(), about="How many of the best to return; 0 or left out: all.", default=0),
    Field(name="max_tokens_per_doc", kind=Whole(), about="Cut documents to so many tokens; 0 or left out: read them whole.", default=0),
    *_EXTRAS,
)

VLLM_ONLY = frozenset(f.name for f in (*_EXTRAS, RERANK_FIELDS[4]))
"""What a rerank request holds of vLLM's own; `priority` and `max_tokens_per_doc` are Cohere v2's too."""

SIDES = (("queries", "documents"), ("queries", "items"), ("text_1", "text_2"), ("data_1", "data_2"))
"""The names of the two sides of /score, newest first."""

_SIDE_FIELDS = tuple(
    Field(
        name=name,
        kind=TextOrTexts(f"At least one text must be given: {name} is empty"),
        about=f"{'First' if name in ('queries', 'text_1', 'data_1') else 'Second'} texts of the pairs: 1:1, 1:N or N:N.",
    )
    for name in dict.fromkeys(name for side in SIDES for name in side)
)

SCORE_FIELDS = (
    MODEL,
    *_SIDE_FIELDS,
    Field(name="max_tokens_per_doc", kind=Whole(), about="Cut second texts; 0: do not.", default=0, idle=_WINDOWS),
    *_EXTRAS,
)


class _Vllm:
    """What both have in common."""

    statuses = STATUSES

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"error": {"message", "type", "param", "code"}}."""
        status = self.statuses[fault.kind]
        return Reply(status=status, body=vllm_error(fault, status), headers=retry_header(fault))

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(error=vllm_error_schema())


class VllmRerank(_Vllm):
    """POST /rerank, /v1/rerank, /v2/rerank: always gives the documents back."""

    name = "vllm-rerank"
    fields = RERANK_FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See RERANK_FIELDS."""
        given = read_fields(body, RERANK_FIELDS)
        top_n, cut = given["top_n"], given["max_tokens_per_doc"]
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=given["model"],
            top_n=None if top_n == 0 else top_n,
            normalize=_activated(given),
            max_tokens_per_doc=None if cut == 0 else cut,
            warnings=(*given.warnings, *_outvoted(given)),
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{id, model, usage, results}."""
        answer = ranked_answer(answer)
        results = [
            {"index": r.index, "document": {"text": r.document.text, "multi_modal": None}, "relevance_score": r.score}
            for r in answer.ranking.results
        ]
        tokens = usage(answer.ranking.usage.tokens)
        body = {"id": f"rerank-{answer.request_id}", "model": answer.model, "usage": tokens, "results": results}
        return Reply(body=body, headers=warning_header(answer))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, top_n=0, use_activation=True)

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        document = record(text=STRING, multi_modal={"type": "null"})
        result = record(index=COUNT, document=document, relevance_score=NUMBER)
        return record(id=STRING, model=STRING, usage=record(prompt_tokens=COUNT, total_tokens=COUNT), results=listed(result))


class VllmScore(_Vllm):
    """POST /score: one text against one, one against many, or many against as many."""

    name = "vllm-score"
    fields = SCORE_FIELDS
    needs: Mapping[str, Any] = {"anyOf": [{"required": list(side)} for side in SIDES]}

    def read(self, body: Mapping[str, Any]) -> PairsAsk:
        """See SCORE_FIELDS."""
        given = read_fields(body, SCORE_FIELDS)
        one, two = _sides(given)
        return PairsAsk(
            pairs=_pairs(given, one, two),
            model=given["model"],
            normalize=_activated(given),
            warnings=(*given.warnings, *_outvoted(given), *_unpaired(given, one, two)),
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """{id, object, created, model, data, usage}, the data in the order of the pairs."""
        answer = scored_answer(answer)
        body = {
            "id": f"score-{answer.request_id}",
            "object": "list",
            "created": answer.created,
            "model": answer.model,
            "data": [{"index": index, "object": "score", "score": score} for index, score in enumerate(answer.scores)],
            "usage": usage(answer.tokens) | {"completion_tokens": 0},
        }
        return Reply(body=body, headers=warning_header(answer))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs on a server with this model."""
        return example_request(model, query="queries")

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        data = listed(record(index=COUNT, object=STRING, score=NUMBER))
        tokens = record(prompt_tokens=COUNT, total_tokens=COUNT, completion_tokens=COUNT)
        return record(id=STRING, object=STRING, created=COUNT, model=STRING, data=data, usage=tokens)


def vllm_error(fault: Fault, status: int) -> dict[str, Any]:
    """The error as vLLM, and OpenAI before it, writes it."""
    return {"error": {"message": fault.message, "type": TYPES[fault.kind], "param": fault.param, "code": status}}


def vllm_error_schema() -> dict[str, Any]:
    """Of what stands under "error"."""
    return record(message=STRING, type=STRING, param={"type": ["string", "null"]}, code=COUNT)


def _activated(given: Given) -> bool:
    """Whether scores go through the sigmoid: the newest name that was given decides."""
    return next((bool(given[name]) for name in ACTIVATION if given[name] is not None), True)


def _outvoted(given: Given) -> list[str]:
    """What has to be said of older names that contradict the one that decides."""
    names = [name for name in ACTIVATION if given[name] is not None]
    different = [name for name in names[1:] if given[name] != given[names[0]]]
    return [f"{name} has no effect here: {names[0]} is its newer name, and says {shown(given[names[0]])}" for name in different]


def _sides(given: Given) -> tuple[str, str]:
    """The names of the two sides. Raises BadRequestError where none or several pairs of names were given."""
    sides = [(one, two) for one, two in SIDES if given[one] is not None and given[two] is not None]
    if not sides:
        known = "; ".join(" and ".join(side) for side in SIDES)
        raise invalid(f"the two sides of the pairs are missing; give one of: {known}")
    if len(sides) > 1:
        raise invalid(f"the pairs were given more than once ({'; '.join(' and '.join(s) for s in sides)}); give them under one name")
    return sides[0]


def _unpaired(given: Given, one: str, two: str) -> list[str]:
    """What has to be said of texts that were given under another side's name, without its partner."""
    lonely = [f.name for f in _SIDE_FIELDS if f.name not in (one, two) and given[f.name] is not None]
    return [f"{name} has no effect here: the pairs are of {one} and {two}" for name in lonely]


def _pairs(given: Given, one: str, two: str) -> tuple[tuple[str, str], ...]:
    first, second = given[one], given[two]
    if len(first) > 1 and len(first) != len(second):
        raise invalid(f"Input lengths must be either 1:1, 1:N or N:N, not {len(first)} {one} and {len(second)} {two}", two)
    return tuple(zip(first if len(first) > 1 else first * len(second), second, strict=True))

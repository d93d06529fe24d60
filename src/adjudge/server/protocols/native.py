"""adjudge's own dialect: everything the judge knows of each document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from ...config import Aggregation
from ...engine.thresholds import SPELLINGS, check_scale, parse_threshold
from ...errors import ConfigError
from ...types import Dropped, Explanation, Ranked
from ..asks import Answer, Ask, PairsAnswer
from .dialect import STATUS, Fault, Reply
from .fields import Field, Given, invalid, read_fields
from .kinds import Choice, Documents, Flag, MismatchError, Number, Whole, shown
from .rendering import ranked_answer, retry_header
from .schemas import COUNT, FLAG, NUMBER, STRING, listed, record
from .shared_fields import MODEL, QUERY, example_request

__all__ = ["Native", "Threshold"]

A_DAY_MS = 86_400_000
MOST_EXPLAINED = 10


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number, or a rule by name."""

    wanted = f"a number or a string like {', '.join(SPELLINGS)}"

    def read(self, name: str, value: Any) -> float | str:
        """The threshold as it came, once it is known to be one."""
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise MismatchError(f"{name} must be {self.wanted}, not {shown(value)}", "type")
        try:
            parse_threshold(value)
        except ConfigError as error:
            raise MismatchError(str(error)) from None
        return value

    def schema(self) -> dict[str, Any]:
        """A number, or one of the spellings that every model can serve."""
        rule = {"type": "string", "pattern": r"^(dynamic|gap|((absolute|relative|gap):)?(0(\.\d+)?|1(\.0+)?))$"}
        return {"anyOf": [{"type": "number"}, rule]}


_THRESHOLD = (
    'What falls below is in `dropped`: 0.3, "relative:0.5", "dynamic", "gap", or "precision:0.9" where the model was calibrated for it.'
)

FIELDS = (
    QUERY,
    Field(name="documents", kind=Documents(), about="What is ranked. Keys beside `text` and `id` come back as metadata.", required=True),
    MODEL,
    Field(name="top_n", kind=Whole(), about="How many of the best to return; 0: none, left out: all. The others are in `dropped`."),
    Field(name="threshold", kind=Threshold(), about=_THRESHOLD),
    Field(name="normalize", kind=Flag(), about="True: scores in 0..1. False: raw logits.", default=True),
    Field(name="return_documents", kind=Flag(), about="Whether results hold the texts and metadata of their documents.", default=True),
    Field(name="return_similarity", kind=Flag(), about="Whether results hold the first stage's cosine beside the score.", default=False),
    Field(name="aggregation", kind=Choice(get_args(Aggregation)), about="How the windows of a long document make one score."),
    Field(name="max_tokens_per_doc", kind=Whole(least=1), about="Cut documents to so many tokens. Left out: they are read whole."),
    Field(name="budget_ms", kind=Number(A_DAY_MS), about="Milliseconds that judging may take, on servers with a first judge."),
    Field(name="timeout_ms", kind=Number(A_DAY_MS), about="Give up (504) after so many milliseconds, where the server does not before."),
    Field(
        name="explain", kind=Whole(most=MOST_EXPLAINED), about="So many of the best come with the sentences that carried them.", default=0
    ),
)


class Native:
    """POST /rerank: {query, documents} in, {ranked_results, dropped, refused, ...} out."""

    name = "native"
    statuses = STATUS
    fields = FIELDS
    needs: Mapping[str, Any] = {}

    def read(self, body: Mapping[str, Any]) -> Ask:
        """See FIELDS. An empty list of documents is fine: its ranking is empty."""
        given = read_fields(body, FIELDS)
        threshold, aggregation = given["threshold"], given["aggregation"]
        try:
            check_scale(parse_threshold(threshold), normalize=given["normalize"])
        except ConfigError as error:
            raise invalid(str(error), "threshold") from None
        return Ask(
            query=given["query"],
            documents=given["documents"],
            model=given["model"],
            top_n=given["top_n"],
            threshold=threshold,
            normalize=given["normalize"],
            windows={} if aggregation is None else {"aggregation": aggregation},
            max_tokens_per_doc=given["max_tokens_per_doc"],
            budget_ms=given["budget_ms"],
            explain=given["explain"],
            similarity=given["return_similarity"],
            timeout_ms=given["timeout_ms"],
            warnings=given.warnings,
            echo=_echo(given),
        )

    def answer(self, answer: Answer | PairsAnswer, echo: Mapping[str, Any]) -> Reply:
        """Every document is in exactly one of ranked_results, dropped and refused.

        `results` says index and score once more, as RAGFlow's and other clients of vLLM, LocalAI and llama.cpp look for them at /rerank.
        """
        answer = ranked_answer(answer)
        ranking = answer.ranking
        explained = {e.index: e for e in answer.explanations}
        similarity = _Similarity(answer.similarities, wanted=echo["return_similarity"])
        results = [
            _result(r, texts=echo["return_documents"]) | similarity.of(r.index) | _explanation(explained.get(r.index))
            for r in ranking.results
        ]
        body = {
            "ranked_results": results,
            "dropped": [_dropped(d) | similarity.of(d.index) for d in ranking.dropped],
            "refused": [asdict(r) for r in ranking.refused],
            "results": [{"index": r.index, "relevance_score": r.score} for r in ranking.results],
            "model": answer.model,
            "revision": ranking.revision,
            "score_type": ranking.score_type,
            "usage": asdict(ranking.usage),
            "timings": {"queue_ms": answer.queue_ms} | asdict(ranking.timings) | {"total_ms": answer.total_ms},
            "warnings": list(answer.warnings),
            "request_id": answer.request_id,
        }
        return Reply(body=body)

    def fault(self, fault: Fault, request_id: str) -> Reply:
        """{"error": {kind, message, param?, request_id}}."""
        param = {} if fault.param is None else {"param": fault.param}
        error = {"kind": fault.kind, "message": fault.message} | param | {"request_id": request_id}
        return Reply(status=self.statuses[fault.kind], body={"error": error}, headers=retry_header(fault))

    def example(self, model: str) -> dict[str, Any]:
        """A request that runs; `model` is left to the server."""
        return example_request(None, top_n=2, threshold="dynamic")

    def answer_schema(self) -> dict[str, Any]:
        """Of the body of 200."""
        return ANSWER

    def fault_schema(self) -> dict[str, Any]:
        """Of the body of every other status."""
        return record(error=record(kind=STRING, message=STRING, request_id=STRING, optional={"param": STRING}))


@dataclass(frozen=True, slots=True)
class _Similarity:
    """The cosine of a document as a piece of its result: nothing where none was asked for, null where the server has none."""

    values: tuple[float | None, ...]
    wanted: bool

    def of(self, index: int) -> dict[str, float | None]:
        if not self.wanted:
            return {}
        return {"similarity": self.values[index] if index < len(self.values) else None}


def _echo(given: Given) -> dict[str, Any]:
    return {name: given[name] for name in ("return_documents", "return_similarity")}


def _result(r: Ranked, *, texts: bool) -> dict[str, Any]:
    passage: dict[str, Any] = {"start": r.passage.start, "end": r.passage.end}
    return (
        {"index": r.index}
        | ({} if r.document.id is None else {"id": r.document.id})
        | ({"text": r.document.text} if texts else {})
        | ({"metadata": dict(r.document.metadata)} if texts and r.document.metadata else {})
        | {"score": r.score, "logit": r.logit, "passage": ({"text": r.passage.text} if texts else {}) | passage}
        | {"truncated": r.truncated, "windows": r.windows, "tokens": r.tokens, "tokens_unseen": r.tokens_unseen, "judge": r.judge}
        | ({"aspects": dict(r.aspects)} if r.aspects else {})
    )


def _dropped(d: Dropped) -> dict[str, Any]:
    identity = {} if d.document.id is None else {"id": d.document.id}
    return {"index": d.index} | identity | {"score": d.score, "logit": d.logit, "rule": d.rule, "judge": d.judge}


def _explanation(e: Explanation | None) -> dict[str, Any]:
    if e is None:
        return {}
    sentences = [asdict(s) for s in e.sentences]
    aspects = {"aspects": dict(e.aspects)} if e.aspects else {}
    return {"explanation": {"sentences": sentences} | aspects | {"pairs": e.pairs, "milliseconds": e.milliseconds}}


SIMILARITY: Mapping[str, Any] = {"similarity": {"type": ["number", "null"]}}
ASPECTS: Mapping[str, Any] = {"aspects": {"type": "object", "additionalProperties": NUMBER}}
SENTENCE = record(text=STRING, start=COUNT, end=COUNT, score_without=NUMBER, logit_without=NUMBER, effect=NUMBER, count=COUNT)
EXPLANATION = record(sentences=listed(SENTENCE), pairs=COUNT, milliseconds=NUMBER, optional=ASPECTS)
RESULT = record(
    index=COUNT,
    score=NUMBER,
    logit=NUMBER,
    passage=record(start=COUNT, end=COUNT, optional={"text": STRING}),
    truncated=FLAG,
    windows=COUNT,
    tokens=COUNT,
    tokens_unseen=COUNT,
    judge=STRING,
    optional={"id": STRING, "text": STRING, "metadata": {"type": "object"}, "explanation": EXPLANATION, **ASPECTS, **SIMILARITY},
)
USAGE = dict.fromkeys(("documents", "pairs", "tokens", "padded_tokens", "batches", "truncated", "computed"), COUNT)
ANSWER = record(
    ranked_results=listed(RESULT),
    dropped=listed(record(index=COUNT, score=NUMBER, logit=NUMBER, rule=STRING, judge=STRING, optional={"id": STRING, **SIMILARITY})),
    refused=listed(record(index=COUNT, reason=STRING, message=STRING)),
    results=listed(record(index=COUNT, relevance_score=NUMBER)),
    model=STRING,
    revision=STRING,
    score_type={"enum": ["calibrated", "sigmoid", "softmax", "logit"]},
    usage=record(**USAGE),
    timings=record(**dict.fromkeys(("queue_ms", "tokenise_ms", "forward_ms", "total_ms"), NUMBER)),
    warnings=listed(STRING),
    request_id=STRING,
)

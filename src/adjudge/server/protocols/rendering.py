"""What the dialects say alike: results, what was read, warnings, when to come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...types import Ranked, Ranking
from ..asks import Answer, PairsAnswer
from .dialect import Fault

__all__ = [
    "WARNINGS",
    "echoed",
    "everything_said",
    "ranked_answer",
    "relevance_results",
    "retry_header",
    "scored_answer",
    "usage",
    "warning_header",
]

WARNINGS = "X-Adjudge-Warnings"
"""The header of the dialects whose body has no place for warnings: a JSON list of strings, in ASCII."""

HEADER_LENGTH = 4000
"""Characters of it; servers and proxies cut or refuse headers beyond 8 kB in all."""

REFUSALS = 10
"""So many refused documents are named one by one."""


def ranked_answer(answer: Answer | PairsAnswer) -> Answer:
    """The answer to an Ask; anything else is our own mistake."""
    assert isinstance(answer, Answer), "this is a bug: a ranking was asked for, and scores of pairs came back"
    return answer


def scored_answer(answer: Answer | PairsAnswer) -> PairsAnswer:
    """The answer to a PairsAsk; anything else is our own mistake."""
    assert isinstance(answer, PairsAnswer), "this is a bug: scores of pairs were asked for, and a ranking came back"
    return answer


def relevance_results(ranking: Ranking, originals: Sequence[Any] | None) -> list[dict[str, Any]]:
    """[{"index", "relevance_score", "document"}], best first; `originals`: the documents as they came, or None to leave them out."""
    return [
        {"index": r.index, "relevance_score": r.score} | ({} if originals is None else {"document": echoed(originals[r.index], r)})
        for r in ranking.results
    ]


def echoed(original: Any, ranked: Ranked) -> dict[str, Any]:
    """A document as Cohere and Jina give it back: an object as it was sent, a string as the `text` of one.

    Their clients want a `text` in every document. Where an object has none, because `rank_fields` named other keys, it is what was judged.
    """
    sent = dict(original) if isinstance(original, Mapping) else {}
    return sent if isinstance(sent.get("text"), str) else sent | {"text": ranked.document.text}


def usage(tokens: int) -> dict[str, int]:
    """What was read, under the names of Jina, vLLM and Infinity; a judge writes nothing, so the total is the prompt's."""
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def everything_said(answer: Answer | PairsAnswer) -> list[str]:
    """The warnings, and which documents were not judged and why."""
    if isinstance(answer, PairsAnswer):
        return list(answer.warnings)
    refused = answer.ranking.refused
    named = [f"not judged: {r.message}" for r in refused[:REFUSALS]]
    more = [f"not judged: {len(refused) - REFUSALS} more"] if len(refused) > REFUSALS else []
    return [*answer.warnings, *named, *more]


def warning_header(answer: Answer | PairsAnswer) -> dict[str, str]:
    """The warnings as a header, for dialects whose body has no place for them; {} where there is nothing to say."""
    said = everything_said(answer)
    kept = list(said)
    while kept and len(_as_header(kept, len(said))) > HEADER_LENGTH:
        kept.pop()
    return {WARNINGS: _as_header(kept, len(said))} if said else {}


def retry_header(fault: Fault) -> dict[str, str]:
    """Retry-After, where the fault says when to come back."""
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


def _as_header(kept: Sequence[str], said: int) -> str:
    more = [] if len(kept) == said else [f"and {said - len(kept)} more"]
    return json.dumps([*kept, *more]).replace("\x7f", "\\u007f")  # DEL is ASCII, and no header may hold it

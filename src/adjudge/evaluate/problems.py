"""What is wrong with data, counted by kind: listed for a person, never guessed away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .result import Problem

__all__ = ["ProblemList", "SENTENCES"]

_SHOWN = 5

SENTENCES: Mapping[str, str] = {
    "document_without_id": "{count} without an id or a text; left out",
    "query_without_id": "{count} without an id or a text; left out",
    "duplicate_document": "{count} with an id that stood there before; the first one counts",
    "duplicate_query": "{count} with an id that stood there before; the first one counts",
    "empty_document": "{count} without any text; none can be found, and what is judged relevant among them counts as missed",
    "empty_query": "{count} without any text; judged ones count as zero",
    "unjudged_query": "{count} without a judgement; left out",
    "missing_query": "{count} judged but not in the queries; each counts as zero",
    "missing_document": "{count} judged but not in the corpus; relevant ones count as missed",
    "duplicate_judgement": "{count} given before, for the same query and document",
    "contradicting_judgement": "{count} in contradiction to an earlier one of the same query and document; the first one counts",
    "no_relevant": "{count} with nothing relevant among the judgements; zero for every system",
    "no_candidates": "{count} for which the first stage found nothing; each counts as zero",
    "row_without_label": "{count} without a label; the passage is a candidate judged by nobody",
    "bad_row": "{count} not usable; left out",
    "run_document_missing": "{count} in the run and not in the corpus; no reranker can read that, so it stands behind what can be read",
    "run_duplicate": "{count} named twice for a query by the run; the better place counts",
    "run_query_unjudged": "{count} in the run and judged by nobody; left out",
    "run_query_missing": "{count} judged and not in the run; each counts as zero",
}
"""What each kind means and what was done about it."""

_THINGS: Mapping[str, tuple[str, str]] = {
    "document": ("document", "documents"),
    "query": ("query", "queries"),
    "judgement": ("judgement", "judgements"),
    "relevant": ("query", "queries"),
    "candidates": ("query", "queries"),
    "row": ("row", "rows"),
    "label": ("row", "rows"),
    "duplicate": ("document", "documents"),
}


class ProblemList:
    """Problems as they are met."""

    def __init__(self) -> None:
        """None so far."""
        self._found: dict[str, list[str]] = {}

    def add(self, kind: str, example: str) -> None:
        """One more of a kind; `example` says which."""
        self._found.setdefault(kind, []).append(example)

    def everything(self) -> Mapping[str, Sequence[str]]:
        """Every example of every kind."""
        return self._found

    def values(self) -> tuple[Problem, ...]:
        """All kinds that were met, in the order in which they first were, with the first few examples of each."""
        return tuple(
            Problem(kind=kind, count=len(met), message=_message(kind, len(met)), examples=tuple(met[:_SHOWN]))
            for kind, met in self._found.items()
        )


def _message(kind: str, count: int) -> str:
    one, several = _THINGS[_thing(kind)]
    return SENTENCES[kind].format(count=f"{count:,} {one if count == 1 else several}")


def _thing(kind: str) -> str:
    """What is counted: the last word that names one, but of "document_without_id" the first."""
    words = kind.split("_")
    if words[-1] == "id":
        return words[0]
    return next(word for word in reversed(words) if word in _THINGS)

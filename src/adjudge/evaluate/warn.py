"""What a reader of an evaluation should know before believing it."""

from __future__ import annotations

from collections.abc import Iterator

from .comparing import Measured
from .experiment import Raw
from .orders import Ordered
from .result import Evaluation

__all__ = ["warnings_of"]

_FEW = 50  # queries
_CEILING = 0.9
_DEPTH = 10
_HOLES = 0.05


def warnings_of(evaluation: Evaluation, raw: Raw, measured: Measured) -> tuple[str, ...]:
    """A sentence each."""
    return tuple((*_of_data(evaluation), *_of_judgements(evaluation, measured), *_of_systems(evaluation, raw)))


def _of_data(evaluation: Evaluation) -> Iterator[str]:
    data = evaluation.data
    if data.queries < _FEW:
        few = "1 query is" if data.queries == 1 else f"{data.queries} queries are"
        yield f"{few} few: intervals are wide, and one odd query moves everything"
    ceiling = data.recall_of_candidates
    if ceiling is not None and ceiling < _CEILING and evaluation.rerankers:
        yield (
            f"the first stage finds {ceiling:.0%} of the relevant documents; no reranker can bring back the others "
            f"(more --candidates, or another --retriever, might)"
        )
    small = [
        f"{language} ({change.queries})"
        for c in evaluation.comparisons[:1]
        for language, change in c.languages.items()
        if change.queries < _FEW
    ]
    if small and len(evaluation.comparisons[0].languages) > 1:
        yield f"languages with few queries: {', '.join(small)}"


def _of_judgements(evaluation: Evaluation, measured: Measured) -> Iterator[str]:
    before = _judged_share(measured, evaluation.first_stage.name)
    for system in evaluation.rerankers:
        after = _judged_share(measured, system.name)
        if after < before - _HOLES:
            yield (
                f"of the first {_DEPTH} documents, {before:.0%} were judged before {system.name} and {after:.0%} after: what nobody judged "
                f"counts as irrelevant, so its gain may be larger than it looks"
            )


def _of_systems(evaluation: Evaluation, raw: Raw) -> Iterator[str]:
    for system in evaluation.rerankers:
        missing = sum(score is None for timed in raw.judged[system.name].values() for score in timed.scores)
        if missing:
            yield f"{system.name} did not judge {missing:,} of its candidates; they stand behind those it did"
        if system.cost is not None and system.cost.runs > 1:
            yield f"{system.name} ran in {system.cost.runs} parts, since the evaluation was interrupted; load time is of the last one"


def _judged_share(measured: Measured, system: str) -> float:
    """Of the first documents of all queries, how many somebody judged."""
    seen = judged = 0
    for query, ordered in measured.orders[system].items():
        seen += len(_top(ordered))
        judged += sum(document in measured.data.grades[query] for document in _top(ordered))
    return judged / seen if seen else 1.0


def _top(ordered: Ordered) -> tuple[str, ...]:
    return ordered.documents[:_DEPTH]

"""Scores of every query that `adjudge monitor` reads: those that are there, and those that a model is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..monitor.quantities import scores_of
from ..progress import show_progress
from .monitor_rows import Question, ScoredQuery

if TYPE_CHECKING:
    from ..reranker import Reranker
    from ..types import Ranking

__all__ = ["Judged", "judge_queries"]

_AT_ONCE = 32  # queries, whose pairs share batches


@dataclass(slots=True)
class Judged:
    """What became known while the queries were judged."""

    runtime: str = ""  # "" where no model was needed


def judge_queries(
    queries: Iterable[ScoredQuery | Question], open_judge: Callable[[], Reranker], found: Judged, *, progress: bool = False
) -> Iterator[ScoredQuery]:
    """Each query with its scores, in the order given. The model is loaded when the first question comes."""
    with ExitStack() as stack:
        judge: Reranker | None = None
        advance: Callable[[int, int], None] | None = None
        waiting: list[Question] = []
        done = 0
        for query in queries:
            if isinstance(query, Question):
                if judge is None:
                    judge = stack.enter_context(open_judge())
                    found.runtime = f"{judge.traits.backend} {judge.traits.device} {judge.traits.precision}"
                    advance = stack.enter_context(show_progress(0, unit="queries")) if progress else None
                waiting.append(query)
                if len(waiting) < _AT_ONCE:
                    continue
            if judge is not None:
                yield from _judge(judge, waiting)
                done += len(waiting)
                waiting = []
                if advance is not None:
                    advance(done, done + _AT_ONCE)  # nobody knows how many there will be
            if isinstance(query, ScoredQuery):
                yield query
        if judge is not None:
            yield from _judge(judge, waiting)


def _judge(judge: Reranker, questions: list[Question]) -> Iterator[ScoredQuery]:
    rankings = judge.rank_many([one.query for one in questions], [one.documents for one in questions])
    for question, ranking in zip(questions, rankings, strict=True):
        yield replace(_scored(ranking), place=question.place)


def _scored(ranking: Ranking) -> ScoredQuery:
    return ScoredQuery(
        place="",
        scores=tuple(scores_of(ranking)),
        model=ranking.model,
        revision=ranking.revision,
        score_type=ranking.score_type,
    )

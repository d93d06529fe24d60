"""What a search through all stages found: results, what fell out, and what every stage said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from ..retrieval.base import Candidate, Retrieval
from ..types import Document, Dropped, Passage, Ranked, Ranking, Refused
from .fusing import RankFusion, fused
from .reading import passage_of

__all__ = ["FUSION", "JUDGE", "Hit", "PipelineResult", "fused_result", "judged_result", "unjudged_result"]

JUDGE = "judge"
"""The reranker's name among the stages."""
FUSION = "fusion"
"""The name of the order that joins the judge's with the first stage's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that a search found, with its score and its rank in every stage."""

    rank: int  # 1 is the best of all that the last stage looked at, kept or not
    document: Document
    score: float  # the judge's, whatever the order; the first stage's where there is no judge
    passage: Passage | None  # what decided the judge's score; None for what was dropped
    scores: Mapping[str, float]  # of every stage: {"bm25": 11.2, "dense": 0.83, "hybrid": 0.031, "judge": 0.97}
    ranks: Mapping[str, int]  # in the list of every stage that found it
    candidate: int  # its position in retrieval.candidates
    rule: str = ""  # why it is not among the results: "top_n=5", "absolute:0.3 (cut-off 0.300)"; "" for a result


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineResult(Sequence[Hit]):
    """The results, best first, and an account of everything else. Behaves as the sequence of its results."""

    query: str
    results: tuple[Hit, ...]
    dropped: tuple[Hit, ...] = ()  # judged, and not kept
    refused: tuple[Refused, ...] = ()  # found and not judged, because they hold no text; `index` is the position in retrieval.candidates
    warnings: tuple[str, ...] = ()
    retrieval: Retrieval  # what the first stage found
    ranking: Ranking | None = None  # the same results as the judge gave them, its documents as it read them; None without a judge
    timings: Mapping[str, float] = field(default_factory=dict)  # milliseconds: the first stage's own, "retrieve", "judge", "total"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.results)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.results[index]


def judged_result(retrieval: Retrieval, ranking: Ranking, *, stage: str, timings: Mapping[str, float]) -> PipelineResult:
    """The first stage's list, named `stage`, in the judge's order; ranking.results[i].index is a position in retrieval.candidates."""
    order = _judged_order(ranking)
    judged = {index: place for place, index in enumerate(order, start=1)}
    results = [_judged(retrieval, one.index, one.score, stage, judged[one.index], ranked=one) for one in ranking.results]
    dropped = [_judged(retrieval, one.index, one.score, stage, judged[one.index], rule=one.rule) for one in ranking.dropped]
    return PipelineResult(
        query=retrieval.query,
        results=tuple(results),
        dropped=tuple(dropped),
        refused=ranking.refused,
        warnings=(*retrieval.warnings, *ranking.warnings),
        retrieval=retrieval,
        ranking=ranking,
        timings=timings,
    )


def fused_result(
    retrieval: Retrieval, ranking: Ranking, *, stage: str, top_n: int | None, fusion: RankFusion, timings: Mapping[str, float]
) -> PipelineResult:
    """The same in an order that both stages make, cut to `top_n` behind it. `ranking`: all that was judged, or all above a threshold.

    The result's own ranking is in that order too, and holds no more: an answer is written from it.
    """
    judged = judged_result(retrieval, ranking, stage=stage, timings=timings)
    order = fused([hit.ranks[JUDGE] for hit in judged.results], [hit.candidate + 1 for hit in judged.results], fusion)
    hits = [_moved(judged.results[at], place, worth) for place, (at, worth) in enumerate(order, start=1)]
    kept = len(hits) if top_n is None else top_n
    cut = [replace(hit, passage=None, rule=f"top_n={top_n}") for hit in hits[kept:]]
    shown = _shown(ranking, [hit.candidate for hit in hits[:kept]], cut)
    return replace(judged, results=tuple(hits[:kept]), dropped=(*cut, *judged.dropped), ranking=shown)


def _shown(ranking: Ranking, kept: Sequence[int], cut: Sequence[Hit]) -> Ranking:
    """The ranking with these documents alone as its results, in this order."""
    judged = {one.index: one for one in ranking.results}
    left = [_left_out(judged[hit.candidate], hit.rule) for hit in cut]
    return replace(ranking, results=tuple(judged[index] for index in kept), dropped=(*left, *ranking.dropped))


def _left_out(one: Ranked, rule: str) -> Dropped:
    return Dropped(index=one.index, document=one.document, score=one.score, logit=one.logit, rule=rule, judge=one.judge)


def _moved(hit: Hit, place: int, worth: float) -> Hit:
    return replace(hit, rank=place, scores={**hit.scores, FUSION: worth}, ranks={**hit.ranks, FUSION: place})


def unjudged_result(retrieval: Retrieval, *, stage: str, top_n: int | None, timings: Mapping[str, float]) -> PipelineResult:
    """The first stage's list as it is; what lies behind `top_n` is dropped."""
    kept = len(retrieval.candidates) if top_n is None else top_n
    hits = [_unjudged(candidate, at, stage, "" if at < kept else f"top_n={top_n}") for at, candidate in enumerate(retrieval.candidates)]
    return PipelineResult(
        query=retrieval.query,
        results=tuple(hits[:kept]),
        dropped=tuple(hits[kept:]),
        warnings=retrieval.warnings,
        retrieval=retrieval,
        timings=timings,
    )


def _judged_order(ranking: Ranking) -> list[int]:
    """Positions of all that was judged, best first, the kept ones first.

    Kept and dropped are both in the judge's order, and a threshold keeps what is above it; only where two judges shared the work may
    a score among the dropped be above one that was kept, and then the list that the caller sees still counts.
    """
    return [one.index for one in ranking.results] + [one.index for one in ranking.dropped]


def _judged(retrieval: Retrieval, at: int, score: float, stage: str, place: int, *, ranked: Ranked | None = None, rule: str = "") -> Hit:
    candidate = retrieval.candidates[at]
    return Hit(
        rank=place,
        document=candidate.document,
        score=score,
        passage=None if ranked is None else passage_of(candidate.document, ranked.passage, ranked.document),
        scores={**_scores(candidate, stage), JUDGE: score},
        ranks={**_ranks(candidate, stage), JUDGE: place},
        candidate=at,
        rule=rule,
    )


def _unjudged(candidate: Candidate, at: int, stage: str, rule: str) -> Hit:
    text = candidate.document.text
    return Hit(
        rank=at + 1,
        document=candidate.document,
        score=candidate.score,
        passage=None if rule else Passage(text, 0, len(text)),
        scores=_scores(candidate, stage),
        ranks=_ranks(candidate, stage),
        candidate=at,
        rule=rule,
    )


def _scores(candidate: Candidate, stage: str) -> dict[str, float]:
    return {**candidate.scores, stage: candidate.score}


def _ranks(candidate: Candidate, stage: str) -> dict[str, int]:
    return {**candidate.ranks, stage: candidate.rank}

"""The work of one request, as a thread does it: no HTTP, no event loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..engine.documents import accept_pairs
from ..engine.ranking import what_was_not_read
from ..engine.scores import score_type, to_scores
from ..errors import ConfigError
from ..reranker import Reranker
from ..types import Explanation, Ranking, ScoreType, Timings, Usage
from .asks import Ask, PairsAsk
from .cutting import Shortened, put_back, shorten
from .refusing import in_json_words
from .similarity import Similarities

__all__ = ["Judged", "Scored", "judge", "judge_pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of an Ask."""

    ranking: Ranking
    explanations: tuple[Explanation, ...] = ()
    similarities: tuple[float | None, ...] = ()
    warnings: tuple[str, ...] = ()  # about what was asked for; the ranking has its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What came of a PairsAsk."""

    scores: tuple[float, ...]
    score_type: ScoreType
    usage: Usage
    timings: Timings
    warnings: tuple[str, ...] = ()


def judge(reranker: Reranker, ask: Ask, similarities: Similarities) -> Judged:
    """Rank, explain the best, and compare by vectors, as far as it was asked for. Raises what Reranker.rank raises."""
    documents = ask.documents
    shortened: Mapping[int, Shortened] = {}
    if ask.max_tokens_per_doc is not None:
        documents, shortened = shorten(reranker.engine.tokeniser, documents, _positive(ask.max_tokens_per_doc))
    ranking = reranker.rank(
        ask.query,
        documents,
        top_n=ask.top_n,
        threshold=ask.threshold,
        normalize=ask.normalize,
        windows=replace(reranker.engine.windows, **ask.windows) if ask.windows else None,
        budget_ms=None if reranker.cascade is None else ask.budget_ms,
    )
    explanations = tuple(ranking.explain(i) for i in range(min(ask.explain, len(ranking))))
    if ask.max_tokens_per_doc is not None:
        ranking = put_back(ranking, shortened, ask.max_tokens_per_doc)
    ranking = in_json_words(ranking, ask.documents)
    return Judged(
        ranking=ranking,
        explanations=explanations,
        similarities=similarities.of(ask.query, ask.documents) if ask.similarity else (),
        warnings=_without_effect(reranker, ask),
    )


def judge_pairs(reranker: Reranker, ask: PairsAsk) -> Scored:
    """Scores as Reranker.score() gives them, with an account of what they took. Raises what it raises."""
    pairs = accept_pairs(list(ask.pairs))
    model = reranker.model
    judgement = reranker.engine.judge(pairs)
    verdicts = judgement.verdicts
    logits = np.array([verdict.logit for verdict in verdicts], np.float32)
    return Scored(
        scores=tuple(float(score) for score in to_scores(logits, model.calibration, normalize=ask.normalize)),
        score_type=score_type(model.spec.head, model.config, model.calibration, normalize=ask.normalize),
        usage=Usage(
            documents=len(verdicts),
            pairs=sum(verdict.windows for verdict in verdicts),
            tokens=sum(verdict.pair_tokens for verdict in verdicts),
            padded_tokens=sum(verdict.padded_tokens for verdict in verdicts),
            batches=judgement.batches,
            truncated=sum(verdict.tokens_unseen > 0 for verdict in verdicts),
            computed=sum(verdict.computed for verdict in verdicts),
        ),
        timings=judgement.timings,
        warnings=tuple(what_was_not_read(verdicts)),
    )


def _without_effect(reranker: Reranker, ask: Ask) -> tuple[str, ...]:
    if ask.budget_ms is None or reranker.cascade is not None:
        return ()
    return ("budget_ms has no effect: this model has no first judge, whose word would stand where time runs out (adjudge serve --first)",)


def _positive(most: int) -> int:
    if most < 1:
        raise ConfigError(f"max_tokens_per_doc must be 1 or more, not {most}")
    return most

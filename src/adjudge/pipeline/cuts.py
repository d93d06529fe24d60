"""Which cut-off on the judge's score keeps the right documents: F1 of what is kept, question by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..engine.thresholds import Threshold, bind_threshold, parse_threshold
from .fusing import RankFusion
from .judged import Question

if TYPE_CHECKING:
    from .pipeline import Pipeline

__all__ = ["Cuts", "f1"]

_GRID = 200  # cut-offs that are tried: quantiles of the scores that could be kept


@dataclass(frozen=True, slots=True)
class Cuts:
    """F1 of every question at every cut-off."""

    grid: NDArray[np.float64]  # (cuts,) rising
    table: NDArray[np.float64]  # (cuts, questions)
    present: NDArray[np.float64]  # (questions,) with the pipeline's own threshold, or none

    @classmethod
    def of(cls, questions: Sequence[Question], stage: int, candidates: int, fusion: RankFusion | None, pipeline: Pipeline) -> Cuts:
        """Of the documents that a pipeline with this first stage, so many candidates and this fusion would give."""
        top_n, judge = pipeline.config.top_n, pipeline.reranker
        given = parse_threshold(pipeline.config.threshold)
        threshold = None if judge is None else bind_threshold(given, judge.model.calibration)
        kept = [_kept(question, stage, candidates, fusion) for question in questions]
        every = np.concatenate([scores[:top_n] for scores, _ in kept]) if kept else np.empty(0)
        quantiles = np.quantile(every, np.linspace(0, 1, _GRID)) if len(every) else np.zeros(1)
        grid = np.unique(np.append(np.floor(quantiles * 1e4) / 1e4, 1.0))  # rounded down, so that the score itself is kept
        wanted = [_wanted(question, top_n) for question in questions]
        table = np.array([[f1(s, r, w, float(cut), top_n) for (s, r), w in zip(kept, wanted, strict=True)] for cut in grid])
        own = [_lowest(threshold, scores) for scores, _ in kept]
        present = np.array([f1(s, r, w, cut, top_n) for (s, r), w, cut in zip(kept, wanted, own, strict=True)])
        return cls(grid, table, present)

    def best(self, questions: NDArray[np.int64]) -> float:
        """The cut-off with the best mean on these questions; of equal ones the lowest, which keeps most."""
        return float(self.grid[int(np.argmax(self.table[:, questions].mean(axis=1)))])

    def values(self, cut: float) -> NDArray[np.float64]:
        """(questions,) F1 at a cut-off of the grid."""
        found: NDArray[np.float64] = self.table[int(np.searchsorted(self.grid, cut))]
        return found


def f1(scores: NDArray[np.float64], right: NDArray[np.bool_], wanted: int, cut: float, top_n: int | None = None) -> float:
    """F1 of the first `top_n` that score at least `cut`; `wanted` documents could be right. Where none could, keeping nothing is 1, else 0.

    `scores` and `right` (documents,) in the order in which they are shown, which is not that of the scores where two orders are joined.
    """
    kept = np.flatnonzero(scores >= cut)[:top_n]
    if wanted == 0:
        return float(len(kept) == 0)
    return 2 * int(right[kept].sum()) / (len(kept) + wanted)


def _kept(question: Question, stage: int, candidates: int, fusion: RankFusion | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(scores, whether relevant) in the order in which they would be shown."""
    positions = question.ranked(stage, candidates, rerank=True, fusion=fusion)
    return question.scores[positions], np.array([question.keys[at] in question.relevant for at in positions], np.bool_)


def _wanted(question: Question, top_n: int | None) -> int:
    """Relevant documents that can be shown."""
    return len(question.relevant) if top_n is None else min(len(question.relevant), top_n)


def _lowest(threshold: Threshold | None, scores: NDArray[np.float64]) -> float:
    return -np.inf if threshold is None or not len(scores) else threshold.cut(sorted(scores.tolist(), reverse=True))

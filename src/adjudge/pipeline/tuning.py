"""What tuning found: the settings to use, everything that was tried, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .fusing import RankFusion

if TYPE_CHECKING:
    from .pipeline import Pipeline

__all__ = ["Comparison", "Trial", "Tuning", "compare"]

_BLOCK = 1000  # resamples drawn at once, so that memory does not grow with their number


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two settings on the same questions, and how sure their difference is: a paired bootstrap over the questions.

    Efron and Tibshirani, An introduction to the bootstrap, 1993; for retrieval: Sakai, Evaluating evaluation metrics based on the
    bootstrap, SIGIR 2006.
    """

    measure: str
    queries: int
    before: float  # mean with the settings that were
    after: float  # mean with the settings that were picked
    low: float  # of the difference, after less before: 95 resamples in 100 lie between low and high
    high: float
    better: float  # share of resamples with a difference above 0, one of exactly 0 counting half

    @property
    def difference(self) -> float:
        """after less before."""
        return self.after - self.before

    @property
    def sure(self) -> bool:
        """Whether 0, no difference, lies outside low to high."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """One line."""
        change = f"{self.measure} {self.before:.3f} -> {self.after:.3f}, {self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        verdict = "sure" if self.sure else "not sure"
        return f"{change}, better in {self.better:.0%} of resamples of {self.queries} questions: {verdict}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting that was tried on all questions."""

    retriever: str
    candidates: int  # documents that are judged; of a trial without a judge, documents that are found
    rerank: bool
    mean: float
    pairs: float  # judged for a question, on average: what it costs
    fusion: RankFusion | None = None  # with the first stage's order; None: in the judge's alone
    current: bool = False  # the pipeline as it was
    picked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A pipeline with the settings that were picked, and what speaks for them."""

    pipeline: Pipeline
    trials: tuple[Trial, ...]  # the best first
    ranking: Comparison  # of the order, on questions that the choice had not seen
    threshold: Comparison | None  # of what is kept, on questions that the cut had not seen; None where nothing was judged
    agreement: float  # share of the folds that picked the setting that was picked on all questions
    recall: float  # of the relevant documents, the share that the picked first stage finds at all: no judge can do better
    recall_at: int
    queries: int  # with a relevant document
    unanswerable: int  # without one
    notes: tuple[str, ...] = ()
    milliseconds: float = 0.0

    def lines(self, most: int = 10) -> Iterator[str]:
        """A report for people: the best `most` trials, then what is sure."""
        yield f"{self.ranking.measure:>10}  {'pairs':>7}  trial"
        shown = [trial for at, trial in enumerate(self.trials) if at < most or trial.current or trial.picked]
        for trial in shown:
            marks = [name for name, said in (("now", trial.current), ("picked", trial.picked)) if said]
            joined = "" if trial.fusion is None else f", fusion {trial.fusion}"
            judged = f"{trial.candidates} candidates, judged{joined}" if trial.rerank else "not judged"
            marked = f"  <- {', '.join(marks)}" if marks else ""
            yield f"{trial.mean:>10.3f}  {trial.pairs:>7.1f}  {trial.retriever}, {judged}{marked}"
        if len(shown) < len(self.trials):
            yield f"({len(self.trials) - len(shown)} more trials)"
        yield f"first stage: R@{self.recall_at} {self.recall:.3f}, the most that judging can reach"
        yield f"order: {self.ranking}"
        yield f"{self.agreement:.0%} of the folds picked the same setting"
        if self.threshold is not None:
            yield f"threshold {self.pipeline.config.threshold}: {self.threshold}"
        yield from self.notes


def compare(measure: str, before: NDArray[np.float64], after: NDArray[np.float64], *, resamples: int, seed: int) -> Comparison:
    """Compare two settings by their values on the same questions, (questions,) each."""
    differences = after - before
    random = np.random.default_rng(seed)
    means = np.concatenate(
        [
            differences[random.integers(0, len(differences), (min(_BLOCK, resamples - done), len(differences)))].mean(axis=1)
            for done in range(0, resamples, _BLOCK)
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return Comparison(
        measure=measure,
        queries=len(differences),
        before=float(before.mean()),
        after=float(after.mean()),
        low=float(low),
        high=float(high),
        better=float((means > 0).mean() + (means == 0).mean() / 2),
    )

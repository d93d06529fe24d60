"""Pipeline.tune: which settings serve the caller's own questions, by cross-validation, and how sure that is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..engine.thresholds import Threshold
from ..errors import ConfigError, InputError
from ..measures import check_grades
from ..retrieval.base import Retriever
from .config import whole
from .cuts import Cuts
from .fusing import RankFusion, parse_fusion
from .judged import Question, collect
from .measuring import check_measure, measured
from .stages import FirstStage, first_stages
from .tuning import Comparison, Trial, Tuning, compare

if TYPE_CHECKING:
    from .pipeline import Pipeline

__all__ = ["Setting", "TuneConfig", "choose", "tune"]

LEAST = 10
"""Questions with an answer: below that, no choice between settings is better than a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneConfig:
    """What is tried, and how carefully."""

    measure: str | None = None  # of ir_measures; None: nDCG@10, with the pipeline's top_n in the place of the 10
    candidates: tuple[int, ...] = (10, 20, 50, 100, 200)  # how many documents are judged; the pipeline's own number is tried too
    retrievers: tuple[Retriever, ...] = ()  # first stages beside the pipeline's own: a hybrid with other weights, BM25 alone
    weights: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the first part of a hybrid of two; each part is tried alone as well
    fusions: tuple[float, ...] = (0.25, 0.5, 1.0)  # weights of the first stage's order; the judge's alone is tried anyway
    by: str | None = None  # metadata that qrels name documents by ("source", where files were judged); None: the document's id
    queries: int | None = 300  # at most so many questions, drawn by their hash; None: all
    folds: int = 5
    resamples: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("folds", 2), ("resamples", 100), ("seed", 0)):
            whole(name, getattr(self, name), least=least)
        if self.queries is not None:
            whole("queries", self.queries, least=LEAST)
        for count in self.candidates:
            whole("candidates", count, least=1)
        for weight in self.weights:
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1:
                raise ConfigError(f"weights must lie between 0 and 1, not {weight!r}; the ends, each part alone, are tried anyway")
        for fusion in self.fusions:
            parse_fusion(fusion)


@dataclass(frozen=True, slots=True)
class Setting:
    """One combination that can be chosen."""

    stage: int  # position among the first stages; 0 is the pipeline's own
    candidates: int
    rerank: bool
    fusion: RankFusion | None = None


def tune(
    pipeline: Pipeline, queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], config: TuneConfig, *, progress: bool
) -> Tuning:
    """See Pipeline.tune."""
    began = time.perf_counter()
    measure = _measure_name(pipeline, config)
    checked = check_measure(measure)
    depth = max(pipeline.config.candidates, *config.candidates)
    stages = first_stages(pipeline.retriever, config.retrievers, config.weights, depth)
    settings = _settings(pipeline, config, len(stages))
    asked = _asked(queries, qrels, config.queries)
    asking = [stage.retriever for stage in stages]
    questions = collect(asking, pipeline.reranker, pipeline.config, asked, depth=depth, by=config.by, progress=progress)
    answerable = [question for question in questions if question.relevant]
    values = np.stack([measured(checked, answerable, [_keys(q, s) for q in answerable]) for s in settings])
    folds = _folds([question.id for question in answerable], config)
    costs = _costs(settings, all_answerable=len(answerable) == len(questions))
    chosen = [choose(np.delete(values, fold, axis=1), costs) for fold in folds]
    held_out = np.empty(len(answerable))
    for fold, at in zip(folds, chosen, strict=True):
        held_out[fold] = values[at, fold]
    ranking = compare(measure, values[0], held_out, resamples=config.resamples, seed=config.seed)
    best = choose(values, costs)
    picked, notes = _settle(best, ranking, costs)
    cut, threshold, said = _threshold(pipeline, questions, settings[picked], config)
    return Tuning(
        pipeline=_tuned(pipeline, stages, settings[picked], cut),
        trials=_trials(settings, values, stages, answerable, picked),
        ranking=ranking,
        threshold=threshold,
        agreement=sum(at == best for at in chosen) / len(chosen),
        recall=_recall(answerable, settings[picked].stage),
        recall_at=depth,
        queries=len(answerable),
        unanswerable=len(questions) - len(answerable),
        notes=(*notes, *said),
        milliseconds=(time.perf_counter() - began) * 1e3,
    )


def choose(values: NDArray[np.float64], costs: Sequence[int]) -> int:
    """The cheapest row that is as good as the best, up to one standard error of their paired difference; of equally cheap ones the best.

    `values`: (settings, questions). The rule is that of Breiman, Friedman, Olshen and Stone, Classification and regression trees, 1984.
    """
    means = values.mean(axis=1)
    differences = values - values[int(np.argmax(means))]
    questions = values.shape[1]
    errors = differences.std(axis=1, ddof=1) / np.sqrt(questions) if questions > 1 else np.zeros(len(values))
    good = np.flatnonzero(differences.mean(axis=1) >= -errors)
    return min((int(at) for at in good), key=lambda at: (costs[at], -means[at], at))


def _costs(settings: Sequence[Setting], *, all_answerable: bool) -> list[int]:
    """Pairs judged for a question at most.

    Where some questions have no answer, doing without a judge is the dearest of all: only the judge can tell that nothing answers.
    """
    dearest = 1 + max(setting.candidates for setting in settings)
    return [(setting.candidates if setting.rerank else 0 if all_answerable else dearest) for setting in settings]


def _settings(pipeline: Pipeline, config: TuneConfig, stages: int) -> list[Setting]:
    """All combinations, the pipeline as it is first."""
    own = pipeline.config.candidates
    depths = sorted({own, *config.candidates})
    present = parse_fusion(pipeline.config.fusion)
    current = Setting(0, own if pipeline.reranker is not None else depths[-1], pipeline.reranker is not None, present)
    found = [Setting(stage, depths[-1], False) for stage in range(stages)]
    if pipeline.reranker is not None:
        fusions = dict.fromkeys([None, present, *map(parse_fusion, config.fusions)])
        found += [Setting(stage, depth, True, fusion) for stage in range(stages) for depth in depths for fusion in fusions]
    return [current, *(setting for setting in found if setting != current)]


def _asked(
    queries: Mapping[str, str], qrels: Mapping[str, Mapping[str, int]], most: int | None
) -> list[tuple[str, str, Mapping[str, int]]]:
    """(id, text, grades) of the drawn questions."""
    unknown = [identity for identity in qrels if identity not in queries]
    if unknown:
        raise InputError(f"qrels judge {len(unknown)} questions that queries does not hold (the first: {unknown[0]!r})")
    judged = [identity for identity in queries if identity in qrels]
    drawn = set(sorted(judged, key=_place)[:most])
    asked = [(identity, queries[identity], qrels[identity]) for identity in judged if identity in drawn]
    check_grades({identity: grades for identity, _, grades in asked})
    answerable = sum(any(grade > 0 for grade in grades.values()) for _, _, grades in asked)
    if answerable < LEAST:
        raise InputError(f"tuning needs {LEAST} questions with a relevant document at least, not {answerable}; some hundred are better")
    return asked


def _place(identity: str) -> bytes:
    """Where a question stands in every draw: the same on every machine, whatever the others are."""
    return hashlib.sha256(f"tune{identity}".encode("utf-8", "surrogatepass")).digest()


def _folds(identities: Sequence[str], config: TuneConfig) -> list[NDArray[np.int64]]:
    order = np.random.default_rng(config.seed).permutation(len(identities))
    return [np.sort(part) for part in np.array_split(order, min(config.folds, len(identities)))]


def _measure_name(pipeline: Pipeline, config: TuneConfig) -> str:
    if config.measure is not None:
        return config.measure
    return f"nDCG@{pipeline.config.top_n if pipeline.config.top_n else 10}"


def _keys(question: Question, setting: Setting) -> list[str]:
    return [question.keys[at] for at in question.ranked(setting.stage, setting.candidates, rerank=setting.rerank, fusion=setting.fusion)]


def _settle(best: int, ranking: Comparison, costs: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    """What to use: the present setting (0), unless the best one is surely better, or costs less."""
    if best == 0:
        return 0, ("the present setting is the one to keep: nothing that was tried is better, or as good and cheaper",)
    worse, better = ranking.sure and ranking.difference < 0, ranking.sure and ranking.difference > 0
    if better or (costs[best] < costs[0] and not worse):
        return best, ()
    return 0, (
        "another setting is better on these questions, but that may be chance, so the present one is kept; more questions would tell",
    )


def _threshold(
    pipeline: Pipeline, questions: Sequence[Question], setting: Setting, config: TuneConfig
) -> tuple[float | Threshold | str | None, Comparison | None, tuple[str, ...]]:
    """(threshold to use, how sure, notes)."""
    present = pipeline.config.threshold
    if pipeline.reranker is None or not setting.rerank:
        return None, None, ()
    cuts = Cuts.of(questions, setting.stage, setting.candidates, setting.fusion, pipeline)
    folds = _folds([question.id for question in questions], config)
    held_out = np.empty(len(questions))
    for fold in folds:
        held_out[fold] = cuts.values(cuts.best(np.delete(np.arange(len(questions)), fold)))[fold]
    name = f"F1@{pipeline.config.top_n}" if pipeline.config.top_n else "F1"
    found = compare(name, cuts.present, held_out, resamples=config.resamples, seed=config.seed)
    if found.sure and found.difference > 0:
        return cuts.best(np.arange(len(questions))), found, ()
    kept = "none" if present is None else f"the present one, {present}"
    return present, found, (f"no threshold is surely better than {kept}, so that stays",)


def _tuned(pipeline: Pipeline, stages: Sequence[FirstStage], setting: Setting, threshold: float | Threshold | str | None) -> Pipeline:
    from .pipeline import Pipeline

    own = pipeline.config
    if not setting.rerank:
        return Pipeline(stages[setting.stage].chosen(), None, candidates=own.candidates, top_n=own.top_n)
    return Pipeline(
        stages[setting.stage].chosen(),
        pipeline.reranker,
        candidates=setting.candidates,
        top_n=own.top_n,
        threshold=threshold,
        headings=own.headings,
        windows=own.windows,
        budget_ms=own.budget_ms,
        fusion=setting.fusion,
    )


def _trials(
    settings: Sequence[Setting], values: NDArray[np.float64], stages: Sequence[FirstStage], questions: Sequence[Question], picked: int
) -> tuple[Trial, ...]:
    trials = [
        Trial(
            retriever=stages[setting.stage].label,
            candidates=setting.candidates,
            rerank=setting.rerank,
            fusion=setting.fusion,
            mean=float(values[at].mean()),
            pairs=float(np.mean([min(len(q.found[setting.stage]), setting.candidates if setting.rerank else 0) for q in questions])),
            current=at == 0,
            picked=at == picked,
        )
        for at, setting in enumerate(settings)
    ]
    return tuple(sorted(trials, key=lambda trial: (-trial.mean, trial.pairs)))


def _recall(questions: Sequence[Question], stage: int) -> float:
    shares = [len({q.keys[at] for at in q.found[stage]} & set(q.relevant)) / len(q.relevant) for q in questions]
    return float(np.mean(shares))

"""Pipeline: a first stage that finds many, a judge that keeps the few that answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from ..config import WindowConfig
from ..engine.calls import on_a_thread
from ..engine.documents import accept_query
from ..engine.thresholds import Threshold, parse_threshold
from ..errors import ConfigError
from ..retrieval.base import Retrieval, Retriever, Where
from .config import PipelineConfig
from .fusing import RankFusion, parse_fusion
from .reading import read_as
from .result import FUSION, JUDGE, PipelineResult, fused_result, judged_result, unjudged_result

if TYPE_CHECKING:
    from ..reranker import RankArguments, Reranker
    from .tune import TuneConfig
    from .tuning import Tuning

__all__ = ["Pipeline", "PipelineOptions"]


class PipelineOptions(TypedDict, total=False):
    """Keyword arguments of Pipeline(); the fields of PipelineConfig."""

    candidates: int
    top_n: int | None
    threshold: float | str | Threshold | None
    headings: bool
    windows: WindowConfig | None
    budget_ms: float | None
    fusion: float | RankFusion | None


class Pipeline:
    """Finds `candidates` documents by `retriever`, judges them by `reranker`, keeps the best `top_n` of those above `threshold`.

    Safe to share between threads. It holds nothing of its own: what was handed in is its owner's to close, and may serve other
    pipelines too. Recall first, precision second (Nogueira and Cho, "Passage re-ranking with BERT", 2019).
    """

    def __init__(self, retriever: Retriever, reranker: Reranker | None, **options: Unpack[PipelineOptions]) -> None:
        """`reranker` None: the first stage alone, for comparison. `options`: see PipelineConfig; candidates=100, top_n=5, no threshold.

        Raises ConfigError for what is no retriever, for one named as a later stage is ("judge"; "fusion", where that is asked for), for a
        setting out of range, and for a threshold without a judge.
        """
        if not isinstance(retriever, Retriever):
            wanted = "name, retrieve() and close(), as adjudge.retrieval.base.Retriever has them"
            raise ConfigError(f"retriever must be something with {wanted}, not {retriever!r}")
        self.retriever = retriever
        self.reranker = reranker
        self.config = _config(PipelineConfig(), options)
        _check(self.config, stage=retriever.name, judge=reranker is not None)

    def search(
        self, query: str, *, where: Where | None = None, progress: bool = False, **changes: Unpack[PipelineOptions]
    ) -> PipelineResult:
        """The results for `query`, best first.

        `where`: conditions on metadata, {"lang": "en", "year": {">=": 2020}}. `progress`: a bar on standard error while judging.
        `changes`: settings for this search alone, as in Pipeline(). Raises InputError for a query that is no text or a filter that the
        retriever cannot apply, ConfigError for a setting, and what retriever and reranker raise.
        """
        began = time.perf_counter()
        config = _config(self.config, changes)
        _check(config, stage=self.retriever.name, judge=self.reranker is not None)
        retrieval = _retrieve(self.retriever, accept_query(query), config.candidates, where)
        found = time.perf_counter()
        timings = {**retrieval.timings, "retrieve": (found - began) * 1e3}
        stage = self.retriever.name
        if self.reranker is None:
            return unjudged_result(retrieval, stage=stage, top_n=config.top_n, timings={**timings, "total": timings["retrieve"]})
        documents = [read_as(candidate.document, headings=config.headings) for candidate in retrieval.candidates]
        ranking = self.reranker.rank(query, documents, **_rank_arguments(config, progress=progress))
        done = time.perf_counter()
        timings |= {JUDGE: (done - found) * 1e3, "total": (done - began) * 1e3}
        fusion = parse_fusion(config.fusion)
        if fusion is None:
            return judged_result(retrieval, ranking, stage=stage, timings=timings)
        return fused_result(retrieval, ranking, stage=stage, top_n=config.top_n, fusion=fusion, timings=timings)

    async def asearch(self, query: str, *, where: Where | None = None, **changes: Unpack[PipelineOptions]) -> PipelineResult:
        """search() on a thread, so that the event loop goes on. Where the task is cancelled, what is not computed yet is dropped."""
        return await on_a_thread(self.search, query, where=where, **changes)

    def tune(
        self,
        queries: Mapping[str, str],
        qrels: Mapping[str, Mapping[str, int]],
        config: TuneConfig | None = None,
        *,
        progress: bool = False,
    ) -> Tuning:
        """The settings that serve these questions best, and how sure that is (docs/pipeline.md). This pipeline stays as it is.

        `queries`: {id: text}. `qrels`: {query id: {document id: grade}}, grades above 0 being relevant; a query whose qrels hold no
        relevant document counts as one that has no answer. Raises InputError where they do not fit each other or the documents.
        """
        from .tune import TuneConfig, tune

        return tune(self, queries, qrels, TuneConfig() if config is None else config, progress=progress)

    def __repr__(self) -> str:
        changed = (f"{f.name}={getattr(self.config, f.name)!s}" for f in fields(PipelineConfig) if getattr(self.config, f.name) is not None)
        return f"Pipeline({self.retriever.name!r}, {self.reranker!r}, {', '.join(changed)})"


def _retrieve(retriever: Retriever, query: str, candidates: int, where: Where | None) -> Retrieval:
    retrieval = retriever.retrieve(query, candidates, where=where)
    surplus = len(retrieval.candidates) - candidates
    if surplus <= 0:
        return retrieval
    note = f"{retriever.name} brought {surplus} more than the {candidates} candidates that were asked for; they were left out"
    return replace(retrieval, candidates=retrieval.candidates[:candidates], warnings=(*retrieval.warnings, note))


def _rank_arguments(config: PipelineConfig, *, progress: bool) -> RankArguments:
    top_n = config.top_n if config.fusion is None else None  # what is cut off is known only once both orders are joined
    given: RankArguments = {"top_n": top_n, "threshold": config.threshold, "windows": config.windows, "progress": progress}
    return given if config.budget_ms is None else {**given, "budget_ms": config.budget_ms}


def _config(config: PipelineConfig, changes: PipelineOptions) -> PipelineConfig:
    known = [f.name for f in fields(PipelineConfig)]
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise ConfigError(f"a pipeline has no option {', '.join(unknown)}; it knows {', '.join(known)}")
    return replace(config, **changes)


def _check(config: PipelineConfig, *, stage: str, judge: bool) -> None:
    if judge:
        taken = (JUDGE,) if config.fusion is None else (JUDGE, FUSION)
        if stage in taken:
            raise ConfigError(
                f"the first stage is called {stage!r}, as a later one is; give it another name, so that hit.scores holds both"
            )
        return
    threshold = parse_threshold(config.threshold)
    if threshold is not None:
        why = "scores of a first stage are no probabilities"
        raise ConfigError(f"the threshold {threshold} needs a judge: {why}. Give a reranker, or no threshold")
    if config.budget_ms is not None or config.windows is not None or config.fusion is not None:
        raise ConfigError("budget_ms, windows and fusion are for judging, and there is no reranker; leave them out")

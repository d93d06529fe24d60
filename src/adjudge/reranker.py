"""Reranker: the class most users meet."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict, TypeVar, Unpack

import numpy as np

from .backends.base import Backend, Traits
from .backends.loader import open_backend
from .config import BackendConfig, BatchConfig, CascadeConfig, EngineConfig, Options, SourceConfig, WindowConfig
from .engine.cache import ScoreCache, open_cache
from .engine.calls import on_a_thread
from .engine.cascade import Cascade
from .engine.documents import Accepted, accept_documents, accept_pairs, accept_query
from .engine.engine import Engine, Judgement, usable_length
from .engine.explain import MOST_SENTENCES, Explainer
from .engine.ranking import RankOptions, build_ranking, what_was_not_read
from .engine.scores import to_scores
from .engine.thresholds import Threshold, bind_threshold, parse_threshold
from .engine.tokenise import Tokeniser
from .engine.verdicts import Verdict
from .errors import ConfigError, InputError
from .models.load import load_model
from .models.model import Model
from .progress import show_progress
from .types import DocumentLike, Explanation, Ranking

__all__ = ["RankArguments", "Reranker", "engine_config"]

logger = logging.getLogger("adjudge")

T = TypeVar("T")


class RankArguments(TypedDict, total=False):
    """Keyword arguments of rank(), for its siblings; each means what it means there."""

    top_n: int | None
    threshold: float | str | Threshold | None
    normalize: bool
    windows: WindowConfig | None
    progress: bool
    budget_ms: float | None


class Reranker:
    """A judge: reads query and passage together and says how well the passage answers.

    Safe to share between threads. Use it as a context manager, or call close(), to free the model.
    """

    def __init__(self, model: str | Path = "embedded", **options: Unpack[Options]) -> None:
        """Load `model`: "embedded" (shipped, no download), a hub id, or a folder. `options`: see config.Options.

        With `first`, another model judges every document before, and `model` reads only the best `keep` of each query, or as many as
        `budget_ms` allows (docs/cascade.md). With `cache`, what was judged once is remembered (docs/cache.md). Raises ModelError, HubError,
        BackendError or ConfigError, each saying what to do.
        """
        began = time.perf_counter()
        config = engine_config(options)
        wanted = options.get("cache")
        with ExitStack() as on_failure:
            self._cache = open_cache(wanted)  # type: ignore[arg-type]  # anything else is a ConfigError
            self._owned = None if self._cache is wanted else self._cache  # a cache that was handed in is its owner's to close
            if self._owned is not None:
                on_failure.callback(self._owned.close)
            self._cascade = None if config.cascade is None else _open_cascade(model, config.cascade, config, self._cache)
            self._engine = (
                _open_engine(load_model(model, config.source), config, self._cache) if self._cascade is None else self._cascade.strong
            )
            on_failure.pop_all()
        self.load_ms = (time.perf_counter() - began) * 1e3
        logger.info("loaded %r in %.0f ms", self, self.load_ms)

    @property
    def model(self) -> Model:
        """What was loaded."""
        return self._engine.model

    @property
    def traits(self) -> Traits:
        """What runs it: backend, device, precision, and what was decided for you."""
        return self._engine.backend.traits

    @property
    def engine(self) -> Engine:
        """What turns pairs into numbers, for those who build on it."""
        return self._engine

    @property
    def cascade(self) -> Cascade | None:
        """The two judges that share the work of rank(), where a `first` one was asked for."""
        return self._cascade

    @property
    def cache(self) -> ScoreCache | None:
        """What remembers scores, where one was asked for; statistics() of it tells the hit rate."""
        return self._cache

    @property
    def backend(self) -> Backend:
        """The loaded backend."""
        return self._engine.backend

    @property
    def max_length(self) -> int:
        """Tokens a pair, query and special tokens included."""
        return self._engine.max_length

    def score(self, pairs: Iterable[tuple[str, str]], *, normalize: bool = True, progress: bool = False) -> list[float]:
        """One score for each (query, passage), in their order.

        `normalize`: True for probabilities in 0..1 (calibrated where the model is), False for raw logits. Passages longer than
        the model are judged in windows, so nothing is cut; an empty passage is judged as the model sees it. What could not be read
        (the end of a query that is too long) is logged as a warning. A `first` judge takes no part: loose pairs have no best ones.
        """
        checked = accept_pairs(pairs)
        judgement = self._judge(checked, windows=None, progress=progress)
        for warning in what_was_not_read(judgement.verdicts):
            logger.warning("score: %s", warning)
        logits = np.array([v.logit for v in judgement.verdicts], np.float32)
        return [float(s) for s in to_scores(logits, self.model.calibration, normalize=normalize)]

    def rank(
        self,
        query: str,
        documents: Iterable[DocumentLike],
        *,
        top_n: int | None = None,
        threshold: float | str | Threshold | None = None,
        normalize: bool = True,
        windows: WindowConfig | None = None,
        progress: bool = False,
        budget_ms: float | None = None,
    ) -> Ranking:
        """The documents, best first.

        `top_n`: how many to keep (None: all, 0: none). `threshold`: 0.3, "relative:0.3", "dynamic" or a Threshold; what falls
        below is in `dropped`. `windows`: how long documents are judged, instead of the reranker's own setting. Documents that
        hold no text are in `refused`; they never fail the others. `budget_ms`: with a `first` judge, the milliseconds that the call
        may take, instead of the reranker's own; what was not read in time keeps the first one's score, and `warnings` says so.
        """
        options = RankArguments(
            top_n=top_n, threshold=threshold, normalize=normalize, windows=windows, progress=progress, budget_ms=budget_ms
        )
        return self._rank([(accept_query(query), accept_documents(documents))], options)[0]

    def rank_many(
        self,
        queries: Iterable[str],
        documents: Iterable[Iterable[DocumentLike]],
        *,
        top_n: int | None = None,
        threshold: float | str | Threshold | None = None,
        normalize: bool = True,
        windows: WindowConfig | None = None,
        progress: bool = False,
        budget_ms: float | None = None,
    ) -> list[Ranking]:
        """rank() for several queries, documents[i] for queries[i], computed in shared batches. Scores are those of rank()."""
        options = RankArguments(
            top_n=top_n, threshold=threshold, normalize=normalize, windows=windows, progress=progress, budget_ms=budget_ms
        )
        asked = [accept_query(q) for q in _listed("queries", queries)]
        given = [accept_documents(d) for d in _listed("documents", documents)]
        if len(asked) != len(given):
            raise InputError(f"rank_many needs one list of documents for each query, not {len(given)} for {len(asked)} queries")
        return self._rank(list(zip(asked, given, strict=True)), options)

    def explain(self, query: str, document: DocumentLike, *, most: int = MOST_SENTENCES, normalize: bool = True) -> Explanation:
        """Which sentences carried the document's score: its passage is judged again with each of them left out (docs/explain.md).

        A long document is judged in windows first, and its passage is the window that decided. Where the passage has more than `most`
        sentences, neighbours are left out together, so it is judged `most` + 1 times at the most. `normalize`: as in score(). To explain
        what rank() found, Ranking.explain() spares the first step. Raises InputError for a document that holds no text.
        """
        began = time.perf_counter()
        explainer = Explainer(self._engine, normalize=normalize, most=most)
        accepted = accept_documents([document])
        if accepted.refused:
            raise InputError(accepted.refused[0].message)
        judgement = self._engine.judge([(accept_query(query), accepted.documents[0][1].text)])
        options = RankOptions(top_n=None, threshold=None, normalize=normalize)
        ranking = build_ranking(query, accepted, judgement.verdicts, judgement, self.model, options)
        found = explainer(query, ranking[0])
        return replace(found, pairs=found.pairs + ranking.usage.pairs, milliseconds=(time.perf_counter() - began) * 1e3)

    async def ascore(self, pairs: Iterable[tuple[str, str]], *, normalize: bool = True) -> list[float]:
        """score() on a thread, so that the event loop goes on."""
        return await on_a_thread(self.score, pairs, normalize=normalize)

    async def arank(self, query: str, documents: Iterable[DocumentLike], **options: Unpack[RankArguments]) -> Ranking:
        """rank() on a thread, so that the event loop goes on."""
        return await on_a_thread(self.rank, query, documents, **options)

    async def arank_many(
        self, queries: Iterable[str], documents: Iterable[Iterable[DocumentLike]], **options: Unpack[RankArguments]
    ) -> list[Ranking]:
        """rank_many() on a thread, so that the event loop goes on."""
        return await on_a_thread(self.rank_many, queries, documents, **options)

    def warm_up(self) -> float:
        """Judge one short and one full-length pair, so that the first request does not pay for set-up. Returns milliseconds.

        With a `first` judge, both are warmed up, and what the strong one costs is measured, so that the first budget needs not.
        """
        began = time.perf_counter()
        for engine in [self._engine] if self._cascade is None else [self._cascade.first, self._engine]:
            pairs = [("warm up", "warm up"), ("warm up", "up " * engine.max_length)]
            engine.judge(pairs, windows=WindowConfig(mode="truncate"))
        if self._cascade is not None:
            self._cascade.measure()
        return (time.perf_counter() - began) * 1e3

    def close(self) -> None:
        """Free the model. Batches that are being computed finish; a call that has more to do, and every later one, raises ClosedError.

        Safe to call twice.
        """
        (self._engine if self._cascade is None else self._cascade).close()
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        t = self.traits
        runs = f"backend={t.backend!r}, device={t.device!r}, precision={t.precision!r}"
        first = "" if self._cascade is None else f", first={self._cascade.first.model.name!r}"
        return f"Reranker({self.model.name!r}, {runs}, max_length={self.max_length}{first})"

    def _rank(self, requests: list[tuple[str, Accepted]], options: RankArguments) -> list[Ranking]:
        checked = RankOptions(
            top_n=options.get("top_n"),
            threshold=parse_threshold(options.get("threshold")),
            normalize=options.get("normalize", True),
        )
        others = () if self._cascade is None else (self._cascade.first,)
        explainer = Explainer(self._engine, normalize=checked.normalize, others=others)
        return [replace(ranking, explainer=explainer) for ranking in self._rankings(requests, checked, options)]

    def _rankings(self, requests: list[tuple[str, Accepted]], checked: RankOptions, options: RankArguments) -> list[Ranking]:
        if self._cascade is not None:
            return _rank_in_two(self._cascade, requests, checked, options)
        if options.get("budget_ms") is not None:
            raise ConfigError('budget_ms needs a first judge, whose word stands where time runs out: Reranker(MODEL, first="embedded")')
        checked = replace(checked, threshold=bind_threshold(checked.threshold, self.model.calibration))
        pairs = [(query, document.text) for query, accepted in requests for _, document in accepted.documents]
        judgement = self._judge(pairs, windows=options.get("windows"), progress=options.get("progress", False))
        rankings, at = [], 0
        for query, accepted in requests:
            verdicts: tuple[Verdict, ...] = judgement.verdicts[at : at + len(accepted.documents)]
            at += len(verdicts)
            rankings.append(build_ranking(query, accepted, verdicts, judgement, self.model, checked))
        return rankings

    def _judge(self, pairs: Sequence[tuple[str, str]], *, windows: WindowConfig | None, progress: bool) -> Judgement:
        if not progress:
            return self._engine.judge(pairs, windows=windows)
        with show_progress(len(pairs)) as advance:
            return self._engine.judge(pairs, windows=windows, progress=advance)


def _rank_in_two(cascade: Cascade, requests: Sequence[tuple[str, Accepted]], checked: RankOptions, options: RankArguments) -> list[Ranking]:
    with show_progress(0) if options.get("progress", False) else nullcontext() as advance:
        return cascade.rank(requests, checked, windows=options.get("windows"), budget_ms=options.get("budget_ms"), progress=advance)


def _open_cascade(model: str | Path, cascade: CascadeConfig, config: EngineConfig, cache: ScoreCache | None) -> Cascade:
    """Load both, the first one first; where the second fails, the first is closed again."""
    if str(cascade.first) == str(model):
        raise ConfigError(f"first and model are both {str(model)!r}; a model cannot prepare its own work. Leave first= out")
    # A revision, trust and a calibration are given to one model by name, and the name beside them is `model`.
    first_source = replace(config.source, revision=None, trust_remote_code=False, calibration=None)
    first_model, strong_model = load_model(cascade.first, first_source), load_model(model, config.source)
    usable_length(strong_model, config.max_length)
    length = None if config.max_length is None else min(config.max_length, first_model.max_length)
    with ExitStack() as on_failure:
        first = _open_engine(first_model, replace(config, source=first_source, max_length=length), cache)
        on_failure.callback(first.close)
        both = Cascade(first, _open_engine(strong_model, config, cache), cascade)
        on_failure.callback(both.strong.close)
        if cascade.budget_ms is not None:
            both.measure()
        on_failure.pop_all()
    return both


def _open_engine(model: Model, config: EngineConfig, cache: ScoreCache | None) -> Engine:
    """Load the tokeniser while the backend compiles: both take a few tenths of a second, on different cores."""
    usable_length(model, config.max_length)  # said before seconds are spent on compiling
    with ThreadPoolExecutor(1, thread_name_prefix="adjudge-load") as pool, ExitStack() as on_failure:
        opening = pool.submit(open_backend, model, config.backend)
        on_failure.callback(_close_opened, opening)
        tokeniser = Tokeniser(model)
        engine = Engine(model, opening.result(), tokeniser, config, cache=cache)
        on_failure.pop_all()
    return engine


def _close_opened(opening: Future[Backend]) -> None:
    """Free a backend that was opened for nothing; waits for it where it is still being opened."""
    if opening.exception() is None:
        opening.result().close()


def engine_config(options: Options) -> EngineConfig:
    """Sort flat options into the grouped configs; an unknown name is a ConfigError that lists the known ones."""
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise ConfigError(f"Reranker() has no option {', '.join(unknown)}; it knows {', '.join(sorted(Options.__annotations__))}")
    cache_dir, calibration = options.get("cache_dir"), options.get("calibration")
    return EngineConfig(
        max_length=options.get("max_length"),
        source=SourceConfig(
            revision=options.get("revision"),
            token=options.get("token"),
            cache_dir=Path(cache_dir) if isinstance(cache_dir, str) else cache_dir,
            local_files_only=options.get("local_files_only", False),
            trust_remote_code=options.get("trust_remote_code", False),
            progress=options.get("progress", False),
            calibration=Path(calibration) if isinstance(calibration, str) else calibration,
        ),
        backend=BackendConfig(
            backend=options.get("backend", "auto"),
            device=options.get("device", "auto"),
            precision=options.get("precision", "auto"),
            threads=options.get("threads"),
        ),
        windows=options.get("windows", WindowConfig()),
        batches=BatchConfig(
            max_batch_tokens=options.get("max_batch_tokens"),
            max_batch_pairs=options.get("max_batch_pairs"),
            share_batches=options.get("share_batches", False),
        ),
        cascade=_cascade_config(options),
    )


def _cascade_config(options: Options) -> CascadeConfig | None:
    first, keep, budget_ms = options.get("first"), options.get("keep"), options.get("budget_ms")
    if first is not None:
        return CascadeConfig(first=first, keep=keep, budget_ms=budget_ms)
    given = [f"{name}={value!r}" for name, value in (("keep", keep), ("budget_ms", budget_ms)) if value is not None]
    if given:
        raise ConfigError(f'{" and ".join(given)} without a first judge that chooses what the strong one reads; add first="embedded"')
    return None


def _listed(name: str, values: Iterable[T]) -> list[T]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list, not a single {type(values).__name__}")
    return list(values)

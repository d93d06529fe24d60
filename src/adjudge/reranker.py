"""Reranker: the class most users meet."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack

import numpy as np

from .backends.base import Backend, Traits
from .backends.loader import open_backend
from .config import BackendConfig, BatchConfig, EngineConfig, Options, SourceConfig, WindowConfig
from .engine.documents import Accepted, accept_documents, accept_pairs, accept_query
from .engine.engine import Engine, Judgement, Verdict, usable_length
from .engine.ranking import RankOptions, build_ranking, what_was_not_read
from .engine.scores import to_scores
from .engine.thresholds import Threshold, parse_threshold
from .engine.tokenise import Tokeniser
from .errors import ConfigError, InputError
from .models.load import load_model
from .models.model import Model
from .progress import show_progress
from .types import DocumentLike, Ranking

__all__ = ["RankArguments", "Reranker", "engine_config"]

logger = logging.getLogger("adjudge")

T = TypeVar("T")
R = TypeVar("R")


class RankArguments(TypedDict, total=False):
    """Keyword arguments of rank(), for its siblings; each means what it means there."""

    top_n: int | None
    threshold: float | str | Threshold | None
    normalize: bool
    windows: WindowConfig | None
    progress: bool


class Reranker:
    """A judge: reads query and passage together and says how well the passage answers.

    Safe to share between threads. Use it as a context manager, or call close(), to free the model.
    """

    def __init__(self, model: str | Path = "embedded", **options: Unpack[Options]) -> None:
        """Load `model`: "embedded" (shipped, no download), a hub id, or a folder. `options`: see config.Options.

        Raises ModelError, HubError, BackendError or ConfigError, each saying what to do.
        """
        began = time.perf_counter()
        config = engine_config(options)
        self._engine = _open_engine(load_model(model, config.source), config)
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
        (the end of a query that is too long) is logged as a warning.
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
    ) -> Ranking:
        """The documents, best first.

        `top_n`: how many to keep (None: all, 0: none). `threshold`: 0.3, "relative:0.3", "dynamic" or a Threshold; what falls
        below is in `dropped`. `windows`: how long documents are judged, instead of the reranker's own setting. Documents that
        hold no text are in `refused`; they never fail the others.
        """
        options = RankArguments(top_n=top_n, threshold=threshold, normalize=normalize, windows=windows, progress=progress)
        return self._rank([(accept_query(query), accept_documents(documents))], options)[0]

    def rank_many(
        self, queries: Iterable[str], documents: Iterable[Iterable[DocumentLike]], **options: Unpack[RankArguments]
    ) -> list[Ranking]:
        """rank() for several queries, documents[i] for queries[i], computed in shared batches. Scores are those of rank()."""
        asked = [accept_query(q) for q in _listed("queries", queries)]
        given = [accept_documents(d) for d in _listed("documents", documents)]
        if len(asked) != len(given):
            raise InputError(f"rank_many needs one list of documents for each query, not {len(given)} for {len(asked)} queries")
        return self._rank(list(zip(asked, given, strict=True)), options)

    async def ascore(self, pairs: Iterable[tuple[str, str]], *, normalize: bool = True) -> list[float]:
        """score() on a thread, so that the event loop goes on."""
        return await _on_a_thread(self.score, pairs, normalize=normalize)

    async def arank(self, query: str, documents: Iterable[DocumentLike], **options: Unpack[RankArguments]) -> Ranking:
        """rank() on a thread, so that the event loop goes on."""
        return await _on_a_thread(self.rank, query, documents, **options)

    async def arank_many(
        self, queries: Iterable[str], documents: Iterable[Iterable[DocumentLike]], **options: Unpack[RankArguments]
    ) -> list[Ranking]:
        """rank_many() on a thread, so that the event loop goes on."""
        return await _on_a_thread(self.rank_many, queries, documents, **options)

    def warm_up(self) -> float:
        """Judge one short and one full-length pair, so that the first request does not pay for set-up. Returns milliseconds."""
        began = time.perf_counter()
        self._engine.judge([("warm up", "warm up"), ("warm up", "up " * self.max_length)], windows=WindowConfig(mode="truncate"))
        return (time.perf_counter() - began) * 1e3

    def close(self) -> None:
        """Free the model. Calls that are running finish; later ones raise ClosedError. Safe to call twice."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        t = self.traits
        runs = f"backend={t.backend!r}, device={t.device!r}, precision={t.precision!r}"
        return f"Reranker({self.model.name!r}, {runs}, max_length={self.max_length})"

    def _rank(self, requests: list[tuple[str, Accepted]], options: RankArguments) -> list[Ranking]:
        checked = RankOptions(
            top_n=options.get("top_n"),
            threshold=parse_threshold(options.get("threshold")),
            normalize=options.get("normalize", True),
        )
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


def _open_engine(model: Model, config: EngineConfig) -> Engine:
    """Load the tokeniser while the backend compiles: both take a few tenths of a second, on different cores."""
    usable_length(model, config.max_length)  # said before seconds are spent on compiling
    with ThreadPoolExecutor(1, thread_name_prefix="adjudge-load") as pool, ExitStack() as on_failure:
        opening = pool.submit(open_backend, model, config.backend)
        on_failure.callback(_close_opened, opening)
        tokeniser = Tokeniser(model)
        engine = Engine(model, opening.result(), tokeniser, config)
        on_failure.pop_all()
    return engine


def _close_opened(opening: Future[Backend]) -> None:
    """Free a backend that was opened for nothing; waits for it where it is still being opened."""
    if opening.exception() is None:
        opening.result().close()


async def _on_a_thread(call: Callable[..., R], *arguments: Any, **options: Any) -> R:
    import asyncio  # here, because it takes 0.1 s to import and most programs never use it

    return await asyncio.to_thread(call, *arguments, **options)


def engine_config(options: Options) -> EngineConfig:
    """Sort flat options into the grouped configs; an unknown name is a ConfigError that lists the known ones."""
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise ConfigError(f"Reranker() has no option {', '.join(unknown)}; it knows {', '.join(sorted(Options.__annotations__))}")
    cache_dir = options.get("cache_dir")
    return EngineConfig(
        max_length=options.get("max_length"),
        source=SourceConfig(
            revision=options.get("revision"),
            token=options.get("token"),
            cache_dir=Path(cache_dir) if isinstance(cache_dir, str) else cache_dir,
            local_files_only=options.get("local_files_only", False),
            trust_remote_code=options.get("trust_remote_code", False),
            progress=options.get("progress", False),
        ),
        backend=BackendConfig(
            backend=options.get("backend", "auto"),
            device=options.get("device", "auto"),
            precision=options.get("precision", "auto"),
            threads=options.get("threads"),
        ),
        windows=options.get("windows", WindowConfig()),
        batches=BatchConfig(max_batch_tokens=options.get("max_batch_tokens"), max_batch_pairs=options.get("max_batch_pairs")),
    )


def _listed(name: str, values: Iterable[T]) -> list[T]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list, not a single {type(values).__name__}")
    return list(values)

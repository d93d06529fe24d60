"""From an Ask to an Answer: a place in the queue, a thread, a deadline, and a fault for everything that may go wrong."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ..engine.calls import Call, calling
from ..engine.documents import accept_query
from ..engine.thresholds import parse_threshold
from ..errors import AdjudgeError, BackendError, DeadlineError
from ..reranker import Reranker
from ..types import Ranking, ScoreType, Timings, Usage
from .asks import Answer, Ask, PairsAnswer, PairsAsk
from .faults import ServiceFault, fault_of
from .judging import Judged, Scored, judge, judge_pairs
from .load import estimated_pairs
from .places import Places
from .protocols.dialect import Fault
from .registry import Loaded, Registry
from .settings import Limits
from .similarity import Similarities
from .visit import Visit

__all__ = ["Recorder", "Service"]

T = TypeVar("T")

RETRY_WHILE_LOADING_S = 2

LOADING_S = 3.0
"""How long an end waits for a model that is just being loaded: it may be a download."""


class Recorder(Protocol):
    """What the server tells its metrics; server.metrics.Metrics is one. Safe to call from many threads."""

    def received(self, dialect: str, model: str) -> None:
        """A request was read."""
        ...

    def answered(self, dialect: str, model: str, status: int, seconds_by_stage: Mapping[str, float]) -> None:
        """A request was answered, with whatever status."""
        ...

    def ranked(self, model: str, ranking: Ranking) -> None:
        """Documents were judged."""
        ...

    def scored(self, model: str, scores: Sequence[float], score_type: ScoreType, usage: Usage) -> None:
        """Loose pairs were judged."""
        ...

    def queue(self, pairs: int, requests: int) -> None:
        """So much is accepted and not yet done."""
        ...

    def batch(self, rows: int, tokens: int, budget: int) -> None:
        """A batch went through a model: `tokens` computed of the `budget` that it might have held."""
        ...

    def fallback(self, reason: str) -> None:
        """A model went to the CPU."""
        ...

    def render(self) -> tuple[bytes, str]:
        """What GET /metrics sends: body and content type."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """What GET /monitor sends; the queue and the uptime are the server's own."""
        ...


class Service:
    """Works on asks with the models of a registry. One for each event loop; the work is done on threads."""

    def __init__(self, registry: Registry, limits: Limits, recorder: Recorder, *, threads: int | None = None) -> None:
        """`threads`: CPU threads of the bi-encoder behind similarities; None: one a core. The registry is this service's to close."""
        self.registry = registry
        self.limits = limits
        self.places = Places(limits.pairs, told=recorder.queue)
        self._recorder = recorder
        self._similarities = Similarities(threads=threads)
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="adjudge-request")
        self._running: dict[Future[Any], Call] = {}
        self._closed = False

    def deadline_of(self, timeout_ms: float | None) -> float:
        """The moment by which a request that begins now must be answered: the client's, or the server's where that is earlier."""
        seconds = self.limits.timeout_s if timeout_ms is None else min(self.limits.timeout_s, timeout_ms / 1e3)
        return time.monotonic() + seconds

    async def rank(self, ask: Ask, call: Call, visit: Visit) -> Answer:
        """Judge the documents. Raises ServiceFault for whatever is in the way. `visit` learns what it took."""
        began = time.perf_counter()
        model = self._model(ask.model, visit)
        self._check_size(len(ask.documents), "documents")
        _check_ask(ask)
        job = _Job(call, estimated_pairs(ask, model), visit)
        judged: Judged = await self._do(model, lambda reranker: judge(reranker, ask, self._similarities), job)
        ranking = judged.ranking
        _note(visit, ranking.usage, ranking.timings)
        self._recorder.ranked(model.name, ranking)
        return Answer(
            ranking=ranking,
            model=_asked_as(ask.model, model),
            request_id=visit.request_id,
            created=int(time.time()),
            queue_ms=visit.queue_ms,
            total_ms=(time.perf_counter() - began) * 1e3,
            warnings=(*ask.warnings, *_fallen_back(self.registry.get(ask.model)), *judged.warnings, *ranking.warnings),
            explanations=judged.explanations,
            similarities=judged.similarities,
        )

    async def score(self, ask: PairsAsk, call: Call, visit: Visit) -> PairsAnswer:
        """Judge loose pairs. Raises ServiceFault for whatever is in the way. `visit` learns what it took."""
        began = time.perf_counter()
        model = self._model(ask.model, visit)
        self._check_size(len(ask.pairs), "pairs")
        scored: Scored = await self._do(model, lambda reranker: judge_pairs(reranker, ask), _Job(call, len(ask.pairs), visit))
        _note(visit, scored.usage, scored.timings)
        self._recorder.scored(model.name, scored.scores, scored.score_type, scored.usage)
        return PairsAnswer(
            scores=scored.scores,
            score_type=scored.score_type,
            tokens=scored.usage.tokens,
            model=_asked_as(ask.model, model),
            request_id=visit.request_id,
            created=int(time.time()),
            queue_ms=visit.queue_ms,
            total_ms=(time.perf_counter() - began) * 1e3,
            warnings=(*ask.warnings, *_fallen_back(self.registry.get(ask.model)), *scored.warnings),
        )

    def abandon(self) -> None:
        """Whoever still waits is told so now; what they wait for is dropped where it can be."""
        for call in list(self._running.values()):
            call.leave()

    def close(self, *, timeout_s: float) -> bool:
        """Let running work finish, then free the models. False where something still runs after `timeout_s`, and is left behind."""
        self._closed = True
        self._pool.shutdown(wait=False)
        done = not concurrent.futures.wait(list(self._running), timeout_s).not_done
        if done:
            self._similarities.close()
            done = self.registry.close(timeout_s=min(timeout_s, LOADING_S))
        return done

    async def _do(self, model: Loaded, work: Callable[[Reranker], T], job: _Job) -> T:
        """The work's result, done on a thread as soon as one is free; gives up at the deadline, and when it is cancelled itself."""
        pairs, call = min(max(job.pairs, 1), self.limits.pairs), job.call
        if self._closed:
            raise ServiceFault(Fault(kind="not_ready", message="the server is going down"))
        self.places.take(pairs)
        future: Future[T] = self._submit(lambda: self._work(model, work, job), pairs)
        self._running[future] = call
        future.add_done_callback(lambda done: self._finished(done, pairs))
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(_look)  # where nobody waits for it any more
        try:
            await asyncio.wait({waiting}, timeout=call.remaining())
            if not waiting.done():
                raise DeadlineError("not everything was judged within the time allowed; allow more time or send less")
            return waiting.result()
        except AdjudgeError as exc:
            raise ServiceFault(fault_of(exc)) from exc
        finally:
            if not future.done():
                call.leave()
                future.cancel()  # works where no thread has begun with it

    def _submit(self, work: Callable[[], T], pairs: int) -> Future[T]:
        try:
            return self._pool.submit(copy_context().run, work)  # the context, because spans are found by it
        except RuntimeError as exc:  # it was shut down a moment ago
            self.places.give_back(pairs)
            raise ServiceFault(Fault(kind="not_ready", message="the server is going down")) from exc

    def _work(self, model: Loaded, work: Callable[[Reranker], T], job: _Job) -> T:
        """On a thread: with the model, or with the one that takes its place."""
        started = time.perf_counter()
        with calling(job.call):
            job.call.check()
            try:
                return _with(model, work)
            except BackendError as exc:
                replacement = self.registry.replace_lost(model, exc)
                if replacement is None:
                    raise
                return _with(replacement, work)
            finally:
                job.visit.queue_ms = (started - job.submitted) * 1e3 + job.call.queue_ms

    def _finished(self, future: Future[Any], pairs: int) -> None:
        self._running.pop(future, None)
        self.places.give_back(pairs)

    def _model(self, name: str | None, visit: Visit) -> Loaded:
        model = self.registry.get(name)
        if model is None:
            known = ", ".join(self.registry.names)
            raise ServiceFault(Fault(kind="not_found", message=f"there is no model {name!r} here; there is {known}", param="model"))
        visit.model = model.name
        if model.state == "failed":
            message = f"the model {model.name!r} could not be loaded ({type(model.error).__name__}); the server's log says why"
            raise ServiceFault(Fault(kind="not_ready", message=message))
        if not model.ready:
            message = f"the model {model.name!r} is still being loaded; GET /ready says when it is there"
            raise ServiceFault(Fault(kind="not_ready", message=message, retry_after=RETRY_WHILE_LOADING_S))
        return model

    def _check_size(self, count: int, what: str) -> None:
        most = self.limits.documents_of_one
        if count > most:
            message = f"{count:,} {what} are more than the {most:,} that this server takes in one request (--max-documents)"
            raise ServiceFault(Fault(kind="too_large", message=f"{message}; send less at once", param=what))


class _Job:
    """One piece of work: whose it is, how much, since when."""

    def __init__(self, call: Call, pairs: int, visit: Visit) -> None:
        self.call, self.pairs, self.visit = call, pairs, visit
        self.submitted = time.perf_counter()


def _with(model: Loaded, work: Callable[[Reranker], T]) -> T:
    assert model.reranker is not None, "a model that is ready has a reranker"
    return work(model.reranker)


def _check_ask(ask: Ask) -> None:
    """What the library would refuse anyway, but only after a wait."""
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("query", lambda: accept_query(ask.query)),
        ("threshold", lambda: parse_threshold(ask.threshold)),
    )
    for param, check in checks:
        try:
            check()
        except AdjudgeError as exc:
            raise ServiceFault(replace(fault_of(exc), param=param)) from exc


def _note(visit: Visit, usage: Usage, timings: Timings) -> None:
    visit.tokens, visit.tokenise_ms, visit.forward_ms = usage.tokens, timings.tokenise_ms, timings.forward_ms


def _asked_as(name: str | None, model: Loaded) -> str:
    return model.name if name is None else name


def _fallen_back(model: Loaded | None) -> tuple[str, ...]:
    if model is None or not model.fallback:
        return ()
    return (f"{model.name} runs on the CPU, because its GPU is lost or full",)


def _look(future: asyncio.Future[T]) -> None:
    if not future.cancelled():
        future.exception()

"""What the service counts, for GET /metrics (Prometheus) and GET /monitor.

Label values are bounded whatever a client sends: names that are not the server's own become "unknown" or "other".
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import BackendError, BackendMemoryError, BackendUnavailableError, InputError
from ..monitor.drift import DriftMonitor
from ..monitor.quantities import scores_of
from ..types import Ranking, ScoreType, Usage
from .metric_families import Families, LiveFamilies
from .model_numbers import ModelNumbers
from .protocols.dialect import STATUS

__all__ = ["Labels", "Metrics"]

logger = logging.getLogger("adjudge.monitor")

MODELS, DIALECTS, REASONS = 32, 16, 16
"""Different label values at the most, where they are not listed beforehand."""

_STAGES = frozenset({"body", "queue", "tokenise", "forward", "render"})
_KINDS: Mapping[int, str] = {status: kind for kind, status in STATUS.items()} | {424: "backend"}  # TEI's, where a model fails


_FALLBACKS = (BackendError.__name__, BackendMemoryError.__name__, BackendUnavailableError.__name__)
"""Why a model goes to the CPU, as far as it is known beforehand."""


class Labels:
    """Label values that were seen, a bounded number of them. Not locked."""

    def __init__(self, most: int, *, given: Iterable[str] | None = None) -> None:
        """`given`: these and no others; None: the first `most` that come."""
        self._seen = dict.fromkeys(() if given is None else given)
        self._most = most if given is None else len(self._seen)

    def __call__(self, value: str) -> str:
        """The value, "unknown" for an empty one, "other" for one too many."""
        if not value:
            return "unknown"
        if value not in self._seen and len(self._seen) < self._most:
            self._seen[value] = None
        return value if value in self._seen else "other"


class Metrics:
    """One server's numbers. Safe to call from many threads; several may live in one process.

    What was received must be answered once, whatever became of it.
    """

    def __init__(self, models: Iterable[str] | None = None, *, monitors: Mapping[str, DriftMonitor] | None = None) -> None:
        """`models`: the names that may become labels; None: the first 32 that come. `monitors`: by those names.

        Raises MissingExtraError without prometheus-client.
        """
        self._lock = threading.Lock()
        self._began = time.monotonic()
        watched = {} if monitors is None else dict(monitors)
        listed = None if models is None else [*models, *watched]
        self._models = Labels(MODELS, given=listed)
        self._dialects, self._reasons = Labels(DIALECTS), Labels(REASONS)
        reasons = [self._reasons(reason) for reason in _FALLBACKS]
        self._numbers = {name: ModelNumbers(name, watched.get(name)) for name in (watched if listed is None else listed)}
        self._queue = {"pairs": 0, "requests": 0}
        self._families = Families(kinds=(*STATUS, "other"), reasons=reasons)
        self._families.add(LiveFamilies(self._listed))

    def received(self, dialect: str, model: str) -> None:
        """A request was read."""
        with self._lock:
            labels = (self._dialects(dialect), self._models(model))
        self._families.received.labels(*labels).inc()

    def answered(self, dialect: str, model: str, status: int, seconds_by_stage: Mapping[str, float]) -> None:
        """A request was answered. Stages: "total", and any of body, queue, tokenise, forward, render."""
        total = seconds_by_stage.get("total")
        with self._lock:
            name, voice = self._models(model), self._dialects(dialect)
            numbers = self._of(name)
            if numbers is not None:
                numbers.requests += 1
                if total is not None and status < 400:
                    numbers.took(total)
        families = self._families
        families.requests.labels(voice, name, str(status) if 100 <= status < 600 else "other").inc()
        if total is not None:
            families.request_seconds.labels(voice).observe(total)
        for stage, seconds in seconds_by_stage.items():
            if stage != "total":
                families.stage_seconds.labels(stage if stage in _STAGES else "other").observe(seconds)
        if status >= 400:
            families.errors.labels(_KINDS.get(status, "other")).inc()
        if status == STATUS["client_gone"]:
            families.client_gone.inc()

    def ranked(self, model: str, ranking: Ranking) -> None:
        """Documents were judged. Never raises because of what their scores are."""
        scores = scores_of(ranking)
        self._count(model, ranking.usage)
        for refused in ranking.refused:
            self._families.refused.labels(refused.reason).inc()
        with self._lock:
            numbers = self._of(self._models(model))
            if numbers is None:
                return
            numbers.pairs += ranking.usage.pairs
            numbers.count_scores(scores, ranking.score_type)
            differences = numbers.differ(ranking)
        told = "drift is told against another judge" if numbers.comparable(ranking) else "such queries are not compared"
        for difference in differences:
            logger.warning("%s: %s; %s", numbers.name, difference, told)
        if numbers.monitor is not None and scores:
            self._observe(numbers, numbers.monitor, ranking, scores)

    def scored(self, model: str, scores: Sequence[float], score_type: ScoreType, usage: Usage) -> None:
        """Loose pairs were judged. They belong to no query, so drift is not told from them."""
        self._count(model, usage)
        with self._lock:
            numbers = self._of(self._models(model))
            if numbers is not None:
                numbers.pairs += usage.pairs
                numbers.count_scores(scores, score_type)

    def queue(self, pairs: int, requests: int) -> None:
        """So much is accepted and not yet done."""
        self._queue = {"pairs": pairs, "requests": requests}
        self._families.queue_pairs.set(pairs)
        self._families.queue_requests.set(requests)

    def batch(self, rows: int, tokens: int, budget: int) -> None:
        """A batch went through the model: `tokens` of the `budget` that it might have held."""
        self._families.batch_rows.observe(rows)
        if budget > 0:
            self._families.batch_fill.observe(tokens / budget)

    def fallback(self, reason: str) -> None:
        """A model went to the CPU."""
        with self._lock:
            label = self._reasons(reason)
        self._families.fallback.labels(label).inc()

    def render(self) -> tuple[bytes, str]:
        """What GET /metrics sends: body and content type."""
        return self._families.render()

    def snapshot(self) -> dict[str, Any]:
        """What GET /monitor sends."""
        with self._lock:
            found = [(numbers, numbers.fields()) for numbers in self._numbers.values()]
        models = [{**fields, "drift": numbers.drift()} for numbers, fields in found]
        return {"models": models, "queue": dict(self._queue), "uptime_s": time.monotonic() - self._began}

    def _observe(self, numbers: ModelNumbers, monitor: DriftMonitor, ranking: Ranking, scores: Sequence[float]) -> None:
        if numbers.comparable(ranking):
            try:
                monitor.observe(scores)
                return
            except InputError as exc:  # a score that cannot be: the answer is out, and watching must not take it back
                logger.warning("%s: a query is not compared with the reference: %s", numbers.name, exc)
        with self._lock:
            numbers.unobserved += 1

    def _count(self, model: str, usage: Usage) -> None:
        with self._lock:
            name = self._models(model)
        families = self._families
        families.documents.labels(name).inc(usage.documents)
        families.pairs.labels(name).inc(usage.pairs)
        families.tokens.labels(name).inc(usage.tokens)
        families.truncations.labels(name).inc(usage.truncated)
        families.computed.labels(name).inc(usage.computed)
        families.cache_hits.labels(name).inc(max(usage.pairs - usage.computed, 0))

    def _of(self, name: str) -> ModelNumbers | None:
        """The numbers of a model, made when it is first heard of; None for what is no model's name. Under the lock."""
        if name in ("unknown", "other"):
            return None
        if name not in self._numbers:
            self._numbers[name] = ModelNumbers(name)
        return self._numbers[name]

    def _listed(self) -> list[ModelNumbers]:
        with self._lock:
            return list(self._numbers.values())

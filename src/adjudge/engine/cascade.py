"""Two judges: a cheap one looks at every document, a strong one reads the best of them. Under a budget, as many as there is time for.

The idea is that of Wang, Lin, Metzler: A cascade ranking model for efficient ranked retrieval, SIGIR 2011.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..config import CascadeConfig, WindowConfig
from ..models.model import Model
from ..types import Document, Ranking, Timings
from .budget import STALE_S, Cost, Deadline, Seen, affordable, measured
from .documents import Accepted
from .engine import Engine, Judgement, Progress
from .joining import Judges, Readings, join, summed
from .ranking import RankOptions, build_ranking
from .thresholds import bind_threshold
from .verdicts import Verdict

__all__ = ["DEFAULT_KEEP", "Cascade", "Request"]

logger = logging.getLogger("adjudge")

DEFAULT_KEEP = 20
"""Documents a query that the strong judge reads, where nobody says and no budget decides."""

WARM_UP_PAIRS, WARM_UP_WORDS = 8, 128
"""What the strong judge's cost is measured on: as much as a request with a few passages."""

Request: TypeAlias = tuple[str, Accepted]
"""One query and its documents."""


class Cascade:
    """Two engines that share the work of a request. Safe to use from many threads, as they are."""

    def __init__(self, first: Engine, strong: Engine, config: CascadeConfig) -> None:
        """Both engines are this cascade's to close."""
        self.first = first
        self.strong = strong
        self.config = config
        self._cost: Cost | None = None
        self._learnt_at = 0.0
        self._lock = threading.Lock()

    @property
    def cost(self) -> Cost | None:
        """What the strong judge takes here, by tokens as the first one counts them; None before it was measured."""
        return self._cost

    def rank(
        self,
        requests: Sequence[Request],
        options: RankOptions,
        *,
        windows: WindowConfig | None = None,
        budget_ms: float | None = None,
        progress: Progress | None = None,
    ) -> list[Ranking]:
        """One ranking for each request, computed in shared batches.

        `budget_ms`: instead of the cascade's own; it holds for all requests together, and they share it evenly. Without a budget the
        first judge is spared where the strong one reads all documents anyway.
        """
        config = self.config if budget_ms is None else replace(self.config, budget_ms=budget_ms)
        if config.budget_ms is not None and self._cost is None:
            self.measure()
        bound = bind_threshold(options.threshold, self.strong.model.calibration)
        return _Call(self, requests, config, windows, progress).rank(replace(options, threshold=bound))

    def measure(self) -> None:
        """Learn what the strong judge costs, by judging a few made-up passages with both. Done once, before the first budget."""
        began = time.perf_counter()
        # The quickest of several: the first call of a process sets things up, and any may be held up by something else.
        few = min((self._try(1) for _ in range(4)), key=lambda seen: seen[1])
        many = min((self._try(WARM_UP_PAIRS) for _ in range(2)), key=lambda seen: seen[1])
        cost = measured(few, many)
        self._remember(cost)
        taken = (time.perf_counter() - began) * 1e3
        told = "%s takes %.1f ms a call and %.4f ms a token; measured in %.0f ms"
        logger.info(told, self.strong.model.name, cost.fixed_ms, cost.ms_per_token, taken)

    def learn(self, tokens: int, milliseconds: float) -> None:
        """Remember what one call of the strong judge took. Means nothing before measure(), nor where no token was computed."""
        with self._lock:
            if self._cost is not None and tokens:
                self._cost, self._learnt_at = self._cost.learn(tokens, milliseconds), time.perf_counter()

    def affordable(self, tokens: Sequence[int], left_ms: float) -> int:
        """How many of the first documents the strong judge should read now; one where its cost was not put to the test for a minute."""
        if self._cost is None or left_ms <= 0:
            return 0
        stale = time.perf_counter() - self._learnt_at > STALE_S
        return max(affordable(tokens, self._cost, left_ms), min(len(tokens), int(stale)))

    def close(self) -> None:
        """Free both models; the one also where the other cannot be freed. Safe to call twice."""
        with ExitStack() as both:
            both.callback(self.strong.close)
            both.callback(self.first.close)

    def _remember(self, cost: Cost) -> None:
        with self._lock:
            self._cost, self._learnt_at = cost, time.perf_counter()

    def _try(self, count: int) -> Seen:
        # No pair may be the same as another or as one of an earlier time: those are known, and cost nothing.
        text = " warm up" * (WARM_UP_WORDS // 2 if count > 1 else 1)
        pairs = [("warm up", secrets.token_hex(4) + text) for _ in range(count)]
        windows = WindowConfig(mode="truncate")
        tokens = sum(v.pair_tokens for v in self.first.judge(pairs, windows=windows).verdicts)
        return tokens, self.strong.judge(pairs, windows=windows).timings.total_ms


@dataclass(frozen=True, slots=True)
class _Job:
    """One document that a judge shall read."""

    request: int
    entry: tuple[int, Document]
    depth: int = 0  # its place in the first judge's order
    tokens: int = 0  # of its pairs, as the first judge counted them


@dataclass(frozen=True, slots=True)
class _Reading:
    """Jobs that one judge has done."""

    jobs: Sequence[_Job]
    judgement: Judgement

    def by_request(self) -> Mapping[int, list[tuple[_Job, Verdict]]]:
        """Jobs and verdicts of each request, in the order they were done; none for one that had no job."""
        found: defaultdict[int, list[tuple[_Job, Verdict]]] = defaultdict(list)
        for job, verdict in zip(self.jobs, self.judgement.verdicts, strict=True):
            found[job.request].append((job, verdict))
        return found


class _Call:
    """One call of Cascade.rank: who reads how much, what is left of the time, how far it is."""

    def __init__(
        self, cascade: Cascade, requests: Sequence[Request], config: CascadeConfig, windows: WindowConfig | None, progress: Progress | None
    ) -> None:
        self._cascade, self._requests, self._windows, self._progress = cascade, requests, windows, progress
        self._budget_ms = config.budget_ms
        self._deadline = None if config.budget_ms is None else Deadline(config.budget_ms)
        counts = [len(accepted.documents) for _, accepted in requests]
        limit = DEFAULT_KEEP if config.keep is None and self._deadline is None else config.keep
        self._keep = [count if limit is None else min(limit, count) for count in counts]
        self._looked_at = [n for n, count in enumerate(counts) if self._deadline is not None or self._keep[n] < count]
        self._done, self._total = 0, sum(self._keep) + sum(counts[n] for n in self._looked_at)

    def rank(self, options: RankOptions) -> list[Ranking]:
        """Look, read the best of it, join."""
        uncut = RankOptions(top_n=None, threshold=None, normalize=options.normalize)
        looked = self._judge(self._cascade.first, [_Job(n, entry) for n in self._looked_at for entry in self._requests[n][1].documents])
        first = self._rankings(looked, self._cascade.first.model, self._looked_at, uncut)
        read = self._read(self._queue(first, looked))
        strong = {} if read is None else self._rankings(read, self._cascade.strong.model, range(len(self._requests)), uncut)
        judges = Judges(self._cascade.first.model, self._cascade.strong.model)
        return [
            join(Readings(first.get(n), strong.get(n)), judges, options, self._notes(n, first.get(n), strong.get(n)))
            for n in range(len(self._requests))
        ]

    def _queue(self, first: Mapping[int, Ranking], looked: _Reading) -> list[_Job]:
        """What the strong judge reads, in that order: the best of every request, then the second best, so that a budget is shared."""
        tokens = {(job.request, job.entry[0]): v.pair_tokens for job, v in zip(looked.jobs, looked.judgement.verdicts, strict=True)}
        jobs: list[_Job] = []
        for n, (_, accepted) in enumerate(self._requests):
            best = [(r.index, r.document) for r in first[n].results[: self._keep[n]]] if n in first else accepted.documents
            jobs.extend(_Job(n, entry, depth, tokens.get((n, entry[0]), 0)) for depth, entry in enumerate(best))
        return sorted(jobs, key=lambda job: job.depth)

    def _read(self, jobs: Sequence[_Job]) -> _Reading | None:
        """The strong judge's word: in one call, or in as many as the deadline allows, which may be none."""
        if self._deadline is None:
            return self._read_at_once(jobs)
        parts: list[_Reading] = []
        while jobs and (count := self._cascade.affordable([job.tokens for job in jobs], self._deadline.left_ms())):
            parts.append(self._read_at_once(jobs[:count]))
            jobs = jobs[count:]
        return _merged(parts) if parts else None

    def _read_at_once(self, jobs: Sequence[_Job]) -> _Reading:
        done = self._judge(self._cascade.strong, jobs)
        if all(job.tokens for job in jobs):  # else the first judge was spared, and nobody knows what the time was spent on
            verdicts = done.judgement.verdicts
            computed = sum(job.tokens * verdict.computed // verdict.windows for job, verdict in zip(jobs, verdicts, strict=True))
            self._cascade.learn(computed, done.judgement.timings.total_ms)
        return done

    def _rankings(self, reading: _Reading, model: Model, wanted: Iterable[int], uncut: RankOptions) -> dict[int, Ranking]:
        """What one judge said of each wanted request."""
        done, rankings = reading.by_request(), {}
        for n in wanted:
            query, accepted = self._requests[n]
            entries = tuple(job.entry for job, _ in done.get(n, []))
            verdicts = [verdict for _, verdict in done.get(n, [])]
            rankings[n] = build_ranking(query, Accepted(entries, accepted.refused), verdicts, reading.judgement, model, uncut)
        return rankings

    def _notes(self, number: int, first: Ranking | None, strong: Ranking | None) -> list[str]:
        """What the budget did not allow."""
        read, wanted = 0 if strong is None else len(strong), self._keep[number]
        if self._budget_ms is None or first is None or read == wanted:
            return []
        spent = "" if read else f"; {first.model} alone took {first.timings.total_ms:.0f} ms"
        return [f"budget_ms={self._budget_ms:g}: {self._cascade.strong.model.name} read {read} of {wanted} documents{spent}"]

    def _judge(self, engine: Engine, jobs: Sequence[_Job]) -> _Reading:
        pairs = [(self._requests[job.request][0], job.entry[1].text) for job in jobs]
        progress = None if self._progress is None else _from(self._progress, self._done, self._total)
        judgement = engine.judge(pairs, windows=self._windows, progress=progress)
        self._done += len(pairs)
        return _Reading(jobs, judgement)


def _from(progress: Progress, before: int, total: int) -> Progress:
    """The progress of one call among several."""
    return lambda done, _: progress(before + done, total)


def _merged(parts: Sequence[_Reading]) -> _Reading:
    judgements = [part.judgement for part in parts]
    whole = replace(
        judgements[0],
        verdicts=tuple(verdict for judgement in judgements for verdict in judgement.verdicts),
        batches=sum(judgement.batches for judgement in judgements),
        timings=summed(Timings, [judgement.timings for judgement in judgements]),
    )
    return _Reading([job for part in parts for job in part.jobs], whole)

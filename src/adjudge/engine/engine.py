"""The one place that knows the order of stages: encode, window, batch, forward, aggregate."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..backends.base import Backend, Floats, Ints
from ..config import EngineConfig, WindowConfig
from ..errors import BackendError, BackendMemoryError, ClosedError, ConfigError
from ..models.model import Model
from ..types import Timings
from .batches import even_budget, padded_length, plan_batches
from .cache import ScoreCache
from .cut import Cut
from .encode import Encoder, Item, blocks
from .known import Answers, Known, Looked
from .scores import check_finite
from .tokenise import PairIds, Tokeniser
from .verdicts import Judging, Verdict

__all__ = ["Engine", "Judgement", "Outputs", "Progress", "Verdict", "usable_length"]

logger = logging.getLogger("adjudge")

Progress = Callable[[int, int], None]
"""Called with (pairs done, pairs in all) as batches finish, from the thread that asked."""

BLOCK_PAIRS = 1024
"""Pairs encoded and sorted together: enough to fill batches well, few enough to keep a million pairs out of memory."""

BLOCK_CHARACTERS = 1_000_000
"""Characters of pairs encoded together, for the same reason: long documents make many windows each."""

FLOOR_BATCH_TOKENS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Verdicts in the order of the pairs, and what it took."""

    verdicts: tuple[Verdict, ...]
    batches: int
    timings: Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The model's own numbers in the order of the pairs, and what it did not see of each."""

    logits: Floats  # (pairs, labels) float32; auxiliary heads left out
    query_tokens_unseen: Ints  # (pairs,)
    document_tokens_unseen: Ints  # (pairs,)


class Engine:
    """A model, its tokeniser and its backend. Safe to use from many threads; they share the backend's streams."""

    def __init__(
        self, model: Model, backend: Backend, tokeniser: Tokeniser, config: EngineConfig, *, cache: ScoreCache | None = None
    ) -> None:
        """`cache`: remembers what the model said; None: nothing does. Raises ConfigError when max_length is more than the model has."""
        self.model = model
        self.backend = backend
        self.max_length = usable_length(model, config.max_length)
        self.tokeniser = tokeniser
        self._config = config
        self._encoder = Encoder(self.tokeniser, self.max_length)
        self._known = Known(cache, model, backend.traits)
        self._judging = Judging(model)
        wanted = config.batches.max_batch_tokens
        self._budget = backend.traits.batch_tokens if wanted is None else wanted
        self._budget_lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max(1, backend.traits.parallel), thread_name_prefix="adjudge-forward")
        self._process = os.getpid()
        self._closed = False

    @property
    def max_batch_tokens(self) -> int:
        """The budget now: what was configured, or less after memory ran out."""
        return self._budget

    @property
    def labels(self) -> int:
        """How many labels the model has: the columns of its outputs, auxiliary heads left out."""
        aspects: tuple[str, ...] = getattr(self.model.spec.head, "aspects", ())
        return self.backend.traits.outputs - len(aspects)

    def judge(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        windows: WindowConfig | None = None,
        max_length: int | None = None,
        max_rows: int | None = None,
        progress: Progress | None = None,
    ) -> Judgement:
        """Judge every (query, document) pair, each as if it were alone.

        `windows` and `max_length`: for this call, instead of the engine's own. `max_rows`: at most so many pairs a batch.
        """
        windows = self._config.windows if windows is None else windows
        if not isinstance(windows, WindowConfig):
            raise ConfigError(f"windows must be a WindowConfig, not {windows!r}")
        encoder = self._encoder if max_length is None else Encoder(self.tokeniser, self._checked_length(max_length))
        run = _Run(lambda block: encoder.encode(block, windows), max_rows, progress)
        verdicts: list[Verdict] = []
        batches = 0
        for block, answers in self._run(pairs, run):
            verdicts.extend(self._judging.verdicts(block.items, answers, windows))
            batches += len(block.plan)
        return Judgement(verdicts=tuple(verdicts), batches=batches, timings=run.clock.read())

    def outputs(
        self, pairs: Sequence[tuple[str, str]], cut: Cut, *, max_rows: int | None = None, progress: Progress | None = None
    ) -> Outputs:
        """All labels' logits of every pair, no windows: what does not fit is left out as `cut` says, and counted."""
        self._checked_length(cut.max_length)
        run = _Run(lambda block: self._encoder.encode_cut(block, cut), max_rows, progress)
        found = [np.empty((0, self.labels), np.float32)]
        items: list[Item] = []
        for block, answers in self._run(pairs, run):
            found.append(answers.outputs[:, : self.labels])
            items.extend(block.items)
        return Outputs(
            logits=np.concatenate(found),
            query_tokens_unseen=np.array([i.query_tokens_unseen for i in items], np.int32),
            document_tokens_unseen=np.array([i.tokens_unseen for i in items], np.int32),
        )

    def close(self) -> None:
        """Let running batches finish, then free the model. Safe to call twice. A cache is its owner's to close."""
        self._closed = True
        self._pool.shutdown(wait=True)
        self.backend.close()

    def _run(self, pairs: Sequence[tuple[str, str]], run: _Run) -> Iterator[tuple[_Block, Answers]]:
        """Blocks in their order, with what is known of their rows. The next is encoded while one is computed."""
        self._check_usable()
        waiting: list[_Block] = []
        done = 0
        try:
            for block_pairs in blocks(pairs, most_pairs=BLOCK_PAIRS, most_characters=BLOCK_CHARACTERS):
                waiting.append(self._start(block_pairs, run))
                if len(waiting) > 1:
                    yield self._finish(waiting[0], run, done, len(pairs))
                    done += len(waiting.pop(0).items)
            for block in waiting:
                yield self._finish(block, run, done, len(pairs))
        finally:
            for future in (f for block in waiting for f in block.futures):
                future.cancel()

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedError("this reranker was closed; create a new one")
        if os.getpid() != self._process:  # threads do not survive a fork: the call would wait for ever
            raise BackendError(
                "this reranker was loaded before the process forked, and does not work in the child; create one in each process, "
                'or start processes with multiprocessing.get_context("spawn")'
            )

    def _checked_length(self, wanted: int) -> int:
        if wanted > self.max_length:
            raise ConfigError(f"max_length={wanted} is more than the {self.max_length} tokens that this reranker was loaded with")
        return wanted

    def _start(self, pairs: Sequence[tuple[str, str]], run: _Run) -> _Block:
        began = time.perf_counter()
        items = run.encode(pairs)
        known = self._known.look_up([pair for item in items for pair in item.pairs], self.backend.traits.outputs)
        rows = known.asked
        limits = [n for n in (self._config.batches.max_batch_pairs, run.max_rows) if n is not None]
        lengths = [self._padded(len(r.ids)) for r in rows]
        plan = plan_batches(
            lengths,
            max_tokens=even_budget(sum(lengths), self._budget, self.backend.traits.parallel),
            max_rows=min(limits, default=None),
            padding_free=self.backend.traits.padding_free,
        )
        run.clock.tokenise += time.perf_counter() - began
        try:
            futures = [self._pool.submit(self._forward, [rows[i] for i in batch]) for batch in plan]
        except RuntimeError as exc:
            if not self._closed:
                raise
            # the pool was shut down between the check and here
            raise ClosedError("this reranker was closed while it was used; create a new one") from exc
        return _Block(items, known, plan, futures)

    def _finish(self, block: _Block, run: _Run, done: int, total: int) -> tuple[_Block, Answers]:
        began = time.perf_counter()
        rows = block.known.asked
        outputs = np.empty((len(rows), self.backend.traits.outputs), np.float32)
        padded = np.empty(len(rows), np.int64)
        counted = 0
        for batch, future in zip(block.plan, block.futures, strict=True):
            outputs[batch] = check_finite(future.result())  # here, so that a bad batch stops those behind it
            padded[batch] = self._computed_length(rows, batch)
            counted += len(batch)
            if run.progress is not None:
                run.progress(done + len(block.items) * counted // len(rows), total)
        if run.progress is not None and not rows:
            run.progress(done + len(block.items), total)
        run.clock.forward += time.perf_counter() - began
        return block, self._known.answers(block.known, outputs, padded)

    def _computed_length(self, rows: Sequence[PairIds], batch: Sequence[int]) -> np.ndarray:
        lengths = np.array([len(rows[i].ids) for i in batch], np.int64)
        return lengths if self.backend.traits.padding_free else np.full(len(batch), self._padded(int(lengths.max())))

    def _padded(self, length: int) -> int:
        """The length that a row is computed at, were it the longest of its batch."""
        return padded_length(length, self.backend.traits.length_step, self.model.max_length)

    def _forward(self, rows: Sequence[PairIds]) -> Floats:
        """One batch; when memory runs out, its halves, and smaller batches from then on."""
        try:
            return self.backend.forward(self.tokeniser.batch(rows, length=self._padded(max(len(r.ids) for r in rows))))
        except BackendMemoryError:
            if len(rows) == 1:
                raise
        # Outside the except block, because the error holds what the failed batch has allocated.
        self._shrink(rows)
        half = len(rows) // 2
        return np.concatenate([self._forward(rows[:half]), self._forward(rows[half:])])

    def _shrink(self, rows: Sequence[PairIds]) -> None:
        spent = int(self._computed_length(rows, range(len(rows))).sum())
        with self._budget_lock:
            lowered = max(FLOOR_BATCH_TOKENS, spent // 2)
            if lowered < self._budget:
                logger.warning("memory ran out on a batch of %d tokens; max_batch_tokens goes from %d to %d", spent, self._budget, lowered)
                self._budget = lowered


class _Run:
    """What the blocks of one call share."""

    def __init__(self, encode: Callable[[Sequence[tuple[str, str]]], list[Item]], max_rows: int | None, progress: Progress | None) -> None:
        self.encode = encode
        self.max_rows = max_rows
        self.progress = progress
        self.clock = _Clock()


@dataclass(frozen=True, slots=True)
class _Block:
    items: list[Item]
    known: Looked
    plan: list[list[int]]
    futures: list[Future[Floats]]


class _Clock:
    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.tokenise = 0.0
        self.forward = 0.0

    def read(self) -> Timings:
        total = time.perf_counter() - self.began
        return Timings(tokenise_ms=self.tokenise * 1e3, forward_ms=self.forward * 1e3, total_ms=total * 1e3)


def usable_length(model: Model, wanted: int | None) -> int:
    """`wanted`, or all that the model has. Raises ConfigError when it is more than that."""
    if wanted is None:
        return model.max_length
    if wanted > model.max_length:
        raise ConfigError(f"max_length={wanted} is more than the {model.max_length} tokens that {model.name} has; use that or less")
    return wanted

"""The one place that knows the order of stages: encode, window, batch, forward, aggregate."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..backends.base import Backend, Floats, Ints
from ..config import EngineConfig, WindowConfig
from ..errors import BackendMemoryError, ConfigError
from ..models.model import Model
from ..types import Timings
from .cache import ScoreCache
from .cut import Cut
from .encode import Encoder, Item, Texts, blocks
from .known import Answers, Known, Looked
from .lanes import Budget, Floor, Lanes, OwnBatches, Ticket, cost_of
from .sharing import SharedBatches
from .tokenise import PairIds, Tokeniser
from .usable import Usable
from .verdicts import Judging, Verdict

__all__ = ["BatchDone", "Engine", "Judgement", "Outputs", "Progress", "Verdict", "usable_length"]

logger = logging.getLogger("adjudge")

Progress = Callable[[int, int], None]
"""Called with (pairs done, pairs in all) as batches finish, from the thread that asked."""

BLOCK_PAIRS = 1024
"""Pairs encoded and sorted together: enough to fill batches well, few enough to keep a million pairs out of memory."""

BLOCK_CHARACTERS = 1_000_000
"""Characters of pairs encoded together, for the same reason: long documents make many windows each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDone:
    """One batch that went through the model."""

    rows: int
    tokens: int  # real ones
    padded_tokens: int  # computed
    budget: int  # what it could have held
    milliseconds: float


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
        self._budget = Budget(backend.traits.batch_tokens if wanted is None else wanted)
        self._floor = Floor(backend.traits, model.max_length, self._budget)
        self._lanes: Lanes = (SharedBatches if config.batches.share_batches else OwnBatches)(self._forward, self._floor)
        self._watcher: Callable[[BatchDone], None] | None = None
        self._usable = Usable("reranker")

    @property
    def max_batch_tokens(self) -> int:
        """The budget now: what was configured, or less after memory ran out."""
        return self._budget.tokens

    @property
    def windows(self) -> WindowConfig:
        """How long documents are judged where a call does not say."""
        return self._config.windows

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
        run = _Run(lambda block, texts: encoder.encode(block, windows, texts), max_rows, progress)
        verdicts: list[Verdict] = []
        batches = 0
        for block, answers in self._run(pairs, run):
            verdicts.extend(self._judging.verdicts(block.items, answers, windows))
            batches += block.ticket.batches
        return Judgement(verdicts=tuple(verdicts), batches=batches, timings=run.clock.read())

    def outputs(
        self, pairs: Sequence[tuple[str, str]], cut: Cut, *, max_rows: int | None = None, progress: Progress | None = None
    ) -> Outputs:
        """All labels' logits of every pair, no windows: what does not fit is left out as `cut` says, and counted."""
        self._checked_length(cut.max_length)
        run = _Run(lambda block, texts: self._encoder.encode_cut(block, cut, texts), max_rows, progress)
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

    def watch(self, watcher: Callable[[BatchDone], None] | None) -> None:
        """Have `watcher` called after every batch, from the thread that computed it; it must be quick and raise nothing. None: nobody."""
        self._watcher = watcher

    def close(self) -> None:
        """Let running batches finish, then free the model. Safe to call twice. A cache is its owner's to close.

        In a child that the process forked, what the parent loaded is left alone: the threads to wait for do not exist there.
        """
        self._usable.closed = True
        if self._usable.inherited:
            return
        self._lanes.close()
        self.backend.close()

    def _run(self, pairs: Sequence[tuple[str, str]], run: _Run) -> Iterator[tuple[_Block, Answers]]:
        """Blocks in their order, with what is known of their rows. The next is encoded while one is computed."""
        self._usable.check()
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
            for block in waiting:
                block.ticket.cancel()

    def _checked_length(self, wanted: int) -> int:
        if wanted > self.max_length:
            raise ConfigError(f"max_length={wanted} is more than the {self.max_length} tokens that this reranker was loaded with")
        return wanted

    def _start(self, pairs: Sequence[tuple[str, str]], run: _Run) -> _Block:
        began = time.perf_counter()
        items = run.encode(pairs, run.texts)
        known = self._known.look_up([pair for item in items for pair in item.pairs], self.backend.traits.outputs)
        rows = known.asked
        limits = [n for n in (self._config.batches.max_batch_pairs, run.max_rows) if n is not None]
        run.clock.tokenise += time.perf_counter() - began
        return _Block(items, known, self._lanes.submit(rows, min(limits, default=None)))

    def _finish(self, block: _Block, run: _Run, done: int, total: int) -> tuple[_Block, Answers]:
        began = time.perf_counter()
        rows = block.known.asked
        outputs = np.empty((len(rows), self.backend.traits.outputs), np.float32)
        padded = np.empty(len(rows), np.int64)
        counted = 0
        for piece in block.ticket.pieces():
            outputs[piece.places], padded[piece.places] = piece.outputs, piece.padded
            counted += len(piece.places)
            if run.progress is not None:
                run.progress(done + len(block.items) * counted // len(rows), total)
        if run.progress is not None and not rows:
            run.progress(done + len(block.items), total)
        run.clock.forward += time.perf_counter() - began
        return block, self._known.answers(block.known, outputs, padded)

    def _forward(self, rows: Sequence[PairIds]) -> Floats:
        """One batch; when memory runs out, its halves, and smaller batches from then on."""
        began = time.perf_counter()
        length = self._floor.padded(max(len(r.ids) for r in rows))
        try:
            outputs = self.backend.forward(self.tokeniser.batch(rows, length=length))
        except BackendMemoryError:
            if len(rows) == 1:
                raise
        else:
            self._tell(rows, length, time.perf_counter() - began)
            return outputs
        # Outside the except block, because the error holds what the failed batch has allocated.
        self._budget.shrink(int(cost_of(rows, self._floor).sum()))
        half = len(rows) // 2
        return np.concatenate([self._forward(rows[:half]), self._forward(rows[half:])])

    def _tell(self, rows: Sequence[PairIds], length: int, seconds: float) -> None:
        watcher = self._watcher
        if watcher is not None:
            tokens = sum(len(r.ids) for r in rows)
            padded = tokens if self.backend.traits.padding_free else length * len(rows)
            watcher(BatchDone(rows=len(rows), tokens=tokens, padded_tokens=padded, budget=self._budget.tokens, milliseconds=seconds * 1e3))


_Encode: TypeAlias = Callable[[Sequence[tuple[str, str]], Texts], list[Item]]


class _Run:
    """What the blocks of one call share."""

    def __init__(self, encode: _Encode, max_rows: int | None, progress: Progress | None) -> None:
        self.encode = encode
        self.texts = Texts()
        self.max_rows = max_rows
        self.progress = progress
        self.clock = _Clock()


@dataclass(frozen=True, slots=True)
class _Block:
    items: list[Item]
    known: Looked
    ticket: Ticket


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

"""From rows to batches and back: who decides which rows are computed together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats, Traits
from ..errors import ClosedError
from .batches import even_budget, padded_length, plan_batches, shortest_beside
from .calls import Call, current_call
from .scores import check_finite
from .tokenise import PairIds

__all__ = ["Budget", "Floor", "Forward", "Lanes", "OwnBatches", "OwnTicket", "Piece", "Ticket", "cost_of"]

logger = logging.getLogger("adjudge")

LEAST = 256
"""Tokens below which a budget does not shrink."""

Forward: TypeAlias = Callable[[Sequence[PairIds]], Floats]
"""Computes one batch: (rows, outputs) logits, row i for row i."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a ticket that are done."""

    places: list[int]  # which of the ticket's rows
    outputs: Floats  # (places, outputs)
    padded: NDArray[np.int64]  # (places,) tokens computed for each


class Ticket(Protocol):
    """Rows that were handed in."""

    @property
    def batches(self) -> int:
        """Batches that these rows were part of; known when the last piece was taken."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Each row once, as batches finish. Raises what a batch of this ticket raised, DeadlineError or AbandonedError."""
        ...

    def cancel(self) -> None:
        """What is not computed yet need not be."""
        ...


class Lanes(Protocol):
    """Takes rows of one call after the other."""

    def submit(self, rows: Sequence[PairIds], max_rows: int | None) -> Ticket:
        """`max_rows`: at most so many of these rows a batch. Raises ClosedError after close()."""
        ...

    def close(self) -> None:
        """Let running batches finish."""
        ...


class Budget:
    """Tokens a batch; less after memory ran out."""

    def __init__(self, tokens: int) -> None:
        """`tokens`: to begin with."""
        self._tokens = tokens
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """The budget now."""
        return self._tokens

    def shrink(self, spent: int) -> None:
        """Memory ran out on a batch of `spent` tokens."""
        with self._lock:
            lowered = max(LEAST, spent // 2)
            if lowered < self._tokens:
                logger.warning("memory ran out on a batch of %d tokens; max_batch_tokens goes from %d to %d", spent, self._tokens, lowered)
                self._tokens = lowered


@dataclass(frozen=True, slots=True)
class Floor:
    """What batches are planned by. Holds no engine: threads keep it."""

    traits: Traits
    longest: int  # the model's length
    budget: Budget

    def padded(self, length: int) -> int:
        """The length that a row is computed at, were it the longest of its batch."""
        return padded_length(length, self.traits.length_step, self.longest)


class OwnBatches:
    """Every call plans its own batches; those of several calls run side by side on the backend's streams."""

    def __init__(self, forward: Forward, floor: Floor) -> None:
        """`forward` is called from `floor.traits.parallel` threads."""
        self._forward, self._floor = forward, floor
        self._pool = ThreadPoolExecutor(max(1, floor.traits.parallel), thread_name_prefix="adjudge-forward")
        self._closed = False

    def submit(self, rows: Sequence[PairIds], max_rows: int | None) -> OwnTicket:
        """See Lanes."""
        traits, lengths = self._floor.traits, [self._floor.padded(len(r.ids)) for r in rows]
        plan = plan_batches(
            lengths,
            max_tokens=even_budget(sum(lengths), self._floor.budget.tokens, traits.parallel),
            max_rows=max_rows,
            padding_free=traits.padding_free,
            shortest=lambda longest: shortest_beside(longest, traits),
        )
        call = current_call.get()
        try:
            futures = [self._pool.submit(self._compute, call, [rows[i] for i in batch]) for batch in plan]
        except RuntimeError as exc:
            if not self._closed:
                raise
            # the pool was shut down between the engine's check and here
            raise ClosedError("this reranker was closed while it was used; create a new one") from exc
        return OwnTicket(rows, plan, futures, self._floor)

    def _compute(self, call: Call | None, rows: Sequence[PairIds]) -> Floats:
        if call is not None:
            call.taken()
            call.check()
        return self._forward(rows)

    def close(self) -> None:
        """See Lanes."""
        self._closed = True
        self._pool.shutdown(wait=True)


class OwnTicket:
    """Planned batches and what becomes of them."""

    def __init__(self, rows: Sequence[PairIds], plan: list[list[int]], futures: list[Future[Floats]], floor: Floor) -> None:
        """`futures[i]`: the outputs of the rows that `plan[i]` names."""
        self._rows, self._plan, self._futures, self._floor = rows, plan, futures, floor

    @property
    def batches(self) -> int:
        """See Ticket."""
        return len(self._plan)

    def pieces(self) -> Iterator[Piece]:
        """See Ticket. In the order of the plan, so that a bad batch stops those behind it."""
        for batch, future in zip(self._plan, self._futures, strict=True):
            outputs = check_finite(future.result())
            yield Piece(batch, outputs, cost_of([self._rows[i] for i in batch], self._floor))

    def cancel(self) -> None:
        """See Ticket."""
        for future in self._futures:
            future.cancel()


def cost_of(rows: Sequence[PairIds], floor: Floor) -> NDArray[np.int64]:
    """(rows,) tokens computed for each row of a batch."""
    lengths = np.array([len(r.ids) for r in rows], np.int64)
    return lengths if floor.traits.padding_free else np.full(len(rows), floor.padded(int(lengths.max())), np.int64)

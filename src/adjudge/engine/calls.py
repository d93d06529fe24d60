"""Whoever waits for an answer: until when, and whether still. A server or a task sets it; the engine looks at it before it computes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from ..errors import AbandonedError, DeadlineError

__all__ = ["Call", "calling", "current_call", "on_a_thread"]

R = TypeVar("R")


class Call:
    """One caller's patience. Safe to share between the thread that waits and the one that watches the client."""

    def __init__(self, *, deadline: float | None = None) -> None:
        """`deadline`: on the clock of time.monotonic(), in seconds; None: waits for ever."""
        self.deadline = deadline
        self._left = threading.Event()
        self._lock = threading.Lock()
        self._queued: float | None = None
        self._waited = 0.0

    @property
    def left(self) -> bool:
        """Whether the caller has gone."""
        return self._left.is_set()

    @property
    def queue_ms(self) -> float:
        """Milliseconds between the call's first row entering a queue of batches and a batch taking it."""
        return self._waited * 1e3

    def leave(self) -> None:
        """Nobody waits any more: what is queued is dropped. Safe to call twice."""
        self._left.set()

    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 where it has passed; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def check(self) -> None:
        """Raise AbandonedError or DeadlineError where there is no reason to go on."""
        if self.left:
            raise AbandonedError("the caller has left; what was queued for it was dropped")
        if self.deadline is not None and time.monotonic() > self.deadline:
            late = time.monotonic() - self.deadline
            raise DeadlineError(f"the deadline passed {late * 1e3:.0f} ms ago, before all pairs were judged; allow more time or send less")

    def queued(self) -> None:
        """A row has entered a queue."""
        with self._lock:
            if self._queued is None:
                self._queued = time.monotonic()

    def taken(self) -> None:
        """A batch has taken a row."""
        with self._lock:
            if self._queued is not None and self._waited == 0.0:
                self._waited = time.monotonic() - self._queued


current_call: ContextVar[Call | None] = ContextVar("adjudge_call", default=None)
"""The call that this thread or task works for; None: nobody watches."""


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Everything inside works for `call`. asyncio.to_thread carries it along."""
    token = current_call.set(call)
    try:
        yield call
    finally:
        current_call.reset(token)


async def on_a_thread(call: Callable[..., R], *arguments: Any, **options: Any) -> R:
    """`call` on a thread. Where the task is cancelled, nobody waits for the answer any more: what is not computed yet is dropped."""
    import asyncio  # here, because it takes 0.1 s to import and most programs never use it

    own = current_call.get()
    with calling(Call() if own is None else own) as waiting:
        try:
            return await asyncio.to_thread(call, *arguments, **options)
        except asyncio.CancelledError:
            if own is None:
                waiting.leave()
            raise

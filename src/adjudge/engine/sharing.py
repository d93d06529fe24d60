"""Batches that calls share: rows of many requests under one budget of tokens, fairly, and nobody pays for another's fault."""

from __future__ import annotations

import queue
import sys
import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats, Traits
from ..errors import AdjudgeError, ClosedError, InvalidLogitsError
from .batches import even_budget, shortest_beside
from .calls import Call, current_call
from .lanes import Floor, Forward, Piece, cost_of
from .scores import check_finite
from .tokenise import PairIds

__all__ = ["SharedBatches", "SharedTicket"]

NEAR = (0.95, 0.85)
"""A batch is filled in rounds, each from all calls that wait: with rows at least so long, in parts of its longest, then with what is
cheaper beside it than alone. Whoever opens it waits longer for its short rows, and less for all it asked, because less padding is
computed: 13 % of all tokens where the opener's rows were taken first, 5 to 6 % so (docs/experiments.md)."""

LONGEST_WAIT_S = 3600.0
"""At a time: a lock refuses to wait for some centuries, which a patient caller may allow."""

Taken: TypeAlias = "list[tuple[SharedTicket, list[int]]]"
"""What a batch is made of: tickets, and which of their rows."""


class SharedBatches:
    """Threads that fill batches from the rows of all calls that wait.

    Who is next: start-time fair queueing (Goyal, Vin and Cheng, 1996) over tokens. Each batch is opened by the call that has had the
    least so far; a newcomer begins at the clock of the call served last, so a short request overtakes a long one and a long one never
    starves. It takes that call's longest row, then rows of about that length from all, in the order of their turns.
    """

    def __init__(self, forward: Forward, floor: Floor) -> None:
        """`forward` is held weakly: the threads end when its owner is gone."""
        self._state = _State(floor)
        owner: object = getattr(forward, "__self__", None)
        held: Callable[[], Forward | None] = (lambda: forward) if owner is None else weakref.WeakMethod(forward)
        if owner is not None:
            weakref.finalize(owner, self._state.stop)
        self._threads = [
            threading.Thread(target=_work, args=(self._state, held), name=f"adjudge-forward-{i}", daemon=True)
            for i in range(max(1, floor.traits.parallel))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, rows: Sequence[PairIds], max_rows: int | None) -> SharedTicket:
        """See Lanes."""
        ticket = SharedTicket(rows, max_rows, current_call.get(), self._state)
        if rows:
            self._state.enter(ticket)
        return ticket

    def close(self) -> None:
        """Let running batches finish; what waits gets ClosedError."""
        self._state.stop()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()


class SharedTicket:
    """One call's rows: what waits, what it has had, and a mailbox of finished pieces."""

    def __init__(self, rows: Sequence[PairIds], max_rows: int | None, call: Call | None, state: _State) -> None:
        """`call`: who waits; None: someone patient."""
        self.rows, self.max_rows, self.call = rows, max_rows, call
        self.lengths = [state.floor.padded(len(r.ids)) for r in rows]
        self.waiting = sorted(range(len(rows)), key=lambda i: (-self.lengths[i], i))
        self.clock = 0.0  # tokens had, plus the clock it began at
        self.batches = 0
        self._state = state
        self._mail: queue.SimpleQueue[Piece | BaseException] = queue.SimpleQueue()

    def pieces(self) -> Iterator[Piece]:
        """See Ticket."""
        missing = len(self.rows)
        while missing:
            got = self._next()
            if isinstance(got, BaseException):
                self.cancel()
                raise got
            missing -= len(got.places)
            yield got

    def cancel(self) -> None:
        """See Ticket."""
        self._state.leave(self)

    def put(self, got: Piece | BaseException) -> None:
        """From the threads: a piece, or why there will be none."""
        self._mail.put(got)

    def _next(self) -> Piece | BaseException:
        while True:
            remaining = None if self.call is None else self.call.remaining()
            try:
                return self._mail.get(timeout=None if remaining is None else min(remaining, LONGEST_WAIT_S))
            except queue.Empty:
                assert self.call is not None
                try:
                    self.call.check()
                except AdjudgeError as exc:
                    return exc


class _Open:
    """A batch that is being filled."""

    def __init__(self, longest: int, budget: int, traits: Traits) -> None:
        self._places: dict[SharedTicket, list[int]] = {}
        self._longest, self._left, self._padding_free = longest, budget, traits.padding_free
        self._rounds = _rounds(longest, traits)
        self._rows, self._most = 0, sys.maxsize

    @property
    def taken(self) -> Taken:
        """What is in it, each ticket once."""
        return list(self._places.items())

    def fill(self, order: Sequence[SharedTicket]) -> None:
        """From calls in the order of their turns."""
        for least in self._rounds:
            for ticket in order:
                if self._full:  # a thousand calls may wait, and the lock is held
                    return
                self.take(ticket, least=least)

    @property
    def _full(self) -> bool:
        """Whether no row has room any more, however short."""
        return self._rows >= self._most or (self._rows > 0 and self._left < (1 if self._padding_free else self._longest))

    def take(self, ticket: SharedTicket, *, least: int) -> None:
        """As many of the ticket's rows as there is room for, of a length between `least` and the batch's longest."""
        most = self._most if ticket.max_rows is None else min(self._most, ticket.max_rows)
        first = end = bisect_left(ticket.waiting, -self._longest, key=lambda place: -ticket.lengths[place])
        rows = self._rows
        while end < len(ticket.waiting):
            length = ticket.lengths[ticket.waiting[end]]
            cost = length if self._padding_free else self._longest
            if length < least or rows >= most or (cost > self._left and rows > 0):
                break
            end, rows = end + 1, rows + 1
            self._left -= cost
            ticket.clock += cost
        if end > first:
            self._rows, self._most = rows, most
            self._places.setdefault(ticket, []).extend(ticket.waiting[first:end])
            del ticket.waiting[first:end]


def _rounds(longest: int, traits: Traits) -> tuple[int, ...]:
    """How long rows must be to be taken in the first round, the second, ..."""
    if traits.padding_free:
        return (0,)
    last = longest // 2 if traits.forward_tokens is None else shortest_beside(longest, traits)
    return tuple(dict.fromkeys((*(max(last, int(near * longest)) for near in NEAR), last)))  # of long rows the last is the nearest too


class _State:
    """What the threads share, under one lock. Holds no engine."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._changed = threading.Condition()
        self._tickets: list[SharedTicket] = []
        self._clock = 0.0
        self._stopped = False

    def enter(self, ticket: SharedTicket) -> None:
        with self._changed:
            if self._stopped:
                raise ClosedError("this reranker was closed while it was used; create a new one")
            ticket.clock = self._clock
            if ticket.call is not None:
                ticket.call.queued()
            self._tickets.append(ticket)
            self._changed.notify_all()

    def leave(self, ticket: SharedTicket) -> None:
        with self._changed:
            ticket.waiting = []
            if ticket in self._tickets:
                self._tickets.remove(ticket)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            for ticket in self._tickets:
                ticket.put(ClosedError("this reranker was closed while it was used; create a new one"))
            self._tickets.clear()
            self._changed.notify_all()

    def take(self) -> Taken | None:
        """The next batch; waits for one. None: it is over."""
        with self._changed:
            while True:
                if self._stopped:
                    return None
                self._drop_the_gone()
                if self._tickets:
                    return self._fill()
                self._changed.wait()

    def _drop_the_gone(self) -> None:
        for ticket in list(self._tickets):
            try:
                if ticket.call is not None:
                    ticket.call.check()
            except AdjudgeError as exc:
                ticket.waiting = []
                self._tickets.remove(ticket)
                ticket.put(exc)

    def _fill(self) -> Taken:
        order = sorted(self._tickets, key=lambda t: t.clock)  # stable: of equals, who came first
        head = order[0]
        self._clock = head.clock
        longest = head.lengths[head.waiting[0]]
        waiting = sum(t.lengths[i] for t in order for i in t.waiting)
        traits = self.floor.traits
        batch = _Open(longest, even_budget(waiting, self.floor.budget.tokens, traits.parallel), traits)
        batch.fill(order)
        for ticket, _ in batch.taken:
            ticket.batches += 1
            if ticket.call is not None:
                ticket.call.taken()
            if not ticket.waiting:
                self._tickets.remove(ticket)
        return batch.taken


def _work(state: _State, held: Callable[[], Forward | None]) -> None:
    """A thread's life."""
    while True:
        taken = state.take()
        forward = held()
        if taken is None or forward is None:
            return
        _compute(forward, taken, state.floor)
        del forward  # while this waits for more, the engine may go


def _compute(forward: Forward, taken: Taken, floor: Floor) -> None:
    """One batch; where it fails, each call's part by itself, so that a fault stays with whose it is."""
    rows = [ticket.rows[i] for ticket, places in taken for i in places]
    try:
        outputs = forward(rows)
    except Exception as exc:  # noqa: BLE001 - whatever it was, whoever waits must hear of it
        if len(taken) == 1:
            taken[0][0].put(exc)
            return
        for part in taken:
            _compute(forward, [part], floor)
        return
    padded, at = cost_of(rows, floor), 0
    for ticket, places in taken:
        share = slice(at, at + len(places))
        at += len(places)
        ticket.put(_piece(places, outputs[share], padded[share]))


def _piece(places: list[int], outputs: Floats, padded: NDArray[np.int64]) -> Piece | BaseException:
    """A call's share of a batch, or what is wrong with it."""
    try:
        return Piece(places, check_finite(outputs), padded)
    except InvalidLogitsError as exc:
        return exc

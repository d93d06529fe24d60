"""Batches that calls share: the same scores, fairly, and a fault stays with whose it is."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.backends.base import Batch, Floats, Traits
from adjudge.config import BatchConfig
from adjudge.engine import sharing
from adjudge.engine.batches import plan_batches, shortest_beside
from adjudge.engine.calls import Call, calling
from adjudge.engine.engine import BatchDone, Engine
from adjudge.engine.lanes import Budget, Floor
from adjudge.engine.sharing import SharedBatches
from adjudge.engine.tokenise import PairIds
from adjudge.errors import AbandonedError, BackendError, ClosedError, DeadlineError, InvalidLogitsError
from adjudge.models.model import Model
from tests.engine.stand_ins import Gate, SmallMemory, StandIn, engine_with
from tests.texts import LONG, PAIRS, QUERIES

MANY = [*PAIRS, *((query, LONG) for query in QUERIES)]
SHARED = BatchConfig(share_batches=True)
POISON = "poison poison"


def logits(engine: Engine, pairs: Sequence[tuple[str, str]]) -> list[float]:
    return [v.logit for v in engine.judge(pairs).verdicts]


@contextmanager
def shared(model: Model, make: Callable[[Model], StandIn] = StandIn, **batches: int) -> Iterator[Engine]:
    engine = engine_with(model, make, batches=BatchConfig(share_batches=True, **batches))
    try:
        yield engine
    finally:
        engine.close()


def blocked(pool: ThreadPoolExecutor, engine: Engine, gate: Gate) -> Future[list[float]]:
    """A call that holds the only stream until the gate opens."""
    first = pool.submit(logits, engine, [("who", "the first call")])
    assert gate.begun.wait(30)
    return first


def queue(pool: ThreadPoolExecutor, engine: Engine, pairs: Sequence[tuple[str, str]], call: Call | None = None) -> Future[list[float]]:
    """A call that has entered the queue."""
    call = Call() if call is None else call
    entered = threading.Event()
    noticed = call.queued

    def queued() -> None:
        noticed()
        entered.set()

    call.queued = queued  # type: ignore[method-assign]

    def work() -> list[float]:
        with calling(call):
            return logits(engine, pairs)

    found = pool.submit(work)
    assert entered.wait(30)
    time.sleep(0.01)  # it tells before it stands in the list
    return found


@pytest.mark.parametrize("padding_free", [True, False])
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("limits", [{}, {"max_batch_tokens": 130}, {"max_batch_pairs": 2}])
def test_one_call_gets_what_it_gets_alone(words: Model, padding_free: bool, parallel: int, limits: dict[str, int]) -> None:
    expected = logits(engine_with(words), MANY)
    with shared(words, lambda m: StandIn(m, parallel=parallel, padding_free=padding_free), **limits) as engine:
        assert logits(engine, MANY) == expected
        assert logits(engine, MANY[::-1]) == expected[::-1]
        assert logits(engine, []) == []


def test_many_calls_at_once_get_their_own_scores(words: Model) -> None:
    parts = [MANY[i::12] for i in range(12)]
    expected = [logits(engine_with(words), part) for part in parts]
    with shared(words, lambda m: StandIn(m, parallel=2, padding_free=False)) as engine, ThreadPoolExecutor(12) as pool:
        for _ in range(5):
            assert list(pool.map(lambda part: logits(engine, part), parts)) == expected


def test_small_calls_share_a_batch(words: Model) -> None:
    gate = Gate(words)
    with shared(words, lambda _: gate) as engine, ThreadPoolExecutor(8) as pool:
        done: list[BatchDone] = []
        engine.watch(done.append)
        first = blocked(pool, engine, gate)
        calls = [queue(pool, engine, [("what do pandas eat", f"bamboo {i}")]) for i in range(5)]
        gate.open.set()
        first.result(30)
        assert [len(call.result(30)) for call in calls] == [1] * 5
        assert [rows for rows, _ in gate.shapes] == [1, 5]
        assert [(b.rows, b.tokens <= b.padded_tokens <= b.budget) for b in done] == [(1, True), (5, True)]


def test_what_a_call_cost_is_counted(words: Model) -> None:
    with shared(words, lambda m: StandIn(m, padding_free=False)) as engine:
        judgement = engine.judge(MANY)
        backend = engine.backend
        assert isinstance(backend, StandIn)
        assert judgement.batches == len(backend.shapes)
        assert sum(v.padded_tokens for v in judgement.verdicts) == sum(rows * length for rows, length in backend.shapes)


def test_a_short_call_overtakes_a_long_one_and_the_long_one_goes_on(words: Model) -> None:
    gate = Gate(words)
    with shared(words, lambda _: gate, max_batch_pairs=4) as engine, ThreadPoolExecutor(8) as pool:
        order: list[int] = []
        engine.watch(lambda done: order.append(done.rows))
        first = blocked(pool, engine, gate)
        long = queue(pool, engine, [("where", f"passage number {i}") for i in range(200)])
        short = queue(pool, engine, [("who", "just one")])
        gate.open.set()
        assert len(short.result(30)) == 1
        assert len(long.result(60)) == 200
        first.result(30)
        assert order[0] == 1, "what held the stream"
        assert order.index(1, 1) < 10, "the short call came after a few batches of the long one, which has fifty"


class Poisoned(Gate):
    """Fails, or answers NaN, where a row holds the tokens of a poisoned pair."""

    def __init__(self, model: Model, *, silent: bool) -> None:
        super().__init__(model)
        self.poison: set[int] = set()
        self._silent = silent

    def forward(self, batch: Batch) -> Floats:
        found = super().forward(batch)
        bad = np.array([bool(self.poison & set(map(int, row))) for row in batch.input_ids])
        if bad.any() and not self._silent:
            raise BackendError("the device choked")
        found[bad] = np.nan
        return found


def ids_of(engine: Engine, text: str) -> set[int]:
    return {int(i) for i in engine.tokeniser.encode([text], short=99)[0].ids}


@pytest.mark.parametrize(("silent", "error"), [(False, BackendError), (True, InvalidLogitsError)])
def test_a_fault_stays_with_its_call(words: Model, silent: bool, error: type[Exception]) -> None:
    gate = Poisoned(words, silent=silent)
    with shared(words, lambda _: gate) as engine, ThreadPoolExecutor(8) as pool:
        plain = {
            int(i) for text in ("who what", "tea", "bamboo", "the first call") for i in engine.tokeniser.encode([text], short=99)[0].ids
        }
        gate.poison = {int(i) for i in engine.tokeniser.encode([POISON], short=99)[0].ids} - plain
        assert gate.poison
        first = blocked(pool, engine, gate)
        good = [queue(pool, engine, [("who", "tea")]), queue(pool, engine, [("what", "bamboo")])]
        bad = queue(pool, engine, [("who", "bamboo"), ("who", POISON)])
        gate.open.set()
        with pytest.raises(error):
            bad.result(30)
        assert [len(call.result(30)) for call in [first, *good]] == [1, 1, 1]
        assert len(logits(engine, [("who", "tea")])) == 1, "the threads live on"


def test_memory_that_runs_out_halves_batches(words: Model) -> None:
    expected = logits(engine_with(words), MANY)
    with shared(words, lambda m: SmallMemory(m, 3)) as engine:
        assert logits(engine, MANY) == expected


@pytest.mark.parametrize("leave", [True, False])
def test_work_nobody_waits_for_is_dropped(words: Model, leave: bool) -> None:
    gate = Gate(words)
    with shared(words, lambda _: gate) as engine, ThreadPoolExecutor(8) as pool:
        first = blocked(pool, engine, gate)
        call = Call() if leave else Call(deadline=time.monotonic() + 0.2)
        gone = queue(pool, engine, [("who", f"passage {i}") for i in range(50)], call)
        stays = queue(pool, engine, [("who", "tea")])
        if leave:
            call.leave()
        else:
            with pytest.raises(DeadlineError, match=r"the deadline passed \d+ ms ago"):
                gone.result(30)
        gate.open.set()
        if leave:
            with pytest.raises(AbandonedError, match="has left"):
                gone.result(30)
        assert len(stays.result(30)) == len(first.result(30)) == 1
        assert sum(rows for rows, _ in gate.shapes) == 2, "fifty rows were never computed"
        assert call.queue_ms == 0.0


@pytest.mark.parametrize("share", [True, False])
def test_a_call_that_is_over_computes_nothing(words: Model, share: bool) -> None:
    engine = engine_with(words, batches=BatchConfig(share_batches=share))
    call = Call(deadline=time.monotonic() - 1)
    with calling(call), pytest.raises(DeadlineError):
        engine.judge(PAIRS)
    backend = engine.backend
    assert isinstance(backend, StandIn)
    assert backend.shapes == []
    assert len(logits(engine, PAIRS)) == len(PAIRS), "outside, nobody is in a hurry"
    engine.close()


def test_closing_answers_whoever_waits(words: Model) -> None:
    gate = Gate(words)
    engine = engine_with(words, lambda _: gate, batches=SHARED)
    with ThreadPoolExecutor(4) as pool:
        first = blocked(pool, engine, gate)
        waits = queue(pool, engine, [("who", "tea")])
        closing = pool.submit(engine.close)
        with pytest.raises(ClosedError):
            waits.result(30)
        gate.open.set()
        closing.result(30)
        assert len(first.result(30)) == 1, "a batch that runs is finished"
    with pytest.raises(ClosedError):
        engine.judge(PAIRS)


def test_an_engine_that_nobody_closed_goes_away(words: Model) -> None:
    before = set(threading.enumerate())
    engine: Engine | None = engine_with(words, lambda m: StandIn(m, parallel=3), batches=SHARED)
    assert engine is not None
    engine.judge(MANY)
    forwards = [t for t in threading.enumerate() if t.name.startswith("adjudge-forward") and t not in before]
    assert len(forwards) == 3
    gone = weakref.ref(engine)
    engine = None
    gc.collect()
    for thread in forwards:
        thread.join(30)
    assert gone() is None
    assert not any(t.is_alive() for t in forwards)


def test_the_wait_is_measured(words: Model) -> None:
    gate = Gate(words)
    with shared(words, lambda _: gate) as engine, ThreadPoolExecutor(4) as pool:
        first, call = blocked(pool, engine, gate), Call()
        waits = queue(pool, engine, [("who", "tea")], call)
        time.sleep(0.05)
        gate.open.set()
        waits.result(30)
        first.result(30)
        assert call.queue_ms >= 50


def test_a_deadline_may_lie_further_off_than_any_lock_can_wait(words: Model) -> None:
    with shared(words) as engine, calling(Call(deadline=time.monotonic() + 1e12)):
        assert len(logits(engine, PAIRS)) == len(PAIRS)


def test_a_patient_call_waits_on_when_its_lock_gives_up(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LONGEST_WAIT_S", 0.001)
    gate = Gate(words)
    with shared(words, lambda _: gate) as engine, ThreadPoolExecutor(4) as pool:
        first = blocked(pool, engine, gate)
        waits = queue(pool, engine, [("who", "tea")], Call(deadline=time.monotonic() + 60))
        time.sleep(0.05)
        gate.open.set()
        assert len(first.result(30)) == len(waits.result(30)) == 1


TRAITS = Traits(backend="fake", device="cpu", precision="f32", outputs=1, padding_free=False, parallel=2)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(1, 300), max_size=30), min_size=1, max_size=8),
    st.integers(16, 1000),
    st.integers(1, 9) | st.none(),
    st.booleans(),
)
def test_every_row_is_computed_once_and_limits_are_kept(calls: list[list[int]], budget: int, rows: int | None, padding_free: bool) -> None:
    seen: list[list[int]] = []

    def forward(batch: Sequence[PairIds]) -> Floats:
        seen.append([len(row.ids) for row in batch])
        return np.array([[row.ids[0]] for row in batch], np.float32)

    traits = Traits(backend="fake", device="cpu", precision="f32", outputs=1, padding_free=padding_free, parallel=2)
    lanes = SharedBatches(forward, Floor(traits, 512, Budget(budget)))
    tickets = [lanes.submit([row_of(n, i) for i, n in enumerate(lengths)], rows) for lengths in calls]
    for lengths, ticket in zip(calls, tickets, strict=True):
        found = {place: float(out[0]) for piece in ticket.pieces() for place, out in zip(piece.places, piece.outputs, strict=True)}
        assert found == {i: float(i) for i in range(len(lengths))}
        assert ticket.batches >= (len(lengths) > 0)
    lanes.close()
    assert sorted(n for batch in seen for n in batch) == sorted(n for lengths in calls for n in lengths)
    for batch in seen:
        assert len(batch) == 1 or (sum(batch) if padding_free else max(batch) * len(batch)) <= budget
        assert rows is None or len(batch) <= rows


@pytest.mark.parametrize("calls", [2, 8, 30])
def test_calls_of_mixed_lengths_are_padded_about_as_little_as_one_sorted_call(calls: int) -> None:
    chance = np.random.default_rng(calls)
    asked = [[int(n) for n in np.clip(chance.lognormal(5, 0.6, 20), 8, 512)] for _ in range(calls)]
    gate, begun = threading.Event(), threading.Event()
    padded: list[int] = []

    def forward(batch: Sequence[PairIds]) -> Floats:
        begun.set()
        assert gate.wait(30)
        padded.append(max(len(row.ids) for row in batch) * len(batch) + 64)
        return np.zeros((len(batch), 1), np.float32)

    traits = replace(TRAITS, parallel=1, forward_tokens=64)
    lanes = SharedBatches(forward, Floor(traits, 512, Budget(2048)))
    held = lanes.submit([row_of(1, 0)], None)
    assert begun.wait(30)
    tickets = [lanes.submit([row_of(n, 0) for n in lengths], None) for lengths in asked]
    gate.set()
    for ticket in [held, *tickets]:
        assert sum(len(piece.places) for piece in ticket.pieces()) == len(ticket.rows)
    lanes.close()
    lengths = [n for call in asked for n in call]
    plan = plan_batches(lengths, max_tokens=2048, shortest=lambda longest: shortest_beside(longest, traits))
    sorted_together = sum(max(lengths[i] for i in batch) * len(batch) + 64 for batch in plan)
    assert sum(padded[1:]) <= 1.06 * sorted_together


def row_of(length: int, number: int) -> PairIds:
    ids = np.full(length, number, np.int32)
    return PairIds(ids, ids, ids)

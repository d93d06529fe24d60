"""The service under load: places, deadlines, clients that leave, and its end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from adjudge import Document, errors
from adjudge.server.asks import Answer, Ask
from adjudge.server.faults import ServiceFault
from adjudge.server.load import estimated_pairs
from adjudge.server.places import LONGEST_S, SPAN_S, Places
from adjudge.server.settings import Limits
from adjudge.server.visit import Visit
from tests.server.asking import DOCUMENTS, Start, ask_of, call_of, rank, refusal, until_async
from tests.server.serving import PATIENCE_S, Gate, until


def test_a_full_queue(start: Start, gate: Gate) -> None:
    service = start(Limits(pairs=5))

    async def three_at_once() -> list[Any]:
        gate.shut()
        first = asyncio.create_task(ask_of(service, documents=DOCUMENTS))
        await until_async(lambda: service.places.pairs == 3)
        refused = await asyncio.gather(ask_of(service, documents=DOCUMENTS), return_exceptions=True)
        second = asyncio.create_task(ask_of(service, documents=DOCUMENTS[:2]))
        await until_async(lambda: service.places.pairs == 5)
        gate.open()
        return [*refused, await first, await second]

    refused, first, second = asyncio.run(three_at_once())
    assert isinstance(refused, ServiceFault)
    assert refused.fault.kind == "overloaded"
    assert refused.fault.retry_after == 1
    assert (len(first.ranking), len(second.ranking)) == (3, 2)


def test_explaining_takes_places_too(start: Start, gate: Gate) -> None:
    service = start()

    async def while_it_waits() -> int:
        gate.shut()
        task = asyncio.create_task(ask_of(service, explain=2))
        await until_async(lambda: service.places.requests == 1)
        taken = service.places.pairs
        gate.open()
        await task
        return taken

    assert asyncio.run(while_it_waits()) > len(DOCUMENTS) + 2


def test_long_documents_take_more_places(start: Start) -> None:
    service = start()
    model = service.registry.get(None)
    assert model is not None
    assert model.reranker is not None
    room = model.reranker.max_length * 4
    long = "x" * (room * 3)
    documents = ("short", Document(long), {"text": long}, {"no": "text"}, None, {"text": 5})
    assert estimated_pairs(Ask(query="q", documents=documents), model) == 1 + 4 + 4 + 1 + 1 + 1
    assert estimated_pairs(Ask(query="q", documents=documents, max_tokens_per_doc=10), model) == 6
    assert estimated_pairs(Ask(query="q", documents=()), model) == 0


def test_a_deadline_that_passes_while_the_model_works(start: Start, gate: Gate) -> None:
    service = start(Limits(timeout_s=0.2))
    gate.shut()
    assert refusal(service).kind == "timeout"
    until(lambda: service.places.requests == 0)
    gate.open()
    service = start(Limits(timeout_s=PATIENCE_S))
    assert len(rank(service).ranking) == 3


def test_the_shorter_deadline_counts(start: Start) -> None:
    service = start(Limits(timeout_s=50.0))
    now = time.monotonic()
    assert service.deadline_of(None) == pytest.approx(now + 50, abs=5)
    assert service.deadline_of(10_000) == pytest.approx(now + 10, abs=5)
    assert service.deadline_of(10_000_000) == pytest.approx(now + 50, abs=5)


def test_work_that_waits_for_a_thread_is_dropped_with_its_client(start: Start, gate: Gate) -> None:
    service = start(Limits(threads=1))

    async def leave() -> None:
        gate.shut()
        first = asyncio.create_task(ask_of(service))
        await until_async(lambda: gate.waiting == 1)
        second = asyncio.create_task(ask_of(service))
        await until_async(lambda: service.places.requests == 2)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert service.places.requests == 1, "dropped at once, not when its turn comes"
        gate.open()
        await first

    asyncio.run(leave())
    assert gate.waiting == 1


def test_similarities_are_dropped_with_their_client(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    service = start()
    embedder = service._similarities._open()
    assert embedder is not None
    real, opened = embedder._backend.forward, threading.Event()
    passes: list[int] = []

    def forward(batch: Any) -> Any:
        if batch.rows > 1:  # the query's own has one
            passes.append(batch.rows)
            assert opened.wait(PATIENCE_S)
        return real(batch)

    monkeypatch.setattr(embedder._backend, "forward", forward)
    documents = tuple(f"red wine {i} " + "and blue cheese " * 60 for i in range(600))

    async def leave() -> None:
        task = asyncio.create_task(ask_of(service, documents=documents, similarity=True))
        await until_async(lambda: len(passes) > 0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        opened.set()
        await until_async(lambda: service.places.requests == 0)

    asyncio.run(leave())
    assert sum(passes) < len(documents) / 2


def test_a_backend_that_fails_fails_its_own_request(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    service = start()
    reranker = next(iter(service.registry)).reranker
    assert reranker is not None
    real, error = reranker.backend.forward, errors.BackendError("the third batch")
    calls: list[int] = []

    def third_fails(batch: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise error
        return real(batch)

    monkeypatch.setattr(reranker.backend, "forward", third_fails)
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(len(rank(service).ranking))
        except ServiceFault as refused:
            outcomes.append(refused.fault)
    assert [outcome if isinstance(outcome, int) else outcome.kind for outcome in outcomes] == [3, 3, "backend", 3, 3]


def test_after_the_end(start: Start) -> None:
    service = start()
    assert service.close(timeout_s=PATIENCE_S)
    assert refusal(service).kind == "not_ready"


def test_an_end_that_takes_too_long_is_told(start: Start, gate: Gate) -> None:
    service = start(Limits(timeout_s=0.05))
    gate.shut()
    assert refusal(service).kind == "timeout"
    assert not service.close(timeout_s=0.05)
    gate.open()
    until(lambda: not any(thread.name == "adjudge-close" for thread in threading.enumerate()))


def test_abandoned_calls_know_it(start: Start, gate: Gate) -> None:
    service = start()

    async def abandon() -> bool:
        gate.shut()
        call = call_of(service)
        task = asyncio.create_task(service.rank(Ask(query="q", documents=DOCUMENTS), call, Visit(request_id="r")))
        await until_async(lambda: gate.waiting > 0)
        service.abandon()
        gate.open()
        await asyncio.gather(task, return_exceptions=True)
        return call.left

    assert asyncio.run(abandon())


def test_retry_after_follows_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    places = Places(100)
    places.take(100)
    assert _retry_after(places, 1) == 1, "nothing is known yet"
    for _ in range(10):  # ten pairs a second
        now[0] += 1
        places.give_back(10)
        places.take(10)
    assert _retry_after(places, 50) == pytest.approx(5, abs=1)
    assert _retry_after(places, 100) == pytest.approx(10, abs=2)
    now[0] += SPAN_S * 1000  # and then nothing came through for a long time
    assert _retry_after(places, 100) == LONGEST_S


def test_places_are_told() -> None:
    told: list[tuple[int, int]] = []
    places = Places(10, told=lambda pairs, requests: told.append((pairs, requests)))
    places.take(4)
    places.take(6)
    places.give_back(4)
    places.give_back(6)
    assert told == [(4, 1), (10, 2), (6, 1), (0, 0)]


def _retry_after(places: Places, pairs: int) -> int:
    with pytest.raises(ServiceFault) as refused:
        places.take(pairs)
    found = refused.value.fault.retry_after
    assert found is not None
    return found


def test_the_clock_runs_on(start: Start) -> None:
    """Nothing of the work is done on the event loop."""

    async def beside() -> tuple[Answer, int]:
        service = start()
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticking: Awaitable[None] = asyncio.ensure_future(tick())
        answer = await ask_of(service, documents=tuple(f"red wine {i}" for i in range(500)))
        ticking.cancel()  # type: ignore[attr-defined]
        return answer, ticks

    answer, ticks = asyncio.run(beside())
    assert len(answer.ranking) == 500
    assert ticks > 10

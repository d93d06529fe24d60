"""One reranker, many callers: threads, an event loop, a close in the middle, a fork."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.engine import engine as engine_module
from adjudge.engine.calls import Call, calling
from adjudge.errors import AbandonedError, ClosedError
from adjudge.models.model import Model
from tests.engine.stand_ins import Gate, StandIn, give_up, judge_with, model_of
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES

SIZES = (1, 2, 14, 5)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return model_of("xlm-roberta", tmp_path_factory.mktemp("words"))


def requests(count: int) -> list[tuple[str, list[str]]]:
    """Queries with few or many documents, some long."""
    return [(QUERIES[i % len(QUERIES)], [*DOCUMENTS[: SIZES[i % 4]], *([LONG] if i % 5 == 0 else [])]) for i in range(count)]


def test_sixteen_threads_get_the_serial_answers(embedded_f32: Reranker) -> None:
    asked = [(query, documents[:3]) for query, documents in requests(16)]
    serial = [embedded_f32.rank(query, documents) for query, documents in asked]
    start = threading.Barrier(16)

    def ask(i: int) -> Any:
        start.wait(30)
        return embedded_f32.rank(*asked[i])

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(16)))
    for one, other in zip(serial, found, strict=True):
        logits = {r.index: r.logit for r in one}
        assert {r.index: r.logit for r in other} == pytest.approx(logits, abs=1e-4)
        assert other.usage.tokens == one.usage.tokens


def test_many_threads_many_calls(word_judge: Reranker) -> None:
    asked = requests(96)
    serial = [word_judge.rank(query, documents).results for query, documents in asked]
    with ThreadPoolExecutor(16) as pool:
        assert [r.results for r in pool.map(lambda a: word_judge.rank(*a), asked)] == serial


def test_one_event_loop(word_judge: Reranker) -> None:
    asked = requests(20)

    async def everything() -> tuple[Any, ...]:
        ticks = 0

        async def tick() -> int:
            nonlocal ticks
            for _ in range(5):
                ticks += 1
                await asyncio.sleep(0.001)
            return ticks

        ranks = asyncio.gather(*(word_judge.arank(query, documents, top_n=3) for query, documents in asked))
        many = word_judge.arank_many([q for q, _ in asked], [d for _, d in asked], top_n=3)
        scores = word_judge.ascore(PAIRS, normalize=False)
        return await asyncio.gather(ranks, many, scores, tick())

    ranks, many, scores, ticks = asyncio.run(everything())
    expected = [word_judge.rank(query, documents, top_n=3).results for query, documents in asked]
    assert [r.results for r in ranks] == [r.results for r in many] == expected
    assert scores == word_judge.score(PAIRS, normalize=False)
    assert ticks == 5


def test_the_event_loop_goes_on_while_a_batch_runs(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Gate(words)
    judge = judge_with(monkeypatch, words, lambda _: backend)

    async def ask() -> int:
        task = asyncio.create_task(judge.arank("bamboo", DOCUMENTS))
        while not backend.begun.is_set():
            await asyncio.sleep(0.001)
        backend.open.set()
        return len(await task)

    assert asyncio.run(ask()) == len(DOCUMENTS)


def test_errors_of_async_calls_reach_the_caller(word_judge: Reranker) -> None:
    async def ask() -> list[Any]:
        calls = (word_judge.arank("", ["a"]), word_judge.ascore("ab"), word_judge.arank_many(["a"], []), word_judge.arank("a", ["a"]))  # type: ignore[arg-type]
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(ask())
    assert [type(e).__name__ for e in found] == ["InputError", "InputError", "InputError", "Ranking"]


def test_what_a_cancelled_call_has_left_is_not_computed(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Gate(words)
    judge = judge_with(monkeypatch, words, lambda _: backend, max_batch_pairs=1)
    asyncio.run(give_up(judge.arank("bamboo", DOCUMENTS), backend))
    judge.close()
    assert 1 <= len(backend.shapes) < len(DOCUMENTS)


def test_a_call_within_a_call_that_is_watched_stays_the_watchers(word_judge: Reranker) -> None:
    """A server says itself when its client has left."""

    async def ask() -> None:
        with calling(Call()) as call:
            call.leave()
            await word_judge.arank("bamboo", DOCUMENTS)

    with pytest.raises(AbandonedError):
        asyncio.run(ask())


def test_close_waits_for_what_runs(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Gate(words)
    judge = judge_with(monkeypatch, words, lambda _: backend)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(judge.rank, "bamboo", DOCUMENTS)
        assert backend.begun.wait(30)
        closing = pool.submit(judge.close)
        time.sleep(0.05)
        assert not closing.done()
        assert backend.closed == 0
        with pytest.raises(ClosedError):
            judge.rank("bamboo", DOCUMENTS)
        backend.open.set()
        assert len(running.result(timeout=30)) == len(DOCUMENTS)
        closing.result(timeout=30)
    assert backend.closed == 1


def test_close_while_many_run(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call gets its answer or a ClosedError; none hangs, none gets a part."""
    monkeypatch.setattr(engine_module, "BLOCK_PAIRS", 4)
    expected = judge_with(monkeypatch, words).score(PAIRS)
    for pause in (0.0, 0.01, 0.03):
        judge = judge_with(monkeypatch, words, lambda m: StandIn(m, parallel=2))
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(judge.score, PAIRS) for _ in range(8)]
            time.sleep(pause)
            judge.close()
            errors = [call.exception(timeout=60) for call in calls]
        assert {type(e) for e in errors} <= {type(None), ClosedError}
        assert all(call.result() == expected for call, error in zip(calls, errors, strict=True) if error is None)


def test_use_after_close(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StandIn(words)
    with judge_with(monkeypatch, words, lambda _: backend) as judge:
        assert judge.rank("bamboo", DOCUMENTS)
    judge.close()
    for call in (lambda: judge.rank("a", ["b"]), lambda: judge.rank("a", []), lambda: judge.score([]), judge.warm_up):
        with pytest.raises(ClosedError, match="closed"):
            call()
    assert "xlm-roberta" in repr(judge)
    assert judge.model is words


def test_the_shipped_model_closes() -> None:
    judge = Reranker(backend="openvino")
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(judge.score, PAIRS[:2]) for _ in range(4)]
        judge.close()
        errors = [call.exception(timeout=60) for call in calls]
    assert {type(e) for e in errors} <= {type(None), ClosedError}
    with pytest.raises(ClosedError):
        judge.score(PAIRS[:1])


def test_an_error_inside_the_context_closes_too(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StandIn(words)
    with pytest.raises(KeyError), judge_with(monkeypatch, words, lambda _: backend):
        raise KeyError
    assert backend.closed == 1


def test_a_backend_is_closed_when_the_rest_cannot_be_loaded(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StandIn(words)
    monkeypatch.setattr("adjudge.reranker.Tokeniser", lambda _model: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        judge_with(monkeypatch, words, lambda _: backend)
    assert backend.closed == 1


FORK = """
import os, signal
from adjudge import Reranker
from adjudge.errors import BackendError

judge = Reranker(backend="fake")
judge.rank("a", ["a", "b"])
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        judge.rank("a", ["a", "b"])
    except BackendError as error:
        os._exit(7 if "fork" in str(error) else 1)
    os._exit(2)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(judge.rank("a", ["a", "b"])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_forked_child_is_told_instead_of_waiting_for_ever() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["7", "2"], done.stderr

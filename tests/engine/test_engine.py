"""The order of stages: batches, back-off, failures, progress, and what it all took."""

from __future__ import annotations

import gc
import itertools
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from adjudge.backends.base import Batch, Floats
from adjudge.config import BatchConfig, WindowConfig
from adjudge.engine import engine as engine_module
from adjudge.engine.cut import CutDocument
from adjudge.engine.engine import Engine, Judgement
from adjudge.engine.lanes import LEAST
from adjudge.errors import BackendError, BackendMemoryError, ConfigError, InvalidLogitsError
from adjudge.models.model import Model
from tests.engine.stand_ins import Answers, FailsAt, SmallMemory, StandIn, engine_with
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES

MANY = [*PAIRS, *((query, LONG) for query in QUERIES)]
"""90 pairs, 6 of them with many windows."""


def logits(judgement: Judgement) -> list[float]:
    return [v.logit for v in judgement.verdicts]


def alone(model: Model, pairs: list[tuple[str, str]]) -> list[float]:
    engine = engine_with(model)
    return [engine.judge([pair]).verdicts[0].logit for pair in pairs]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BLOCK_PAIRS", 7)


@pytest.mark.parametrize("padding_free", [True, False])
@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.usefixtures("small_blocks")
def test_blocks_batches_and_streams_change_nothing(words: Model, padding_free: bool, parallel: int) -> None:
    expected = alone(words, MANY)
    for batches in (BatchConfig(), BatchConfig(max_batch_tokens=130), BatchConfig(max_batch_pairs=2)):
        engine = engine_with(words, lambda m: StandIn(m, parallel=parallel, padding_free=padding_free), batches=batches)
        assert logits(engine.judge(MANY)) == expected
        assert logits(engine.judge(MANY[::-1])) == expected[::-1]
        engine.close()


def test_usage_adds_up(words: Model) -> None:
    backend = StandIn(words, padding_free=False)
    judgement = engine_with(words, lambda _: backend).judge(MANY)
    assert judgement.batches == len(backend.shapes)
    assert sum(v.windows for v in judgement.verdicts) == sum(rows for rows, _ in backend.shapes)
    assert sum(v.pair_tokens for v in judgement.verdicts) == sum(backend.tokens)
    assert sum(v.padded_tokens for v in judgement.verdicts) == sum(rows * length for rows, length in backend.shapes)


def test_padding_that_costs_nothing_is_not_counted(words: Model) -> None:
    judgement = engine_with(words).judge(MANY)
    assert all(v.padded_tokens == v.pair_tokens for v in judgement.verdicts)


def test_timings_add_up(words: Model) -> None:
    timings = engine_with(words).judge(MANY).timings
    assert timings.tokenise_ms > 0
    assert timings.forward_ms > 0
    assert timings.total_ms >= timings.tokenise_ms + timings.forward_ms


def test_no_pairs(words: Model) -> None:
    backend = StandIn(words)
    judgement = engine_with(words, lambda _: backend).judge([])
    assert (judgement.verdicts, judgement.batches, backend.shapes) == ((), 0, [])


@pytest.mark.parametrize(
    "batches", [BatchConfig(max_batch_tokens=1), BatchConfig(max_batch_pairs=1), BatchConfig(max_batch_tokens=10**9, max_batch_pairs=3)]
)
def test_batch_limits_are_honoured(words: Model, batches: BatchConfig) -> None:
    backend = StandIn(words)
    engine_with(words, lambda _: backend, batches=batches).judge(MANY)
    most = batches.max_batch_pairs if batches.max_batch_pairs is not None else 1
    assert max(rows for rows, _ in backend.shapes) == most


def test_most_rows_for_one_call(words: Model) -> None:
    backend = StandIn(words)
    engine = engine_with(words, lambda _: backend, batches=BatchConfig(max_batch_pairs=9))
    engine.judge(MANY, max_rows=4)
    assert max(rows for rows, _ in backend.shapes) == 4
    engine.judge(MANY, max_rows=50)
    assert max(rows for rows, _ in backend.shapes) == 9


def test_a_pair_longer_than_the_budget_is_judged(words: Model) -> None:
    engine = engine_with(words, batches=BatchConfig(max_batch_tokens=16))
    assert logits(engine.judge(MANY)) == alone(words, MANY)


class TestOutOfMemory:
    @pytest.mark.parametrize("rows", [1, 2, 5, 17])
    @pytest.mark.parametrize("parallel", [1, 4])
    def test_answers_are_the_same_and_the_budget_shrinks(
        self, words: Model, caplog: pytest.LogCaptureFixture, rows: int, parallel: int
    ) -> None:
        engine = engine_with(words, lambda m: SmallMemory(m, rows, parallel=parallel), batches=BatchConfig(max_batch_tokens=4096))
        assert logits(engine.judge(MANY)) == alone(words, MANY)
        assert LEAST <= engine.max_batch_tokens < 4096
        assert "memory ran out" in caplog.text
        assert logits(engine.judge(MANY)) == alone(words, MANY)

    def test_no_less_than_the_floor_and_never_more_than_configured(self, words: Model) -> None:
        low = engine_with(words, lambda m: SmallMemory(m, 1), batches=BatchConfig(max_batch_tokens=100))
        low.judge(MANY)
        assert low.max_batch_tokens == 100
        high = engine_with(words, lambda m: SmallMemory(m, 1), batches=BatchConfig(max_batch_tokens=3000))
        high.judge(MANY)
        assert high.max_batch_tokens == LEAST

    def test_streams_that_fail_together_halve_it_once(self, words: Model) -> None:
        """Two streams that run out at the same moment say the same thing; it must not count twice."""
        meet = threading.Barrier(2)

        class Together(SmallMemory):
            def forward(self, batch: Batch) -> Floats:
                if batch.rows > self._rows:
                    meet.wait(30)
                return super().forward(batch)

        orders = itertools.islice(itertools.permutations("abcde"), 64)
        pairs = [(QUERIES[0], f"{' '.join(order)} {DOCUMENTS[0]}") for order in orders]  # different, and all of one length
        budget = engine_with(words).judge(pairs[:1]).verdicts[0].pair_tokens * 32
        assert budget >= 4 * LEAST
        engine = engine_with(words, lambda m: Together(m, 16, parallel=2), batches=BatchConfig(max_batch_tokens=budget))
        engine.judge(pairs)
        assert engine.max_batch_tokens == budget // 2

    def test_one_row_that_does_not_fit_is_an_error(self, words: Model) -> None:
        engine = engine_with(words, lambda m: SmallMemory(m, 0))
        with pytest.raises(BackendMemoryError):
            engine.judge(PAIRS)

    def test_what_the_failed_batch_held_is_free_before_the_next_try(self, words: Model) -> None:
        """Activations live in the frames that the error's traceback holds; halves must not run beside them."""
        held: list[weakref.ref[np.ndarray]] = []
        alive: list[bool] = []

        class Hungry(StandIn):
            def forward(self, batch: Batch) -> Floats:
                alive.extend(ref() is not None for ref in held)
                if batch.rows > 20:
                    activations = np.zeros(1000, np.float32)
                    held.append(weakref.ref(activations))
                    raise BackendMemoryError("memory ran out")
                return super().forward(batch)

        gc.disable()
        try:
            engine_with(words, Hungry, batches=BatchConfig(max_batch_tokens=10**6)).judge(PAIRS)
        finally:
            gc.enable()
        assert alive
        assert not any(alive)


class TestFailures:
    def test_a_failed_batch_fails_its_own_request_and_nothing_hangs(self, words: Model) -> None:
        expected = alone(words, MANY)
        engine = engine_with(words, lambda m: FailsAt(m, 9, parallel=2), batches=BatchConfig(max_batch_pairs=2))
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(engine.judge, MANY) for _ in range(8)]
            errors = [call.exception(timeout=60) for call in calls]
        assert sum(error is not None for error in errors) == 1
        assert next(isinstance(e, BackendError) and "device is gone" in str(e) for e in errors if e is not None)
        assert all(logits(call.result()) == expected for call, error in zip(calls, errors, strict=True) if error is None)
        assert logits(engine.judge(MANY)) == expected
        engine.close()

    def test_what_is_behind_a_failed_batch_is_not_computed(self, words: Model) -> None:
        reported = threading.Event()

        class FailsThenWaits(FailsAt):
            def forward(self, batch: Batch) -> Floats:
                assert not self.shapes or reported.wait(30)
                return super().forward(batch)

        backend = FailsThenWaits(words, 1)
        engine = engine_with(words, lambda _: backend, batches=BatchConfig(max_batch_pairs=1))
        with pytest.raises(BackendError):
            engine.judge(MANY)
        reported.set()
        engine.close()
        assert len(backend.shapes) <= 2  # the second had begun

    def test_an_error_that_is_no_adjudge_error_reaches_the_caller(self, words: Model) -> None:
        engine = engine_with(words, lambda m: FailsAt(m, 1, ZeroDivisionError("a bug")))
        with pytest.raises(ZeroDivisionError):
            engine.judge(PAIRS)
        assert len(engine.judge(PAIRS).verdicts) == len(PAIRS)

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_not_a_number_is_an_error_and_no_rank(self, words: Model, bad: float) -> None:
        def spoil(found: Floats) -> Floats:
            found[-1, 0] = bad
            return found

        engine = engine_with(words, lambda m: Answers(m, spoil))
        with pytest.raises(InvalidLogitsError):
            engine.judge(PAIRS)
        with pytest.raises(InvalidLogitsError):
            engine.outputs(PAIRS, CutDocument(max_length=20, max_query=6))

    def test_no_more_threads_is_not_called_closed(self, words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        engine = engine_with(words)

        def refuse(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(engine._lanes._pool, "submit", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            engine.judge(PAIRS)


class TestProgress:
    def test_it_grows_to_the_total(self, words: Model) -> None:
        seen: list[tuple[int, int]] = []
        engine = engine_with(words, lambda m: StandIn(m, parallel=2), batches=BatchConfig(max_batch_pairs=3))
        engine.judge(MANY, progress=lambda done, total: seen.append((done, total)))
        assert seen == sorted(seen)
        assert seen[-1] == (len(MANY), len(MANY))
        assert len(seen) > 10

    @pytest.mark.usefixtures("small_blocks")
    def test_also_over_several_blocks(self, words: Model) -> None:
        seen: list[tuple[int, int]] = []
        engine_with(words).judge(MANY, progress=lambda done, total: seen.append((done, total)))
        assert seen == sorted(seen)
        assert {total for _, total in seen} == {len(MANY)}
        assert [done for done, _ in seen if done % 7 == 0] == [*range(7, 90, 7)]
        assert seen[-1][0] == len(MANY)

    def test_it_comes_from_the_thread_that_asked(self, words: Model) -> None:
        threads: set[int] = set()
        engine_with(words).judge(PAIRS, progress=lambda _done, _total: threads.add(threading.get_ident()))
        assert threads == {threading.get_ident()}

    @pytest.mark.usefixtures("small_blocks")
    def test_an_error_in_it_ends_the_call_and_nothing_else(self, words: Model) -> None:
        backend = StandIn(words)
        engine = engine_with(words, lambda _: backend, batches=BatchConfig(max_batch_pairs=1))

        def stop(_done: int, _total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            engine.judge(MANY, progress=stop)
        engine.close()
        assert len(backend.shapes) < len(MANY)


class TestOneCall:
    def test_windows_of_the_call_replace_those_of_the_engine(self, words: Model) -> None:
        engine = engine_with(words, windows=WindowConfig(mode="truncate"))
        pairs = [("bamboo", LONG)]
        assert engine.judge(pairs).verdicts[0].tokens_unseen > 0
        assert engine.judge(pairs, windows=WindowConfig()).verdicts[0].tokens_unseen == 0
        assert engine.judge(pairs, windows=WindowConfig(max_windows=2)).verdicts[0].windows == 2

    def test_length_of_the_call(self, words: Model) -> None:
        engine = engine_with(words, max_length=64)
        assert engine.judge([("bamboo", LONG)], max_length=16).verdicts[0].windows > engine.judge([("bamboo", LONG)]).verdicts[0].windows
        for wanted in (65, 0, -1, 5):
            with pytest.raises(ConfigError):
                engine.judge([("bamboo", LONG)], max_length=wanted)

    @pytest.mark.parametrize("windows", ["truncate", {"mode": "truncate"}, 3, False])
    def test_windows_of_another_kind(self, words: Model, windows: object) -> None:
        with pytest.raises(ConfigError, match="WindowConfig"):
            engine_with(words).judge(PAIRS, windows=windows)  # type: ignore[arg-type]

    def test_outputs_cut_as_asked_and_count_it(self, words: Model) -> None:
        engine = engine_with(words)
        short = engine.outputs(MANY, CutDocument(max_length=20, max_query=6))
        assert short.logits.shape == (len(MANY), 1)
        assert short.document_tokens_unseen[-1] > 0
        whole = engine.outputs(list(PAIRS), CutDocument(max_length=128, max_query=128))
        assert whole.document_tokens_unseen.tolist() == [0] * len(PAIRS)
        assert whole.logits[:, 0].tolist() == alone(words, list(PAIRS))
        assert engine.outputs([], CutDocument(max_length=20, max_query=6)).logits.shape == (0, 1)


def test_max_length(words: Model) -> None:
    assert engine_with(words).max_length == words.max_length
    assert engine_with(words, max_length=8).max_length == 8
    with pytest.raises(ConfigError, match="max_length=129"):
        engine_with(words, max_length=129)


def test_an_engine_that_nobody_closed_goes_away(words: Model) -> None:
    before = set(threading.enumerate())  # engines of other tests have threads too
    engine: Engine | None = engine_with(words, lambda m: StandIn(m, parallel=3))
    assert engine is not None
    engine.judge(MANY)
    forwards = [t for t in threading.enumerate() if t.name.startswith("adjudge-forward") and t not in before]
    assert forwards
    gone = weakref.ref(engine)
    engine = None
    gc.collect()
    assert gone() is None
    for thread in forwards:
        thread.join(30)
    assert not any(t.is_alive() for t in forwards)


def test_documents_of_one_query_share_its_tokens_only(words: Model) -> None:
    verdicts = engine_with(words).judge([(QUERIES[0], d) for d in DOCUMENTS]).verdicts
    assert all(v.pair_tokens > v.document_tokens for v in verdicts)

"""What the strong judge reads in a given time, told by a clock that passes only when a judge works."""

from __future__ import annotations

import math
from typing import Any

import pytest

from adjudge.engine.documents import accept_documents
from adjudge.errors import ConfigError
from adjudge.models.model import Model
from tests.engine.cascades import MATCHES, PLAIN, QUERY, Clock, Slow, cascade_of, plain_order, rank, read_by
from tests.engine.conftest import Models


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.perf_counter", clock.read)
    return clock


@pytest.fixture
def words(models: Models) -> Model:
    """With a tokenizer that tells all texts apart, so that none is known from another."""
    return models("roberta")


@pytest.mark.parametrize("budget", [0, -1, math.nan, math.inf, "5", True])
def test_budgets_that_are_none(words: Model, budget: Any) -> None:
    with cascade_of(words) as cascade:
        with pytest.raises(ConfigError, match="budget_ms"):
            rank(cascade, budget_ms=budget)
        assert cascade.strong.backend.shapes == []  # type: ignore[attr-defined]


def test_enough_time_is_as_no_budget(words: Model) -> None:
    with cascade_of(words, keep=3) as cascade:
        free, bound = rank(cascade), rank(cascade, budget_ms=60_000)
    assert (bound.results, bound.warnings) == (free.results, ())


def test_too_little_for_anything_but_the_first(words: Model, clock: Clock) -> None:
    with cascade_of(words, first=lambda m: Slow(m, clock, 0.1), fitted=False) as cascade:
        found = rank(cascade, budget_ms=1)
        order = plain_order(cascade, MATCHES)
    assert [r.index for r in found] == order
    assert read_by(found, "small") == set(order)
    taken = found.timings.total_ms
    assert taken > 1
    assert found.warnings == (f"budget_ms=1: large read 0 of 8 documents; small alone took {taken:.0f} ms",)
    assert (found.score_type, found.model, found.usage.pairs) == ("sigmoid", "large", 8)


@pytest.mark.parametrize("fixed_ms", [0.0, 5.0])
def test_the_time_decides_how_many(words: Model, clock: Clock, fixed_ms: float) -> None:
    texts = [f"bamboo {i}" for i in range(100)]
    with cascade_of(words, strong=lambda m: Slow(m, clock, 0.1, fixed_ms)) as cascade:
        cascade.measure()
        began = clock.now
        found = rank(cascade, texts, budget_ms=100)
        taken = (clock.now - began) * 1e3
        read = read_by(found, "large")
        assert read == set(plain_order(cascade, texts)[: len(read)]), "the best of them"
        assert taken <= 100, "the estimate was right, so nothing ran over"
        assert taken >= 75, "and most of the time was used"
        assert found.warnings == (f"budget_ms=100: large read {len(read)} of 100 documents",)
        assert found.usage.pairs == 100 + len(read)
        assert found.timings.total_ms == pytest.approx(taken)
        later = rank(cascade, texts, budget_ms=100)
    assert len(read_by(later, "large")) >= len(read), "it doubts less now, so it needs fewer slices"


def test_a_wrong_estimate_does_not_run_far_over(words: Model, clock: Clock) -> None:
    """The judge is ten times slower than when it was measured. Only half of the budget was planned before the next look at the clock."""
    texts = [f"bamboo {i}" for i in range(100)]
    with cascade_of(words, strong=lambda m: Slow(m, clock, 0.02)) as cascade:
        cascade.measure()
        believed = cascade.cost
        cascade.strong.backend.ms_per_token = 0.2  # type: ignore[attr-defined]
        took, counts = [], []
        for _ in range(12):
            began = clock.now
            counts.append(len(read_by(rank(cascade, texts, budget_ms=40), "large")))
            took.append((clock.now - began) * 1e3)
        assert believed is not None
        assert cascade.cost is not None
        assert cascade.cost.ms_per_token == pytest.approx(10 * believed.ms_per_token, rel=0.2), "it has learnt"
    assert took[0] <= 10 * 40 / 2
    assert counts[0] < 100
    assert all(t <= 40 * 1.2 for t in took[-3:]), "and keeps the budget again"
    assert all(counts[-3:])


def test_a_judge_that_is_twice_as_slow_still_ends_in_time(words: Model, clock: Clock) -> None:
    texts = [f"bamboo {i}" for i in range(100)]
    with cascade_of(words, strong=lambda m: Slow(m, clock, 0.1)) as cascade:
        cascade.measure()
        cascade.strong.backend.ms_per_token = 0.2  # type: ignore[attr-defined]
        began = clock.now
        found = rank(cascade, texts, budget_ms=100)
    assert (clock.now - began) * 1e3 <= 100
    assert read_by(found, "large")


def test_what_was_believed_too_dear_is_tried_again(words: Model, clock: Clock) -> None:
    """The machine was busy while it was measured."""
    texts = [f"bamboo {i}" for i in range(20)]
    with cascade_of(words, strong=lambda m: Slow(m, clock, 0.01, 500.0)) as cascade:
        cascade.measure()
        cascade.strong.backend.fixed_ms = 1.0  # type: ignore[attr-defined]
        assert not read_by(rank(cascade, texts, budget_ms=100), "large")
        counts = []
        for _ in range(20):
            clock.pass_ms(61_000)
            counts.append(len(read_by(rank(cascade, texts, budget_ms=100), "large")))
    assert counts[0] == 1
    assert counts[-1] == 20


def test_a_budget_is_shared_evenly(words: Model, clock: Clock) -> None:
    requests = [(f"bamboo {i}", accept_documents([f"bamboo {i} {j}" for j in range(20)])) for i in range(4)]
    with cascade_of(words, strong=lambda m: Slow(m, clock, 0.1)) as cascade:
        rankings = cascade.rank(requests, PLAIN, budget_ms=50)
    counts = [len(read_by(r, "large")) for r in rankings]
    assert max(counts) - min(counts) <= 1
    assert 0 < sum(counts) < 80
    assert [r.warnings for r in rankings] == [(f"budget_ms=50: large read {count} of 20 documents",) for count in counts]


def test_the_cost_is_measured_once_and_outside_the_budget(words: Model, clock: Clock) -> None:
    with cascade_of(words, budget_ms=200.0, strong=lambda m: Slow(m, clock, 0.3)) as cascade:
        assert cascade.cost is None
        began = clock.now
        first = rank(cascade, MATCHES[:2])
        assert cascade.cost is not None
        assert (clock.now - began) * 1e3 > 200 > first.timings.total_ms
        assert read_by(first, "large") == {0, 1}
        calls = len(cascade.strong.backend.shapes)  # type: ignore[attr-defined]
        rank(cascade, MATCHES[:2])
        assert len(cascade.strong.backend.shapes) - calls <= 2  # type: ignore[attr-defined]


def test_a_call_without_a_budget_teaches_too(words: Model, clock: Clock) -> None:
    with cascade_of(words, keep=3, strong=lambda m: Slow(m, clock, 0.1)) as cascade:
        cascade.measure()
        before = cascade.cost
        cascade.strong.backend.ms_per_token = 0.2  # type: ignore[attr-defined]
        rank(cascade)
        assert before is not None
        assert cascade.cost is not None
        assert cascade.cost.ms_per_token == pytest.approx(1.3 * before.ms_per_token, rel=0.05)
        learnt = cascade.cost
        cascade.rank([(QUERY, accept_documents(MATCHES)), (QUERY, accept_documents(MATCHES[:3]))], PLAIN)
        assert cascade.cost is learnt, "the first judge was spared for three documents, so their tokens were not counted"
        cascade.learn(0, 1e6)
        assert cascade.cost is learnt, "what was known already cost nothing and teaches nothing"

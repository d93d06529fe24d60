"""What a judge costs is learnt from what it took, and a budget never buys more than it can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine import budget
from adjudge.engine.budget import Cost, Deadline, affordable, measured

COST = Cost(fixed_ms=4.0, ms_per_token=0.5)


def test_two_calls_make_a_line() -> None:
    cost = measured((10, 9.0), (100, 54.0))
    assert (cost.fixed_ms, cost.ms_per_token) == pytest.approx((4.0, 0.5))
    assert cost.predict(20) == pytest.approx(14.0)


@pytest.mark.parametrize(("small", "large"), [((10, 9.0), (100, 9.0)), ((10, 20.0), (100, 10.0)), ((100, 5.0), (100, 10.0))])
def test_a_noisy_clock_still_makes_a_cost(small: tuple[int, float], large: tuple[int, float]) -> None:
    cost = measured(small, large)
    assert (cost.fixed_ms, cost.ms_per_token) == (0.0, large[1] / 100)


def test_a_steep_line_has_no_negative_start() -> None:
    assert measured((100, 10.0), (200, 90.0)).fixed_ms == 0.0


def test_it_follows_what_it_sees_and_doubts_less() -> None:
    cost = COST
    for _ in range(20):
        cost = cost.learn(100, 216.0)  # the machine is four times slower now
    assert (cost.fixed_ms, cost.ms_per_token) == pytest.approx((16.0, 2.0), rel=0.01)
    assert cost.doubt < 0.1
    assert cost.learn(100, 432.0).doubt > 0.25, "what was wrong once may be wrong again"


def test_it_follows_down_too() -> None:
    cost = COST
    for _ in range(20):
        cost = cost.learn(8, 1.0)  # less than the fixed part alone was believed to be
    assert cost.predict(8) == pytest.approx(1.0, rel=0.01)


def test_one_hiccup_does_not_upset_it() -> None:
    cost = COST.learn(100, 1e9)
    assert cost.doubt <= 0.7 + 0.3 * budget.MOST_ERROR
    assert cost.predict(100) <= COST.predict(100) * (1 + 0.3 * budget.MOST_ERROR)
    assert COST.learn(0, 1e9) is COST


def test_what_seemed_to_cost_nothing() -> None:
    free = Cost(fixed_ms=0.0, ms_per_token=0.0)
    assert free.learn(10, 0.0).ms_per_token == 0.0
    assert free.learn(10, 50.0).predict(10) == pytest.approx(15.0)


def test_half_of_what_is_left_at_first() -> None:
    assert affordable([20] * 10, COST, 108.0) == 5  # 4 + 5 x 10 = 54
    assert affordable([20] * 10, COST, 107.9) == 4
    sure = Cost(fixed_ms=4.0, ms_per_token=0.5, doubt=0.0)
    assert affordable([20] * 10, sure, 104.0 * 1.1) == 10
    assert affordable([20] * 10, sure, 104.0) == 9, "no clock is better than a tenth"


def test_the_best_is_not_passed_over_for_a_shorter_one() -> None:
    assert affordable([1000, 1, 1], COST, 100.0) == 0


sizes = st.lists(st.integers(0, 5000), max_size=40)
costs = st.builds(
    Cost,
    fixed_ms=st.floats(0, 100),
    ms_per_token=st.floats(0, 10),
    doubt=st.floats(0, 4),
)


@given(sizes, costs, st.floats(-1e4, 1e6))
def test_never_more_than_the_time_and_never_less_than_fits(tokens: list[int], cost: Cost, left: float) -> None:
    count = affordable(tokens, cost, left)
    assert 0 <= count <= len(tokens)
    room = left / (1 + max(budget.LEAST_DOUBT, cost.doubt))
    assert count == 0 or cost.predict(sum(tokens[:count])) <= room <= left
    assert count == len(tokens) or cost.predict(sum(tokens[: count + 1])) > room


@given(sizes, costs, st.floats(0, 1e5), st.floats(0, 1e5))
def test_more_time_buys_no_less(tokens: list[int], cost: Cost, left: float, more: float) -> None:
    assert affordable(tokens, cost, left) <= affordable(tokens, cost, left + more)


@given(costs, st.integers(0, 10_000), st.floats(0, 1e6))
def test_a_cost_is_never_negative(cost: Cost, tokens: int, milliseconds: float) -> None:
    learnt = cost.learn(tokens, milliseconds)
    assert learnt.ms_per_token >= 0
    assert learnt.fixed_ms >= 0
    assert learnt.doubt >= 0


def test_the_deadline_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("adjudge.engine.budget.time.perf_counter", lambda: now[0])
    deadline = Deadline(250.0)
    assert deadline.left_ms() == pytest.approx(250.0)
    now[0] += 0.2
    assert deadline.left_ms() == pytest.approx(50.0)
    now[0] += 0.2
    assert deadline.left_ms() == pytest.approx(-150.0)

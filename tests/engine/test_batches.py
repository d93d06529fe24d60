"""Plans of batches: nothing lost, nothing twice, the budget kept as it is really computed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.backends.base import Traits
from adjudge.engine.batches import BUDGET_STEP, SMALLEST_SHARE, even_budget, padded_length, plan_batches, shortest_beside

TRAITS = Traits(backend="fake", device="cpu", precision="f32", outputs=1, padding_free=False, parallel=1)
LENGTHS = st.lists(st.integers(1, 600), max_size=80)
BUDGETS = st.integers(1, 3000)
ROWS = st.none() | st.integers(1, 20)


def cost(lengths: list[int], batch: list[int], *, padding_free: bool) -> int:
    chosen = [lengths[i] for i in batch]
    return sum(chosen) if padding_free else max(chosen) * len(chosen)


@given(LENGTHS, BUDGETS, ROWS, st.booleans())
def test_every_position_appears_once(lengths: list[int], budget: int, rows: int | None, padding_free: bool) -> None:
    plan = plan_batches(lengths, max_tokens=budget, max_rows=rows, padding_free=padding_free)
    assert sorted(i for batch in plan for i in batch) == list(range(len(lengths)))
    assert all(plan)


@given(LENGTHS, BUDGETS, ROWS, st.booleans())
def test_budget_is_kept_and_what_is_above_it_stands_alone(lengths: list[int], budget: int, rows: int | None, padding_free: bool) -> None:
    for batch in plan_batches(lengths, max_tokens=budget, max_rows=rows, padding_free=padding_free):
        assert len(batch) == 1 or cost(lengths, batch, padding_free=padding_free) <= budget
        assert rows is None or len(batch) <= rows


@given(LENGTHS, BUDGETS, ROWS, st.booleans())
def test_longest_first_and_equals_in_their_order(lengths: list[int], budget: int, rows: int | None, padding_free: bool) -> None:
    planned = [i for batch in plan_batches(lengths, max_tokens=budget, max_rows=rows, padding_free=padding_free) for i in batch]
    assert planned == sorted(range(len(lengths)), key=lambda i: -lengths[i])


@given(LENGTHS, BUDGETS, st.booleans())
def test_batches_are_full(lengths: list[int], budget: int, padding_free: bool) -> None:
    """The first of the next batch would not have fitted into the one before."""
    plan = plan_batches(lengths, max_tokens=budget, padding_free=padding_free)
    for batch, following in zip(plan, plan[1:], strict=False):
        assert cost(lengths, [*batch, following[0]], padding_free=padding_free) > budget


def test_padding_is_charged_only_where_it_is_computed() -> None:
    lengths = [100, 10, 10, 10]
    assert plan_batches(lengths, max_tokens=130, padding_free=True) == [[0, 1, 2, 3]]
    assert plan_batches(lengths, max_tokens=130) == [[0], [1, 2, 3]]


@given(LENGTHS, BUDGETS, st.integers(0, 200))
def test_what_is_cheaper_alone_is_not_padded(lengths: list[int], budget: int, forward_tokens: int) -> None:
    traits = replace(TRAITS, forward_tokens=forward_tokens)
    plan = plan_batches(lengths, max_tokens=budget, shortest=lambda longest: shortest_beside(longest, traits))
    assert sorted(i for batch in plan for i in batch) == list(range(len(lengths)))
    assert all(lengths[batch[0]] - lengths[i] <= forward_tokens for batch in plan for i in batch)


def test_short_rows_wait_for_others_of_their_length_where_that_is_known_to_pay() -> None:
    lengths = [30, 500, 90, 470, 35]
    known, free = replace(TRAITS, forward_tokens=64), replace(TRAITS, forward_tokens=64, padding_free=True)
    assert plan_batches(lengths, max_tokens=9000, shortest=lambda n: shortest_beside(n, known)) == [[1, 3], [2, 4, 0]]
    assert plan_batches(lengths, max_tokens=9000, shortest=lambda n: shortest_beside(n, TRAITS)) == [[1, 3, 2, 4, 0]]
    assert shortest_beside(500, free) == 0


def test_an_item_above_the_budget_is_planned() -> None:
    assert plan_batches([5, 9000, 7], max_tokens=16) == [[1], [2, 0]]


@pytest.mark.parametrize("lengths", [[], [1], [700]])
def test_few(lengths: list[int]) -> None:
    assert plan_batches(lengths, max_tokens=512) == [[i] for i in range(len(lengths))]


@given(st.integers(0, 100_000), st.integers(1, 8192), st.integers(1, 16))
def test_even_budget_is_within_the_budget_and_takes_no_more_rounds(tokens: int, budget: int, parallel: int) -> None:
    even = even_budget(tokens, budget, parallel)
    rounds = max(1, -(-tokens // (budget * parallel)))
    assert min(budget, SMALLEST_SHARE) <= even <= budget
    assert even * rounds * parallel >= tokens


def test_even_budget_shares_out_between_streams() -> None:
    assert even_budget(4000, 4096, 2) == 2048  # 2,000 each, rounded up to a step
    assert even_budget(10_000, 4096, 2) == 2560
    assert even_budget(100, 4096, 2) == SMALLEST_SHARE


@given(st.integers(600, 100_000), st.integers(1, 16))
def test_requests_of_about_one_size_get_one_budget(tokens: int, parallel: int) -> None:
    assert even_budget(tokens, 8192, parallel) % BUDGET_STEP == 0


@given(st.integers(1, 8192), st.integers(1, 64), st.integers(1, 8192))
def test_a_padded_length_is_the_next_step_and_within_the_model(length: int, step: int, longest: int) -> None:
    padded = padded_length(length, step, longest)
    assert length <= padded <= max(length, longest)
    assert padded - length < 2 * step
    assert padded in (length, longest) or padded % step == 0


def test_no_step_pads_to_the_longest_only() -> None:
    assert [padded_length(n, 1, 512) for n in (1, 7, 8)] == [1, 7, 8]
    assert [padded_length(n, 16, 512) for n in (1, 16, 17, 128, 129, 200, 500, 512)] == [16, 16, 32, 128, 160, 224, 512, 512]
    assert padded_length(505, 16, 510) == 510

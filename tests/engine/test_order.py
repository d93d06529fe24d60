"""Who comes first: the float32 logit, then the caller's order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine.order import order

LOGITS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=60)
FEW_VALUES = st.lists(st.sampled_from([-1.5, -0.0, 0.0, 2.0]), max_size=60)


@given(LOGITS | FEW_VALUES)
def test_same_as_a_stable_sort_by_key(values: list[float]) -> None:
    assert order(np.array(values, np.float32)) == sorted(range(len(values)), key=lambda i: -values[i])


@given(st.lists(st.floats(20, 80, width=32), unique=True, max_size=30))
def test_values_whose_sigmoid_is_one_are_still_told_apart(values: list[float]) -> None:
    best_first = sorted(values, reverse=True)
    assert [values[i] for i in order(np.array(values, np.float32))] == best_first


def test_minus_zero_is_no_less_than_zero() -> None:
    assert order(np.array([-0.0, 0.0, -0.0, 0.0], np.float32)) == [0, 1, 2, 3]


def test_none_and_one() -> None:
    assert order(np.empty(0, np.float32)) == []
    assert order(np.array([3.0], np.float32)) == [0]


def test_float64_neighbours_are_equal_in_float32() -> None:
    assert order(np.array([1.0, 1.0 + 1e-12], np.float64)) == [0, 1]  # type: ignore[arg-type]

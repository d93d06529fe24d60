"""Intervals and tests, against slow versions of themselves and against scipy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.evaluate.significance import EXACT_UP_TO, bootstrap_intervals, holm, permutation_p, queries_needed

VALUES = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=1, max_size=9)


@given(VALUES)
def test_few_queries_are_tested_exactly(differences: list[float]) -> None:
    seen = abs(sum(differences))
    signs = list(product((1, -1), repeat=len(differences)))
    expected = sum(abs(sum(s * d for s, d in zip(sign, differences, strict=True))) >= seen - 1e-9 for sign in signs) / len(signs)
    assert permutation_p(differences, resamples=100, seed=0) == pytest.approx(expected)


def test_many_queries_are_tested_as_scipy_tests_them() -> None:
    from scipy.stats import permutation_test

    draw = np.random.default_rng(3)
    differences = draw.normal(0.05, 0.3, 80)
    theirs = permutation_test(
        (differences,), lambda x, axis: x.mean(axis), permutation_type="samples", n_resamples=20_000, vectorized=True, rng=1
    )
    assert permutation_p(differences, resamples=20_000, seed=0) == pytest.approx(float(theirs.pvalue), abs=0.015)


def test_sampling_agrees_with_trying_every_sign() -> None:
    draw = np.random.default_rng(5)
    differences = draw.normal(0.2, 0.4, EXACT_UP_TO)
    exact = permutation_p(differences, resamples=100, seed=0)
    more = np.append(differences, 1e-12)  # one query more, which changes nothing but the way
    assert permutation_p(more, resamples=40_000, seed=0) == pytest.approx(exact, abs=0.01)


def test_no_difference_is_no_evidence_and_p_is_never_nought() -> None:
    assert permutation_p([0.0] * 30, resamples=100, seed=0) == 1.0
    assert permutation_p([], resamples=100, seed=0) == 1.0
    assert permutation_p([0.5] * 400, resamples=1000, seed=0) == pytest.approx(1 / 1001)


def test_false_alarms_come_as_often_as_they_should() -> None:
    """Of two systems that are alike, one comparison in twenty has p <= 0.05."""
    draw = np.random.default_rng(11)
    alarms = sum(permutation_p(draw.normal(0, 1, 20), resamples=500, seed=n) <= 0.05 for n in range(300))
    assert 4 <= alarms <= 28  # 15 are expected; outside lies less than one case in a thousand


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    draw = np.random.default_rng(7)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_intervals(draw.exponential(1.0, (100, 1)), resamples=500, seed=seed)
        hits += bool(low[0] <= 1.0 <= high[0])
    assert 178 <= hits <= 199  # a percentile bootstrap of skewed values is a little narrow


def test_intervals_agree_with_scipy_and_between_columns() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(2).normal(0.3, 0.2, (150, 1))
    theirs = bootstrap((values[:, 0],), np.mean, method="percentile", n_resamples=8000, rng=1).confidence_interval
    lows, highs = bootstrap_intervals(np.hstack([values, 2 * values]), resamples=8000, seed=4)
    assert (lows[0], highs[0]) == (pytest.approx(theirs.low, abs=0.003), pytest.approx(theirs.high, abs=0.003))
    assert (lows[1], highs[1]) == (pytest.approx(2 * lows[0]), pytest.approx(2 * highs[0]))


def test_one_query_and_many_at_once() -> None:
    lows, highs = bootstrap_intervals(np.array([[0.25]]), resamples=100, seed=0)
    assert (lows[0], highs[0]) == (0.25, 0.25)
    lows, highs = bootstrap_intervals(np.full((5000, 2), 0.5), resamples=1500, seed=0)  # more than is drawn at once
    assert (lows.tolist(), highs.tolist()) == ([0.5, 0.5], [0.5, 0.5])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_nothing_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= c <= min(1.0, p * len(p_values)) + 1e-12 for p, c in zip(p_values, corrected, strict=True))
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    assert [corrected[at] for at in order] == sorted(corrected)


def test_how_many_queries_would_tell() -> None:
    draw = np.random.default_rng(1)
    differences = draw.normal(0.05, 0.3, 40)
    needed = queries_needed(differences, least=0.01)
    assert needed is not None
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    assert needed == max(41, int(np.ceil((2.8015 * deviation / abs(mean)) ** 2)))
    assert queries_needed([0.1], least=0.01) is None
    assert queries_needed([0.1, 0.1], least=0.01) is None

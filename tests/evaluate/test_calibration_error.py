"""Errors of probabilities against slow formulas and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.evaluate.calibration_error import BINS, bins, brier_score, equal_mass_error, expected_error, quality, wilson

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in pairs]), np.array([float(r) for _, r in pairs])


def slow_error(scores: np.ndarray, relevant: np.ndarray) -> float:
    total = 0.0
    for place in range(BINS):
        inside = [i for i, p in enumerate(scores) if min(int(p * BINS), BINS - 1) == place]
        if inside:
            total += len(inside) / len(scores) * abs(np.mean(scores[inside]) - np.mean(relevant[inside]))
    return total


@settings(max_examples=50)
@given(PAIRS)
def test_expected_error_is_the_weighted_distance_of_the_bins(pairs: list[tuple[float, bool]]) -> None:
    scores, relevant = arrays(pairs)
    assert expected_error(scores, relevant) == pytest.approx(slow_error(scores, relevant), abs=1e-12)


@settings(max_examples=50)
@given(PAIRS, st.randoms())
def test_no_measure_depends_on_the_order(pairs: list[tuple[float, bool]], chance: object) -> None:
    mixed = list(pairs)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = quality(*arrays(pairs)), quality(*arrays(mixed))
    for name in ("expected_error", "equal_mass_error", "brier"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-12)
        assert 0 <= getattr(first, name) <= 1


def test_a_perfect_and_a_boastful_judge() -> None:
    right = np.array([1.0, 0.0] * 50)
    assert expected_error(np.full(100, 0.5), right) == pytest.approx(0.0)
    assert expected_error(np.full(100, 0.99), right) == pytest.approx(0.49)
    assert brier_score(right, right) == 0
    assert brier_score(np.full(100, 0.5), right) == 0.25
    assert equal_mass_error(right, right) == 0


def test_equal_mass_sees_what_equal_width_hides() -> None:
    """All scores in the first bin: 0.01 where one in a hundred is right, 0.05 where none is, which cancels out within the bin."""
    scores = np.array([0.0] * 500 + [0.04] * 500)
    relevant = np.array([1.0] * 20 + [0.0] * 980)
    assert expected_error(scores, relevant) == pytest.approx(0.0)
    assert equal_mass_error(scores, relevant) == pytest.approx(0.04)


@settings(max_examples=50)
@given(PAIRS, st.integers(1, 20))
def test_bins_hold_every_pair_once(pairs: list[tuple[float, bool]], count: int) -> None:
    scores, relevant = arrays(pairs)
    found = bins(scores, relevant, count=count)
    assert sum(b.pairs for b in found) == len(pairs)
    assert sum(b.pairs * b.said for b in found) == pytest.approx(scores.sum())
    assert sum(b.pairs * b.found for b in found) == pytest.approx(relevant.sum())
    assert [b.low for b in found] == sorted({b.low for b in found})
    for b in found:
        assert b.low - 1e-9 <= b.said <= b.high + 1e-9
        assert 0 <= b.least <= b.found <= b.most <= 1


@pytest.mark.parametrize(("hits", "pairs", "least", "most"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)])
def test_wilson_interval(hits: int, pairs: int, least: float, most: float) -> None:
    assert wilson(hits, pairs) == (pytest.approx(least, abs=1e-4), pytest.approx(most, abs=1e-4))


def test_a_share_lies_within_its_interval() -> None:
    for pairs in range(1, 200):
        for hits in range(pairs + 1):
            least, most = wilson(hits, pairs)
            assert 0 <= least <= hits / pairs <= most <= 1, (hits, pairs)

"""PSI and KS by hand and against their definitions, and what chance does to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.monitor import ScoreSketch
from adjudge.monitor.divergence import BINS, equal_mass_borders, in_bins, ks_distance, psi
from adjudge.monitor.null import ks_threshold, psi_threshold, sum_of_squares_quantile
from tests.monitor.drawn_scores import drawn, reference_of, tallied

CHI_SQUARE = {(9, 1e-2): 21.666, (9, 1e-4): 33.720, (9, 4e-6): 41.533, (1, 1e-2): 6.635, (1, 1e-4): 15.137, (4, 1e-3): 18.467}
"""{(degrees of freedom, probability): quantile}, from tables."""


def sketch_of(values: object) -> ScoreSketch:
    sketch = ScoreSketch()
    sketch.add(values)  # type: ignore[arg-type]
    return sketch


def test_psi_by_hand() -> None:
    before, now = np.array([100, 100, 200]), np.array([50, 150, 200])
    q, p = (before + 0.5) / 401.5, (now + 0.5) / 401.5
    assert psi(before, now) == pytest.approx(sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True)))
    assert psi(before, now) == pytest.approx(psi(now, before))
    assert psi(before, before * 3) == pytest.approx(0, abs=1e-5)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=12))
def test_psi_is_finite_and_not_negative(counts: list[tuple[int, int]]) -> None:
    before, now = (np.array(column) for column in zip(*counts, strict=True))
    assert 0 <= psi(before, now) < 50


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60).filter(any), st.integers(2, 15))
def test_bins_hold_equal_shares_and_none_is_empty(counts: list[int], bins: int) -> None:
    held = np.array(counts)
    borders = equal_mass_borders(held, bins)
    inside = in_bins(held, borders)
    assert (inside.sum(), len(inside)) == (held.sum(), len(borders) + 1)
    assert (inside > 0).all()
    assert len(inside) <= bins
    assert inside.max() <= held.sum() / bins + held.max(), "more than a share only by what lies in one cell"


def test_equal_values_make_fewer_bins() -> None:
    assert len(equal_mass_borders(sketch_of(np.linspace(0.01, 0.99, 1000)).counts)) == BINS - 1
    assert equal_mass_borders(sketch_of([0.5] * 100).counts) == ()
    assert len(in_bins(sketch_of([0.5] * 900 + [0.9] * 100).counts, equal_mass_borders(sketch_of([0.5] * 900 + [0.9] * 100).counts))) == 2
    assert equal_mass_borders(ScoreSketch().counts) == ()


def test_ks_is_the_largest_distance_of_the_numbers_but_for_a_cell() -> None:
    before, now = drawn(50, seed=1).ravel(), drawn(40, seed=2, shift=0.7).ravel()
    both = np.sort(np.concatenate([before, now]))
    exact = np.abs(np.searchsorted(np.sort(before), both, "right") / before.size - np.searchsorted(np.sort(now), both, "right") / now.size)
    one, two = sketch_of(before), sketch_of(now)
    cell = max((one.counts / one.n).max(), (two.counts / two.n).max())
    assert exact.max() - cell <= ks_distance(one.counts, two.counts) <= exact.max() + 1e-12
    assert ks_distance(one.counts, one.counts) == 0


@pytest.mark.parametrize(("freedom", "chance"), list(CHI_SQUARE))
def test_equal_weights_give_chi_square(freedom: int, chance: float) -> None:
    found = sum_of_squares_quantile(chance, (0.5,) * freedom)
    assert found == pytest.approx(0.5 * CHI_SQUARE[freedom, chance], rel=0.015)


@pytest.mark.parametrize("weights", [(5.8, 2.1, 1.2, 1.1, 1, 1, 1, 0.9, 0.9), (30, 1, 1, 1), (2, 1)])
def test_unequal_weights_give_what_is_drawn(weights: tuple[float, ...]) -> None:
    chance = np.random.default_rng(11)
    sums = sum(weight * chance.normal(size=400_000) ** 2 for weight in weights)
    for probability in (1e-2, 1e-3):
        assert float((np.asarray(sums) > sum_of_squares_quantile(probability, weights)).mean()) == pytest.approx(probability, rel=0.2)


def test_thresholds_fall_with_more_values_and_rise_with_less_chance() -> None:
    assert psi_threshold(1e-3, [1 / 100] * 9) == pytest.approx(10 * psi_threshold(1e-3, [1 / 1000] * 9))
    assert psi_threshold(1e-6, [0.01] * 9) > psi_threshold(1e-3, [0.01] * 9)
    assert ks_threshold(1e-6, 0.01) > ks_threshold(1e-3, 0.01) > ks_threshold(1e-3, 0.001)
    assert psi_threshold(1e-3, []) == 0


@pytest.mark.parametrize("chance", [0.0, -1.0, 0.2, math.nan])
def test_a_chance_that_is_no_tail_is_refused(chance: float) -> None:
    with pytest.raises(ConfigError, match="chance of a false alarm"):
        ks_threshold(chance, 0.1)
    with pytest.raises(ConfigError, match="chance of a false alarm"):
        psi_threshold(chance, [1.0])


@pytest.mark.parametrize("n", [200, 1000])
def test_psi_of_independent_values_exceeds_its_threshold_as_often_as_said(n: int) -> None:
    """Bins are the reference's own quantiles, so their true shares vary: Dirichlet."""
    m, bins, runs = 500, 10, 100_000
    chance = np.random.default_rng(5)
    shares = chance.gamma(m / bins, size=(runs, bins))
    now = chance.multinomial(n, shares / shares.sum(axis=1, keepdims=True)) + 0.5
    p = now / now.sum(axis=1, keepdims=True)
    found = ((p - 1 / bins) * np.log(p * bins)).sum(axis=1)
    for probability in (1e-2, 1e-3):
        threshold = psi_threshold(probability, [1 / n + 1 / m] * (bins - 1))
        assert float((found > threshold).mean()) == pytest.approx(probability, rel=0.25)


def test_scores_of_one_query_that_are_alike_need_wider_thresholds() -> None:
    """Rao and Scott: with the reference's own likeness the rate is what was asked for; as if independent, it is far off."""
    own = reference_of(drawn(1000, seed=1, alike=0.6)).quantities["score"]
    pool = drawn(3000, seed=2, alike=0.6)
    bins = np.stack([in_bins(tallied(row[None]).sketches["score"].counts, own.borders) for row in pool])
    chance = np.random.default_rng(3)
    found = np.array([psi(own.bins, bins[chance.integers(0, len(pool), 200)].sum(axis=0)) for _ in range(2000)])
    n = 200 * pool.shape[1]
    honest = psi_threshold(1e-2, own.psi_weights(n, pool.shape[1]))
    blind = psi_threshold(1e-2, [1 / n + 1 / own.sketch.n] * len(own.borders))
    assert float((found > honest).mean()) <= 0.03
    assert float((found > blind).mean()) > 0.2, "twenty times too often"
    assert own.ks_variance(n, pool.shape[1]) > 3 * (1 / n + 1 / own.sketch.n)

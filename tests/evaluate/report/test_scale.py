"""Places and round labels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.evaluate.report.scale import Scale, linear, logarithmic

VALUES = st.lists(st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6), min_size=1, max_size=8)
TIMES = st.lists(st.floats(1e-3, 1e7), min_size=1, max_size=8)


@settings(deadline=None)
@given(VALUES)
def test_a_linear_scale_holds_its_values_and_has_labels(values: list[float]) -> None:
    scale = linear(values, 0.0, 100.0)
    assert scale.low <= min(values) <= max(values) <= scale.high
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 12
    slack = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in ticks)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0.0 <= place <= 100.0 for place in places)


@settings(deadline=None)
@given(TIMES)
def test_a_logarithmic_scale_too(values: list[float]) -> None:
    scale = logarithmic(values, 0.0, 100.0)
    assert scale.low <= min(values) <= max(values) <= scale.high
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 14
    assert list(ticks) == sorted(set(ticks))
    assert all(scale.low * (1 - 1e-9) <= tick <= scale.high * (1 + 1e-9) for tick in ticks)


def test_an_axis_that_points_up() -> None:
    scale = Scale(0.0, 1.0, 200.0, 20.0)
    assert (scale.at(0.0), scale.at(1.0), scale.at(0.5)) == (200.0, 20.0, 110.0)
    assert (scale.at(-3.0), scale.at(7.0)) == (200.0, 20.0), "what is outside stands at the border"


def test_ratios_have_equal_distances() -> None:
    scale = Scale(1.0, 1000.0, 0.0, 300.0, log=True)
    assert [scale.at(v) for v in (1.0, 10.0, 100.0, 1000.0)] == pytest.approx([0.0, 100.0, 200.0, 300.0])
    assert scale.at(0.0) == 0.0, "there is no place for zero"


def test_within_a_border() -> None:
    scale = linear([0.97, 1.0], 0.0, 100.0, within=(0.0, 1.0))
    assert scale.high == 1.0
    assert scale.low < 0.97


def test_a_value_beyond_the_usual_border_is_shown() -> None:
    scale = linear([3.0, 8.0], 0.0, 100.0, within=(0.0, 1.0))
    assert scale.high == 8.0
    assert scale.low < 3.0


def test_nothing_to_hold() -> None:
    assert linear([], 0.0, 1.0).high > linear([], 0.0, 1.0).low
    assert logarithmic([0.0], 0.0, 1.0).low > 0


def test_labels_are_round() -> None:
    assert Scale(0.0, 1.0, 0, 1).ticks() == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert Scale(-0.05, 0.25, 0, 1).ticks(7) == (-0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
    assert Scale(10.0, 2000.0, 0, 1, log=True).ticks() == pytest.approx((10, 30, 100, 300, 1000))
    assert math.log10(Scale(1.0, 1e6, 0, 1, log=True).ticks()[1]) == pytest.approx(1)

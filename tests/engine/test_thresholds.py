"""Where the answer is cut: each threshold against its formula, and every way to write one."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine.thresholds import (
    SPELLINGS,
    Absolute,
    Dynamic,
    Gap,
    Precision,
    Recall,
    Relative,
    Threshold,
    bind_threshold,
    parse_threshold,
)
from adjudge.errors import ConfigError
from adjudge.models.calibration import Calibration

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(lambda values: sorted(values, reverse=True))
SHARES = st.floats(0, 1)


def kept(threshold: Threshold, scores: list[float]) -> int:
    return sum(score >= threshold.cut(scores) for score in scores)


@given(SCORES, st.floats(-10, 10))
def test_absolute_cuts_at_its_value(scores: list[float], value: float) -> None:
    assert Absolute(value).cut(scores) == value


@given(SCORES, SHARES)
def test_relative_cuts_at_a_share_of_the_best_and_keeps_the_best(scores: list[float], share: float) -> None:
    assert Relative(share).cut(scores) == share * scores[0]
    assert kept(Relative(share), scores) >= 1


@given(SCORES)
def test_dynamic_follows_the_spread_of_the_ten_best(scores: list[float]) -> None:
    sigma = statistics.pstdev(scores[:10])
    expected = 0.40 if sigma <= 0.05 else 0.65 if sigma >= 0.15 else 0.40 + (sigma - 0.05) / 0.10 * 0.25
    assert Dynamic().cut(scores) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("scores", "cut"), [([0.9] * 5, 0.40), ([0.9, 0.1], 0.65), ([0.9, 0.7], 0.525), ([0.3], 0.40)])
def test_dynamic_by_hand(scores: list[float], cut: float) -> None:
    assert Dynamic().cut(scores) == pytest.approx(cut)


@given(SCORES)
def test_gap_finds_the_widest_empty_stretch(scores: list[float]) -> None:
    cut = Gap(0.0).cut(scores)
    above, below = [s for s in [1.0, *scores] if s >= cut], [s for s in [*scores, 0.0] if s < cut] or [cut]
    stretches = [a - b for a, b in itertools.pairwise([1.0, *scores, 0.0])]
    assert min(above) - max(below) == max(stretches) or cut == max(below) == 0.0


@pytest.mark.parametrize(
    ("scores", "left"),
    [
        ([0.9, 0.85, 0.2, 0.15], 2),
        ([0.9, 0.1, 0.1], 1),
        ([0.95, 0.9, 0.85], 3),  # all: the widest stretch lies below the last
        ([0.05, 0.04, 0.03], 0),  # none: it lies above the first
        ([0.7], 1),
        ([0.5], 1),
        ([0.4], 0),
        ([1.0], 1),
        ([0.0, 0.0], 0),
        ([0.8, 0.8, 0.3, 0.3], 2),  # equals stay together
    ],
)
def test_gap_by_hand(scores: list[float], left: int) -> None:
    assert kept(Gap(), scores) == left


def test_where_scores_are_spread_evenly_there_is_no_gap() -> None:
    even = [n / 20 for n in range(20, 0, -1)]
    assert Gap(0.0).cut(even) in even
    assert Gap(0.2).cut(even) == 0.5
    assert Gap(0.2).cut([0.9, 0.1]) == 0.9


@given(SCORES, st.lists(SHARES, min_size=2, max_size=2))
def test_a_higher_bar_keeps_no_more(scores: list[float], bars: list[float]) -> None:
    low, high = sorted(bars)
    assert kept(Absolute(high), scores) <= kept(Absolute(low), scores)
    assert kept(Relative(high), scores) <= kept(Relative(low), scores)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_absolute_round_trips_through_its_text(value: float) -> None:
    assert parse_threshold(str(Absolute(value))) == Absolute(value)
    assert parse_threshold(str(value)) == Absolute(value)
    assert parse_threshold(value) == Absolute(value)


@given(SHARES)
def test_relative_round_trips_through_its_text(share: float) -> None:
    assert parse_threshold(str(Relative(share))) == Relative(share)


UNITS = st.one_of(SHARES, st.sampled_from([0, 1, 0.1, 0.05, 0.65]))
DYNAMICS = st.builds(
    lambda narrow, wide, bounds: Dynamic(narrow=narrow, wide=narrow + wide, low=min(bounds), high=max(bounds)),
    UNITS,
    st.floats(0.01, 5),
    st.tuples(UNITS, UNITS),
)


@given(st.one_of(st.builds(Gap, UNITS), st.builds(Precision, UNITS), st.builds(Recall, UNITS), DYNAMICS))
def test_every_threshold_round_trips_through_its_text(threshold: Threshold) -> None:
    assert parse_threshold(str(threshold)) == threshold


def test_other_spellings() -> None:
    assert [str(parse_threshold(text)) for text in SPELLINGS] == ["absolute:0.3", *SPELLINGS[1:]]
    assert parse_threshold("gap") == Gap()
    assert parse_threshold("dynamic: high=0.9, low=0.1") == Dynamic(low=0.1, high=0.9)
    assert str(Dynamic(high=0.9)) == "dynamic:high=0.9"
    assert parse_threshold(None) is None
    assert parse_threshold("dynamic") == Dynamic()
    assert parse_threshold(" absolute:0.3 ") == Absolute(0.3)
    assert parse_threshold(0) == Absolute(0)
    assert parse_threshold("-2") == Absolute(-2.0)
    mine = Dynamic(low=0.1)
    assert parse_threshold(mine) is mine


@pytest.mark.parametrize(
    "nonsense",
    [
        *("", " ", "high", "relative", "relative:", "relative:much", "relative:1.5", "relative:-0.1", "dynamic:0.3", "absolute:"),
        *("nan", "inf", "-inf", "absolute:nan", "relative:nan", math.nan, math.inf, True, False, [0.3], {"relative": 0.3}, {0.3}),
        *(b"0.3", Dynamic, Absolute, np.array([0.3]), 10**400, -(10**400), 10**5000),
        *("precision", "recall", "precision:", "precision:1.1", "precision:nan", "recall:-0.1", "gap:", "gap:2", "gap:a", "0.3:", "bm25:3"),
        *("dynamic:", "dynamic:low", "dynamic:low=", "dynamic:low=a", "dynamic:middle=0.5", "dynamic:low=0.1,low=0.2", "dynamic:low=0.9"),
    ],
    ids=lambda value: str(type(value)) if isinstance(value, int) else repr(value),
)
def test_nonsense_is_a_config_error(nonsense: Any) -> None:
    with pytest.raises(ConfigError):
        parse_threshold(nonsense)


@pytest.mark.parametrize(
    "settings",
    [
        {"narrow": 0.2, "wide": 0.1},
        {"narrow": 0.1, "wide": 0.1},
        {"narrow": -0.1},
        {"low": 0.7, "high": 0.6},
        {"high": 1.5},
        {"low": -0.1},
        {"wide": math.inf},
        {"low": math.nan},
        {"low": "0.4"},
        {"low": True},
        {"wide": 10**400},
    ],
    ids=lambda settings: str(list(settings)),
)
def test_dynamic_refuses_bounds_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Dynamic(**settings)


def test_own_threshold_is_taken() -> None:
    class Best:
        needs_probabilities = False

        def cut(self, scores: Any) -> float:
            return float(scores[0])

    mine = Best()
    assert parse_threshold(mine) is mine  # type: ignore[arg-type]


def test_most_thresholds_need_no_binding() -> None:
    for threshold in (None, Absolute(0.3), Relative(0.3), Dynamic(), Gap()):
        assert bind_threshold(threshold, Calibration()) is threshold


def test_own_threshold_may_ask_for_the_calibration() -> None:
    class Halfway:
        needs_probabilities = True

        def __init__(self, value: float = 0.5) -> None:
            self.value = value

        def cut(self, scores: Any) -> float:
            return self.value

        def bind(self, calibration: Calibration) -> Threshold:
            return Halfway(1 / (1 + math.exp(-calibration.bias)))

    bound = bind_threshold(Halfway(), Calibration(bias=1.0, fitted=True))
    assert bound is not None
    assert bound.cut([0.1]) == pytest.approx(0.731, abs=1e-3)

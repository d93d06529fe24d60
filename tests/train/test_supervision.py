"""Aspects and the gain they make: the table of DESIGN's words, then its laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ConfigError
from adjudge.train.supervision import ASPECTS, Aspects, Shaping, aspects_of_kind, gain

PLAIN = Shaping(coverage=False, contradiction=0, terminology=0)
SHARE = st.floats(0, 1)
KNOWN = st.none() | SHARE
ASPECT = st.builds(Aspects, coverage=KNOWN, contradiction=KNOWN, terminology=KNOWN)
SHAPING = st.builds(Shaping, coverage=st.booleans(), contradiction=SHARE, terminology=SHARE)


@pytest.mark.parametrize(
    ("grade", "aspects", "expected"),
    [
        (1.0, Aspects(), 1.0),
        (0.0, Aspects(), 0.0),
        (None, Aspects(), None),
        (None, Aspects(contradiction=1.0), None),  # how bad it is hangs on what it would be worth
        (1.0, Aspects(coverage=1.0), 1.0),
        (1.0, Aspects(coverage=0.5), 0.5),
        (1 / 3, Aspects(coverage=0.5), 1 / 3),  # coverage caps a grade, it does not raise it
        (1 / 3, Aspects(coverage=0.0), 0.0),
        (None, Aspects(coverage=0.5), 0.5),
        (0.0, Aspects(contradiction=1.0), -0.5),
        (0.0, Aspects(contradiction=0.5), -0.25),
        (1.0, Aspects(contradiction=1.0), 0.5),
        (None, Aspects(coverage=0.0, contradiction=1.0), -0.5),
        (0.5, Aspects(terminology=0.0), 0.5),  # terms move nothing unless asked to
    ],
)
def test_gains(grade: float | None, aspects: Aspects, expected: float | None) -> None:
    assert gain(grade, aspects, Shaping()) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("terminology", "expected"), [(1.0, 0.5), (0.5, 0.35), (0.0, 0.2), (None, 0.5)])
def test_a_neighbours_term_costs_what_shaping_says(terminology: float | None, expected: float) -> None:
    assert gain(0.5, Aspects(terminology=terminology), Shaping(terminology=0.3)) == pytest.approx(expected)


def test_a_contradiction_is_worse_than_an_unrelated_passage() -> None:
    opposite = gain(0.0, aspects_of_kind("contradiction", covered=0, intents=1), Shaping())
    unrelated = gain(0.0, aspects_of_kind("related", covered=0, intents=1), Shaping())
    assert opposite is not None
    assert unrelated is not None
    assert opposite < unrelated == 0.0


def test_half_coverage_is_half_a_grade() -> None:
    whole = gain(1.0, aspects_of_kind("answer", covered=2, intents=2), Shaping())
    half = gain(1.0, aspects_of_kind("partial", covered=1, intents=2), Shaping())
    assert (whole, half) == (1.0, 0.5)


@given(KNOWN, ASPECT, SHAPING)
def test_gains_are_bounded(grade: float | None, aspects: Aspects, shaping: Shaping) -> None:
    found = gain(grade, aspects, shaping)
    assert found is None or -1 <= found <= 1


@given(KNOWN, ASPECT)
def test_without_shaping_the_gain_is_the_grade(grade: float | None, aspects: Aspects) -> None:
    assert gain(grade, aspects, PLAIN) == grade


@given(KNOWN, SHARE, SHARE, ASPECT, SHAPING)
def test_more_coverage_is_never_worth_less(grade: float | None, one: float, two: float, other: Aspects, shaping: Shaping) -> None:
    less, more = (
        gain(grade, Aspects(coverage=c, contradiction=other.contradiction, terminology=other.terminology), shaping)
        for c in sorted((one, two))
    )
    assert (less is None) == (more is None)
    assert less is None or more is None or less <= more


@given(SHARE, SHARE, SHARE, SHAPING)
def test_more_contradiction_is_never_worth_more(grade: float, one: float, two: float, shaping: Shaping) -> None:
    mild, strong = (gain(grade, Aspects(contradiction=c), shaping) for c in sorted((one, two)))
    assert mild is not None
    assert strong is not None
    assert mild >= strong


@given(SHARE, SHARE, ASPECT, SHAPING)
def test_a_better_grade_is_never_worth_less(one: float, two: float, aspects: Aspects, shaping: Shaping) -> None:
    low, high = (gain(grade, aspects, shaping) for grade in sorted((one, two)))
    assert low is not None
    assert high is not None
    assert low <= high


def test_values_stand_in_the_order_of_the_heads() -> None:
    assert ASPECTS == ("coverage", "contradiction", "terminology")
    values = Aspects(coverage=0.25, terminology=0.75).values()
    assert values[0] == 0.25
    assert math.isnan(values[1])
    assert values[2] == 0.75


@pytest.mark.parametrize(
    ("kind", "contradiction", "terminology"),
    [
        ("answer", 0.0, 1.0),
        ("cross", 0.0, 1.0),
        ("partial", 0.0, 1.0),
        ("contradiction", 1.0, None),
        ("near_term", 0.0, 0.0),
        ("related", 0.0, None),
        ("trap", 0.0, None),
    ],
)
def test_what_each_kind_of_passage_is_labelled(kind: str, contradiction: float, terminology: float | None) -> None:
    assert aspects_of_kind(kind, covered=1, intents=4) == Aspects(coverage=0.25, contradiction=contradiction, terminology=terminology)
    assert aspects_of_kind(kind, covered=0, intents=0).coverage is None


def test_an_unknown_kind_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(ConfigError, match="'Answer'.*answer, contradiction, cross, near_term, partial, related, trap"):
        aspects_of_kind("Answer", covered=0, intents=1)


@pytest.mark.parametrize(("covered", "intents"), [(2, 1), (-1, 1)])
def test_more_than_all_intents_cannot_be_covered(covered: int, intents: int) -> None:
    with pytest.raises(ConfigError, match=f"{covered} of {intents} intents"):
        aspects_of_kind("answer", covered=covered, intents=intents)


@pytest.mark.parametrize("values", [{"contradiction": 1.1}, {"terminology": -0.1}, {"contradiction": math.nan}])
def test_shaping_outside_its_range_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"data\.shaping\."):
        Shaping(**values)

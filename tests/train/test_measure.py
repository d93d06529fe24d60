"""Measures of the dev groups: those of the textbook, over groups that can be measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.train.measure import evaluate, usable
from adjudge.train.outcome import Evaluation
from adjudge.train.rows import Group
from tests.train.groups import graded

GRADE = st.sampled_from([None, 0.0, 1 / 3, 0.5, 2 / 3, 1.0])


_WHOLE = {0.0: 0, 1 / 3: 1, 0.5: 1, 2 / 3: 2, 1.0: 3}


def measured(groups: Sequence[Group], logits: Sequence[Sequence[float]]) -> Evaluation:
    return evaluate(groups, lambda _: [np.array(said, np.float32) for said in logits], step=7)


def slow(group: Group, logits: Sequence[float]) -> tuple[float, float, float]:
    """nDCG@10 with the grade as gain, reciprocal rank and success at 1 of what has two thirds of the best grade."""
    known = [(logit, _WHOLE[item.grade]) for item, logit in zip(group.items, logits, strict=True) if item.grade is not None]
    order = [grade for _, grade in sorted(known, reverse=True)]
    gain, best = (sum(g / math.log2(1 + rank) for rank, g in enumerate(o[:10], 1)) for o in (order, sorted(order, reverse=True)))
    first = next((rank for rank, grade in enumerate(order[:10], 1) if grade >= 2), math.inf)
    return gain / best, 1 / first, float(first == 1)


@settings(max_examples=40)
@given(st.lists(st.lists(GRADE, min_size=2, max_size=14), min_size=1, max_size=4), st.integers(0, 99))
def test_measures_are_the_textbooks(grades: list[list[float | None]], seed: int) -> None:
    groups = usable([graded(f"q{n}", *g) for n, g in enumerate(grades)])
    if not groups:
        return
    draw = np.random.default_rng(seed)
    logits = [draw.permutation(len(group.items)).astype(float).tolist() for group in groups]
    found = measured(groups, logits)
    expected = np.mean([slow(group, said) for group, said in zip(groups, logits, strict=True)], axis=0)
    assert list(found.measures) == ["nDCG@10", "RR@10", "Success@1"]
    assert list(found.measures.values()) == pytest.approx(expected.tolist(), abs=1e-5)
    assert found.step == 7


def test_the_best_order_measures_one_and_the_worst_less() -> None:
    groups = [graded("q", 1.0, 2 / 3, 0.0), graded("r", 0.0, 1.0)]
    assert measured(groups, [[3, 2, 1], [-1, 1]]).measures == {"nDCG@10": 1.0, "RR@10": 1.0, "Success@1": 1.0}
    assert max(measured(groups, [[1, 2, 3], [1, -1]]).measures.values()) < 1


def test_half_a_grade_is_no_answer() -> None:
    found = measured([graded("q", 0.5, 0.0), graded("r", 0.5, 1.0)], [[1, 0], [1, 0]]).measures
    assert (found["RR@10"], found["Success@1"]) == (0.25, 0.0)


def test_more_than_ten_queries_are_told_apart() -> None:
    """Ids are strings somewhere in between: "10" is not "1"."""
    groups = [graded(f"q{n}", 1.0, 0.0) for n in range(25)]
    right = [n % 5 != 0 for n in range(25)]
    assert measured(groups, [[1, 0] if good else [0, 1] for good in right]).measures["Success@1"] == pytest.approx(20 / 25)


@pytest.mark.parametrize("logit", [2.0, math.nan])
@pytest.mark.parametrize("grades", [(1.0, 0.0), (0.0, 1.0), (1.0, *[0.0] * 11), (*[0.0] * 11, 1.0)], ids=repr)
def test_saying_the_same_of_everything_is_measured_at_its_worst(grades: tuple[float, ...], logit: float) -> None:
    """Wherever the answer stands in the file; most name it first."""
    found = measured([graded("q", *grades)], [[logit] * len(grades)]).measures
    worst = measured([graded("q", *sorted(grades))], [[-float(n) for n in range(len(grades))]]).measures
    assert found == worst
    assert found["Success@1"] == 0.0


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        ((1.0, 0.0), True),
        ((1 / 3, 0.0), True),
        ((1.0, None, 0.0), True),
        ((1.0, 1.0), False),
        ((0.0, 0.0), False),
        ((1.0,), False),
        ((1.0, None), False),
        ((None, None), False),
        ((0.1, 0.0), False),  # one whole grade
        ((0.9, 1.0), False),
    ],
)
def test_a_group_is_usable_where_an_order_can_be_wrong(grades: tuple[float | None, ...], expected: bool) -> None:
    assert bool(usable([graded("q", *grades)])) is expected


def test_sources_of_five_groups_are_told_apart() -> None:
    groups = [graded(f"a{n}", 1.0, 0.0, source="manual") for n in range(5)]
    groups += [graded(f"b{n}", 1.0, 0.0, source="few") for n in range(4)] + [graded(f"c{n}", 1.0, 0.0) for n in range(6)]
    logits = [[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 11
    found = measured(groups, logits).measures
    assert set(found) == {"nDCG@10", "RR@10", "Success@1", "nDCG@10 of manual"}
    assert found["nDCG@10 of manual"] == pytest.approx((4 + 1 / math.log2(3)) / 5)


def test_spread_is_that_of_all_logits() -> None:
    groups = [graded("q", 1.0, 0.0), graded("r", 1.0, 0.0)]
    assert measured(groups, [[2.0, 2.0], [2.0, 2.0]]).spread == 0.0
    assert measured(groups, [[3.0, 1.0], [3.0, 1.0]]).spread == pytest.approx(1.0)
    assert math.isnan(measured(groups, [[math.nan, 1.0], [3.0, 1.0]]).spread)

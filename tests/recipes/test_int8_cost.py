"""What packing costs, measured on lists whose figures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recipes.embedded.int8_cost import compare, ndcg


def test_ndcg_of_lists_whose_figures_are_known() -> None:
    grades = [np.array([1.0, 0.0]), np.array([0.0, 2 / 3, 1.0]), np.array([0.0, 0.0])]
    found = ndcg(grades, [np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.0])])
    assert found[:2] == pytest.approx([1 / math.log2(3), 1.0])
    assert math.isnan(found[2])


def test_the_same_logits_cost_nothing() -> None:
    grades = [np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0])]
    said = [np.array([0.5, 1.0, -1.0]), np.array([0.0, 2.0])]
    found = compare(grades, said, said)
    assert found["difference"] == [0.0, 0.0]
    assert found["same_first"] == 1.0
    assert found["logits_apart"] == {"mean": 0.0, "largest": 0.0}


def test_an_order_that_changed_shows_and_a_list_without_an_answer_does_not_count() -> None:
    grades = [np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 0.0])]
    exact = [np.array([1.0, 0.0])] * 3
    packed = [np.array([0.0, 1.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    found = compare(grades, packed, exact)
    assert found["lists"] == 2
    assert found["ndcg@10"] == {"int8": pytest.approx((1 / math.log2(3) + 1) / 2, abs=1e-4), "float32": 1.0}
    assert found["difference"][0] < 0 < found["difference"][1]
    assert found["same_first"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["logits_apart"]["largest"] == 1.0

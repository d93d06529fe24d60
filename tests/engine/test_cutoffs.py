"""Thresholds by precision and recall: which measured cut-off they take, and what they say where there is none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine.cutoffs import MeasuredCut, Precision, Recall
from adjudge.engine.thresholds import Threshold, bind_threshold
from adjudge.errors import ConfigError
from adjudge.models.calibration import Calibration, CutOff

TABLE = tuple(
    CutOff(score=score, precision=precision, recall=recall)
    for score, precision, recall in ((0.05, 0.2, 1.0), (0.3, 0.6, 0.9), (0.5, 0.8, 0.7), (0.7, 0.8, 0.5), (0.9, 0.95, 0.2))
)
CALIBRATION = Calibration(temperature=2.0, bias=-1.0, fitted=True, cutoffs=TABLE)


@pytest.mark.parametrize(("share", "score"), [(0, 0.05), (0.2, 0.05), (0.21, 0.3), (0.6, 0.3), (0.8, 0.5), (0.9, 0.9), (0.95, 0.9)])
def test_precision_takes_the_lowest_cut_off_that_reaches_it(share: float, score: float) -> None:
    assert Precision(share).bind(CALIBRATION).cut([0.99, 0.01]) == score


@pytest.mark.parametrize(("share", "score"), [(1, 0.05), (0.91, 0.05), (0.9, 0.3), (0.6, 0.5), (0.5, 0.7), (0.2, 0.9), (0, 0.9)])
def test_recall_takes_the_highest_cut_off_that_reaches_it(share: float, score: float) -> None:
    assert Recall(share).bind(CALIBRATION).cut([0.99, 0.01]) == score


@given(st.floats(0, 0.95), st.floats(0, 1))
def test_what_is_taken_reaches_what_was_asked(precision: float, recall: float) -> None:
    assert Precision(precision).bind(CALIBRATION).found.precision >= precision
    assert Recall(recall).bind(CALIBRATION).found.recall >= recall


def test_a_bound_rule_keeps_its_name_and_is_a_threshold() -> None:
    bound = bind_threshold(Precision(0.9), CALIBRATION)
    assert isinstance(bound, MeasuredCut)
    assert isinstance(bound, Threshold)
    assert (str(bound), bound.needs_probabilities, bound.found) == ("precision:0.9", True, TABLE[-1])
    assert bind_threshold(bound, Calibration()) is bound


def test_a_precision_that_no_cut_off_reaches() -> None:
    with pytest.raises(ConfigError, match=r"precision of 0\.96: the best is 0\.950 \(cut-off 0\.900, recall 0\.200\).*precision:0\.95"):
        Precision(0.96).bind(CALIBRATION)


def test_a_recall_that_no_cut_off_reaches() -> None:
    cut = Calibration(fitted=True, cutoffs=TABLE[1:])
    with pytest.raises(ConfigError, match=r"recall of 0\.95: the best is 0\.900 \(cut-off 0\.300, precision 0\.600\).*recall:0\.9"):
        Recall(0.95).bind(cut)


@pytest.mark.parametrize("calibration", [Calibration(), Calibration(temperature=2.0, fitted=True)])
@pytest.mark.parametrize("rule", [Precision(0.9), Recall(0.9)])
def test_a_model_without_cut_offs_says_what_to_do(rule: Precision | Recall, calibration: Calibration) -> None:
    with pytest.raises(ConfigError, match=rf"{rule}.*holds none.*adjudge calibrate"):
        rule.bind(calibration)


@pytest.mark.parametrize("rule", [Precision(0.9), Recall(0.9)])
def test_an_unbound_rule_cuts_nothing(rule: Precision | Recall) -> None:
    with pytest.raises(ConfigError, match="does not know its model yet"):
        rule.cut([0.9])


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf, True, "0.9", None, 10**400], ids=lambda share: str(share)[:5])
def test_nonsense(share: Any) -> None:
    for rule in (Precision, Recall):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            rule(share)

"""From a backend's answer to one logit a pair, and to a score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.engine.scores import check_finite, log_sum_exp, relevance, score_type, sigmoid, to_scores
from adjudge.errors import InvalidLogitsError
from adjudge.models.calibration import Calibration
from adjudge.models.heads import ClassificationHead, HeadSpec, MatchHead

ONE = ClassificationHead(labels=1, relevant=0)
LOGIT = st.floats(-300, 300, width=32)


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize(
    "head",
    [ONE, MatchHead(), ClassificationHead(labels=2, relevant=1), ClassificationHead(labels=3, relevant=0)],
    ids=["one", "match", "two", "three"],
)
def test_any_number_of_rows_and_labels_gives_one_logit_a_row(head: HeadSpec, count: int) -> None:
    logits = relevance(np.ones((count, head.outputs), np.float32), head, {})
    assert (logits.shape, logits.dtype) == ((count,), np.float32)
    assert to_scores(logits, Calibration(), normalize=True).shape == (count,)


def test_softmax_takes_out_the_maximum() -> None:
    two = ClassificationHead(labels=2, relevant=1)
    logits = relevance(rows([-200, 3], [3, -200], [1000, 1000]), two, {})
    assert logits.tolist() == [203.0, -203.0, 0.0]
    assert to_scores(logits, Calibration(), normalize=True).tolist() == [1.0, pytest.approx(0, abs=1e-80), 0.5]
    assert log_sum_exp(np.array([[1e4, 1e4], [-1e4, -1e4]])).tolist() == [1e4 + math.log(2), -1e4 + math.log(2)]


@given(st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=3), st.integers(0, 2))
def test_sigmoid_of_the_log_odds_is_the_softmax_probability(labels: list[float], relevant: int) -> None:
    logit = relevance(rows(labels), ClassificationHead(labels=3, relevant=relevant), {})
    shares = np.exp(np.array(labels, np.float64) - max(labels))
    assert to_scores(logit, Calibration(), normalize=True)[0] == pytest.approx(shares[relevant] / shares.sum(), rel=1e-4, abs=1e-9)


def test_saturated_softmax_is_still_told_apart() -> None:
    logits = relevance(rows([0, 40], [0, 50]), ClassificationHead(labels=2, relevant=1), {})
    assert logits[1] > logits[0]


def test_labels_that_do_not_exclude_each_other_are_left_alone() -> None:
    three = ClassificationHead(labels=3, relevant=2)
    assert relevance(rows([5, 6, 1.5]), three, {"problem_type": "multi_label_classification"}).tolist() == [1.5]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("labels", [1, 3])
def test_not_a_number_is_an_error_that_shows_the_row(bad: float, labels: int) -> None:
    outputs = np.ones((4, labels), np.float32)
    outputs[2, labels - 1] = bad
    for check in (check_finite, lambda o: relevance(o, ClassificationHead(labels=labels, relevant=0), {})):
        with pytest.raises(InvalidLogitsError, match="nan" if math.isnan(bad) else "inf"):
            check(outputs)


@given(st.lists(LOGIT, min_size=2, max_size=20))
def test_sigmoid_is_monotone_between_0_and_1(values: list[float]) -> None:
    logits = np.array(sorted(values), np.float32)
    scores = sigmoid(logits)
    assert (np.diff(scores) >= 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@given(st.floats(-30, 30))
def test_sigmoid_formula(x: float) -> None:
    assert sigmoid(np.array([x]))[0] == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-12)


def test_sigmoid_at_the_ends() -> None:
    assert sigmoid(np.array([-1e5, -0.0, 0.0, 1e5])).tolist() == [0.0, 0.5, 0.5, 1.0]


@given(LOGIT, st.floats(0.1, 10), st.floats(-5, 5))
def test_calibration(logit: float, temperature: float, bias: float) -> None:
    fitted = Calibration(temperature=temperature, bias=bias, fitted=True)
    expected = sigmoid(np.array([logit / temperature + bias]))[0]
    logits = np.array([logit], np.float32)
    assert to_scores(logits, fitted, normalize=True)[0] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert to_scores(logits, fitted, normalize=False)[0] == logits[0]


@pytest.mark.parametrize(
    ("head", "config", "calibration", "expected"),
    [
        (ONE, {}, Calibration(), "sigmoid"),
        (MatchHead(), {}, Calibration(), "sigmoid"),
        (ClassificationHead(labels=2, relevant=1), {}, Calibration(), "softmax"),
        (ClassificationHead(labels=2, relevant=1), {"problem_type": "multi_label_classification"}, Calibration(), "sigmoid"),
        (ONE, {}, Calibration(temperature=2.0, fitted=True), "calibrated"),
    ],
)
def test_a_score_says_what_it_is(head: HeadSpec, config: dict[str, Any], calibration: Calibration, expected: str) -> None:
    assert score_type(head, config, calibration, normalize=True) == expected
    assert score_type(head, config, calibration, normalize=False) == "logit"

"""The fit finds what made the labels, and the report is of pairs that it was not fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.engine.scores import to_scores
from adjudge.errors import InputError
from adjudge.evaluate.calibration import LEAST_OF_A_CLASS, RULES, calibrate, check_labels, first_half, fit
from adjudge.evaluate.calibration_error import expected_error
from adjudge.evaluate.separation import kept_at
from adjudge.models.calibration import Calibration
from tests.evaluate.drawn import drawn


def says(temperature: float, bias: float, logits: Any) -> Any:
    return 1 / (1 + np.exp(-(logits / temperature + bias)))


def test_the_fit_finds_the_line_that_made_the_labels() -> None:
    made = drawn(40_000, temperature=2.0, bias=-0.7)
    temperature, bias = fit(made.logits, made.relevant)
    assert temperature == pytest.approx(2.0, abs=0.1)
    assert bias == pytest.approx(-0.7, abs=0.1)


def test_the_fit_is_where_the_log_loss_is_flat_but_for_a_pair() -> None:
    made = drawn(500)
    temperature, bias = fit(made.logits, made.relevant)
    residual = says(temperature, bias, made.logits) - made.relevant
    assert residual.sum() == pytest.approx(0, abs=1)
    assert residual @ made.logits / made.logits.std() == pytest.approx(0, abs=1)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-300, 300), st.booleans()), min_size=1, max_size=40))
def test_the_fit_stays_finite_whatever_the_labels(pairs: list[tuple[float, bool]]) -> None:
    logits = np.array([x for x, _ in pairs])
    temperature, bias = fit(logits, np.array([float(r) for _, r in pairs]))
    assert 0 < temperature <= 100 * max(1.0, np.ptp(logits))
    assert np.isfinite(bias)


@settings(max_examples=40)
@given(st.floats(1e-3, 1e4), st.floats(-300, 300), st.sampled_from([0.5, -1.0, -4.0]))
def test_the_fit_says_the_same_of_logits_on_any_scale_and_around_any_number(scale: float, shift: float, bias: float) -> None:
    made = drawn(300, bias=bias)
    moved = (made.logits + shift) * scale
    assert says(*fit(moved, made.relevant), moved) == pytest.approx(says(*fit(made.logits, made.relevant), made.logits), abs=1e-6)


@pytest.mark.parametrize("shift", [0.0, 20.0, -300.0, 1e5])
def test_a_calibration_is_as_good_wherever_the_logits_lie(shift: float) -> None:
    made = drawn(2000, temperature=0.7, bias=-1.0, spread=2.0)
    report = calibrate(made.logits + shift, made.relevant, made.queries)
    assert report.after.expected_error < 0.04
    assert report.calibration.temperature == pytest.approx(0.7, abs=0.1)


def test_one_pair_far_away_does_not_spoil_the_fit() -> None:
    made = drawn(300)
    with_it = fit(np.append(made.logits, 1000.0), np.append(made.relevant, 1.0))
    assert with_it == pytest.approx(fit(made.logits, made.relevant), abs=0.05)


def test_few_relevant_pairs_do_not_raise_all_scores() -> None:
    made = drawn(600, temperature=1.0, bias=-4.5, spread=1.0)
    assert 5 < made.relevant.sum() < 20
    assert says(*fit(made.logits, made.relevant), made.logits).sum() == pytest.approx(made.relevant.sum(), abs=1)


def test_logits_that_are_all_alike_say_the_share_of_relevant_pairs() -> None:
    logits, relevant = np.full(400, 7.1), np.repeat([1.0, 0.0], [100, 300])
    assert says(*fit(logits, relevant), logits) == pytest.approx(0.25, abs=0.01)


def test_a_judge_that_is_upside_down_says_the_share_of_relevant_pairs() -> None:
    made = drawn(4000, bias=2.0)
    logits = -made.logits + 5
    temperature, bias = fit(logits, made.relevant)
    assert temperature > 100
    scores = says(temperature, bias, logits)
    assert scores.mean() == pytest.approx(made.relevant.mean(), abs=0.01)
    assert scores.std() < 0.01


def test_halves_keep_queries_whole_and_do_not_depend_on_the_order() -> None:
    queries = [f"q{n // 3}" for n in range(600)] + ["\ud83d"]
    first = first_half(queries)
    assert 200 < first.sum() < 400
    assert {q for q, f in zip(queries, first, strict=True) if f}.isdisjoint(q for q, f in zip(queries, first, strict=True) if not f)
    assert (first_half(queries[::-1]) == first[::-1]).all()


def test_the_report_is_of_the_other_half() -> None:
    made = drawn(6000)
    report = calibrate(made.logits, made.relevant, made.queries)
    first = first_half(made.queries)
    assert (report.fitted_on.pairs, report.measured_on.pairs) == (first.sum(), (~first).sum())
    assert report.fitted_on.queries + report.measured_on.queries == 600
    assert report.measured_on.relevant == made.relevant[~first].sum()
    logits = made.logits.astype(np.float32)
    after = to_scores(logits, report.calibration, normalize=True)[~first]
    before = to_scores(logits, Calibration(), normalize=True)[~first]
    assert report.after.expected_error == expected_error(after, made.relevant[~first])
    assert report.before.expected_error == expected_error(before, made.relevant[~first])
    assert report.after.expected_error < 0.03 < report.before.expected_error
    assert sum(b.pairs for b in report.bins_after) == report.measured_on.pairs
    for one in report.recommended:
        assert one.measured is not None
        assert one.measured == kept_at(one.measured.score, after, made.relevant[~first])


def test_labels_of_the_other_half_change_nothing_that_was_fitted() -> None:
    made = drawn(4000)
    first = first_half(made.queries)
    other = np.where(first, made.relevant, drawn(4000, seed=9).relevant[np.random.default_rng(0).permutation(4000)])
    one, two = (calibrate(made.logits, labels, made.queries) for labels in (made.relevant, other))
    assert (one.calibration.temperature, one.calibration.bias) == (two.calibration.temperature, two.calibration.bias)
    assert one.separates
    assert not two.separates, "labels at random"
    assert two.calibration.cutoffs == ()


def test_recommended_cut_offs_give_about_what_they_promise() -> None:
    made = drawn(60_000, temperature=1.0, bias=-1.0)
    report = calibrate(made.logits, made.relevant, made.queries)
    assert report.separates
    assert [one.rule for one in report.recommended] == ["keep all", "best F1", *map(str, RULES)]
    for one in report.recommended[2:]:
        assert one.measured is not None
        name, aim = one.rule.split(":")
        value = one.measured.precision if name == "precision" else one.measured.recall
        assert value == pytest.approx(float(aim), abs=0.02), one


def test_a_precision_that_is_out_of_reach_is_told() -> None:
    made = drawn(4000, temperature=3.0, bias=-2.5, spread=2.0)
    report = calibrate(made.logits, made.relevant, made.queries)
    missed = [one for one in report.recommended if one.measured is None]
    assert [one.rule for one in missed][0] == "precision:0.95"
    assert all("the best is" in one.reason for one in missed)


def test_scores_that_know_nothing_are_said_to_separate_nothing() -> None:
    made = drawn(4000)
    report = calibrate(np.random.default_rng(5).normal(0, 2, 4000), made.relevant, made.queries)
    assert not report.separates
    assert "chance" in report.why_not
    assert [one.rule for one in report.recommended] == ["keep all"]
    scores = to_scores(np.array([-4, 4], np.float32), report.calibration, normalize=True)
    assert np.abs(scores - made.relevant.mean()).max() < 0.1, "all scores are about the share of relevant pairs"


def test_before_means_the_calibration_that_the_model_has() -> None:
    made = drawn(4000, temperature=2.0, bias=-0.7)
    own = Calibration(temperature=2.0, bias=-0.7, fitted=True)
    assert calibrate(made.logits, made.relevant, made.queries, current=own).before.expected_error < 0.03


@pytest.mark.parametrize(
    ("relevant", "queries", "message"),
    [
        ([1] * 60 + [0] * (LEAST_OF_A_CLASS - 1), 30, "label more irrelevant ones"),
        ([0] * 60 + [1] * 12, 30, "there are 12 relevant and 60 irrelevant pairs"),
        ([1] * 200, 30, "and 0 irrelevant pairs"),
        ([0, 1] * 200, 1, "belong to 1 query, which cannot be divided"),
        ([], 1, "there are 0 relevant"),
        ([0.5] * 200, 30, "true or false"),
        ([float("nan")] * 200, 30, "true or false"),
    ],
)
def test_too_little_to_fit_on(relevant: list[Any], queries: int, message: str) -> None:
    names = [f"q{n % queries}" for n in range(len(relevant))]
    for refuse in (lambda: check_labels(relevant, names), lambda: calibrate([0.0] * len(relevant), relevant, names)):
        with pytest.raises(InputError, match=message):
            refuse()


@pytest.mark.parametrize("logits", [[0.0] * 3, [float("nan")] * 400, [float("inf")] * 400, [[0.0]] * 400])
def test_logits_that_are_none(logits: list[Any]) -> None:
    with pytest.raises(InputError, match="logits"):
        calibrate(logits, [0, 1] * 200, [f"q{n}" for n in range(400)])


@pytest.mark.parametrize("scale", [1e30, 1e300])
def test_logits_for_which_no_calibration_can_be_kept(scale: float) -> None:
    made = drawn(1000)
    with pytest.raises(InputError, match="logits"):
        calibrate(made.logits * scale, made.relevant, made.queries)

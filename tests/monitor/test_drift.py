"""The monitor: another distribution alarms soon, the same one never in 10,000 queries, and it says so once."""

from __future__ import annotations

import gc
import logging
import threading
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.monitor import DriftConfig, DriftMonitor, Tally, make_reference, measure
from adjudge.monitor.reference import Reference
from tests.monitor.drawn_scores import ORIGIN, drawn, reference_of, tallied

QUICK = DriftConfig(step_queries=25, short_queries=50, long_queries=100)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(drawn(500, seed=1))


def watch(monitor: DriftMonitor, scores: Any) -> DriftMonitor:
    for row in scores.tolist():
        monitor.observe(row)
    return monitor


def by_steps(monitor: DriftMonitor, scores: Any) -> DriftMonitor:
    """As fast as it goes: a step of queries at a time."""
    step = monitor.config.step_queries
    for first in range(0, len(scores), step):
        monitor.observe_tally(tallied(scores[first : first + step]))
    return monitor


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "adjudge.monitor" and record.levelno >= logging.WARNING]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_thousand_queries_of_the_same_distribution_are_silent(caplog: pytest.LogCaptureFixture, seed: int) -> None:
    monitor = DriftMonitor(reference_of(drawn(500, seed=100 + seed, alike=0.2 * seed)))
    state = (watch if seed == 1 else by_steps)(monitor, drawn(10_000, seed=200 + seed, alike=0.2 * seed)).state()
    assert (state.queries, state.looks, state.alarms, state.drifting, state.since) == (10_000, 197, 0, False, None)
    assert warnings(caplog) == []
    assert set(state.quantities) == {"score", "top_score", "spread"}


@pytest.mark.parametrize("change", [{"shift": -1.5}, {"shift": 1.5}, {"alike": 0.95}])
def test_another_distribution_alarms_within_two_hundred_queries(
    reference: Reference, caplog: pytest.LogCaptureFixture, change: dict[str, float]
) -> None:
    monitor = watch(DriftMonitor(reference), drawn(1000, seed=5))
    assert not monitor.state().drifting
    state = watch(monitor, drawn(200, seed=6, **change)).state()
    assert state.drifting
    assert (state.alarms, state.since is not None) == (1, True)
    (said,) = warnings(caplog)
    assert said.startswith("the scores of judge have moved away from the reference: ")
    assert "PSI" in said
    assert "where the reference has" in said


def test_it_says_so_once_and_is_told_when_it_is_over(reference: Reference, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "adjudge.monitor")
    monitor = by_steps(DriftMonitor(reference), drawn(400, seed=7))
    by_steps(monitor, drawn(2000, seed=8, shift=-3))
    assert len(warnings(caplog)) == 1
    assert monitor.state().drifting
    by_steps(monitor, drawn(1100, seed=9))
    assert not monitor.state().drifting, "the long window has forgotten it"
    assert monitor.state().since is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    by_steps(monitor, drawn(400, seed=10, shift=3))
    assert (len(warnings(caplog)), monitor.state().alarms) == (2, 2)


@pytest.mark.parametrize(("confirmations", "alarms"), [(2, 1), (5, 0)])
def test_an_odd_step_is_passed_over_by_who_asks_for_more_looks_than_it_lasts(reference: Reference, confirmations: int, alarms: int) -> None:
    """Fifty queries of somebody's bulk job stay in the short window for four looks."""
    monitor = DriftMonitor(reference, DriftConfig(confirmations=confirmations))
    by_steps(by_steps(by_steps(monitor, drawn(1000, seed=1)), drawn(50, seed=2, shift=-3)), drawn(400, seed=3))
    assert monitor.state().alarms == alarms


def test_nothing_is_said_before_the_short_window_is_full(reference: Reference) -> None:
    monitor = watch(DriftMonitor(reference), drawn(199, seed=1, shift=9))
    state = monitor.state()
    assert (state.queries, state.looks, state.quantities, state.drifting) == (199, 0, {}, False)
    assert state.fields()["quantities"] == {}
    assert watch(monitor, drawn(1, seed=2)).state().looks == 1


def test_the_windows_hold_what_they_should(reference: Reference) -> None:
    scores = drawn(1300, seed=4)
    state = watch(DriftMonitor(reference), scores).state()
    one = state.quantities["score"]
    assert (one.short.queries, one.long.queries) == (200, 1000)
    assert (one.short.values, one.long.values) == (4000, 20_000)
    assert one.short.median == pytest.approx(float(np.quantile(scores[-200:], 0.5, method="inverted_cdf")), rel=0.02)
    assert state.quantities["top_score"].long.median == pytest.approx(
        float(np.quantile(scores[-1000:].max(axis=1), 0.5, method="inverted_cdf")), rel=0.02
    )
    few = watch(DriftMonitor(reference), scores[:300]).state().quantities["score"]
    assert few.long.queries == 300, "what there is"
    assert few.long.psi_threshold >= one.long.psi_threshold


def test_fields_are_what_the_page_and_the_metrics_read(reference: Reference) -> None:
    fields = by_steps(DriftMonitor(reference), drawn(250, seed=1)).state().fields()
    assert (fields["drifting"], fields["since"], fields["windows"]) == (False, None, {"short": 200, "long": 1000})
    for one in fields["quantities"].values():
        assert set(one) >= {"psi", "psi_threshold", "ks", "ks_threshold", "median", "reference_median", "drifting", "exceeded", "windows"}


def test_thresholds_follow_from_the_rate_that_is_allowed(reference: Reference) -> None:
    assert DriftConfig().limits.chance == pytest.approx(0.01 / (200 * 3 * 2 * 2))
    strict = DriftConfig(false_alarms=1e-6, least_psi=0, least_ks=0)
    usual = replace(strict, false_alarms=0.01)
    thresholds = [
        by_steps(DriftMonitor(reference, config), drawn(200, seed=1)).state().quantities["spread"].short for config in (strict, usual)
    ]
    assert thresholds[0].psi_threshold > thresholds[1].psi_threshold
    assert thresholds[0].ks_threshold > thresholds[1].ks_threshold


def test_a_small_distance_is_no_alarm_however_sure(reference: Reference) -> None:
    many = DriftConfig(step_queries=1000, short_queries=10_000, long_queries=10_000)
    big = reference_of(drawn(4000, seed=1))
    shifted = drawn(12_000, seed=2, shift=0.25)
    assert not by_steps(DriftMonitor(big, many), shifted).state().drifting
    assert by_steps(DriftMonitor(big, replace(many, least_psi=0, least_ks=0)), shifted).state().drifting


def test_a_tally_made_elsewhere_counts_as_if_observed_here(reference: Reference) -> None:
    scores = drawn(300, seed=3)
    here, there = watch(DriftMonitor(reference), scores), by_steps(DriftMonitor(reference), scores)
    assert here.state() == there.state()
    there.observe_tally(Tally("sigmoid"))
    assert there.state().queries == 300
    with pytest.raises(ConfigError, match="scale"):
        there.observe_tally(_tally_of_logits())
    assert there.state().queries == 300


def _tally_of_logits() -> Tally:
    tally = Tally("logit")
    tally.add(measure([1.0, -2.0], "logit"))
    return tally


@pytest.mark.parametrize("bad", [[0.5, float("nan")], [1.01], [float("inf")]])
def test_a_score_that_cannot_be_is_refused_and_not_counted(reference: Reference, bad: list[float]) -> None:
    monitor = DriftMonitor(reference)
    with pytest.raises(InputError, match="probability scale"):
        monitor.observe(bad)
    monitor.observe([])
    assert monitor.state().queries == 0


def test_single_documents_have_no_spread(reference: Reference) -> None:
    state = watch(DriftMonitor(reference, QUICK), drawn(100, seed=1)[:, :1]).state()
    assert set(state.quantities) == {"score", "top_score"}
    assert watch(DriftMonitor(reference, QUICK), drawn(100, seed=1)[:, :2]).state().quantities.keys() == {"score", "top_score", "spread"}


def test_a_reference_of_one_value_in_a_quantity_still_compares() -> None:
    rows = [[0.2, 0.9]] * 100  # top score and spread never vary
    monitor = DriftMonitor(make_reference(rows, ORIGIN), replace(QUICK, least_psi=0, least_ks=0))
    for _ in range(100):
        monitor.observe([0.2, 0.9])
    assert not monitor.state().drifting
    for _ in range(100):
        monitor.observe([0.1, 0.5])
    assert monitor.state().drifting
    assert monitor.state().quantities["top_score"].short.psi == 0, "one bin: KS has seen it"


def test_threads_lose_no_query(reference: Reference) -> None:
    monitor = DriftMonitor(reference)
    rows = drawn(400, seed=1).tolist()
    looked: list[bool] = []

    def work() -> None:
        for row in rows:
            monitor.observe(row)
            looked.append(monitor.state().drifting)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = monitor.state()
    assert (state.queries, state.looks) == (3200, 3200 // 50 - 3)
    assert state.quantities["score"].long.values == 20_000
    assert len(looked) == 3200


def test_memory_does_not_grow(reference: Reference) -> None:
    monitor = by_steps(DriftMonitor(reference, QUICK), drawn(400, seed=1))
    scores = drawn(1500, seed=2)
    tracemalloc.start()
    by_steps(monitor, scores)
    gc.collect()  # CPython keeps up to 2,000 freed tuples of each short length until a whole collection
    own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/adjudge/monitor/*")])  # other tests' threads live on
    grown = sum(trace.size for trace in own.traces)
    tracemalloc.stop()
    assert grown < 5 * 3 * 16_384 + 20_000, "no more than the parts of the ring, which were made anew meanwhile"


@pytest.mark.parametrize(
    "wrong",
    [
        {"step_queries": 0},
        {"step_queries": 1.5},
        {"confirmations": True},
        {"short_queries": 210},
        {"short_queries": 2000},
        {"short_queries": 40, "step_queries": 20},
        {"false_alarms": 0},
        {"false_alarms": 2},
        {"least_psi": -0.1},
        {"least_ks": float("nan")},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DriftConfig(**wrong)


@pytest.mark.parametrize(
    "scores",
    [["x"], "abc", b"abc", [10**400], [[1, 2], [3]], {0.1, 0.2}, {1: 2}, (x for x in [0.1]), [[0.1, 0.2], [0.3, 0.4]], 0.5, None, [1j]],
    ids=lambda scores: type(scores).__name__,
)
def test_what_is_no_list_of_scores_is_refused_and_not_counted(reference: Reference, scores: Any) -> None:
    monitor = DriftMonitor(reference)
    with pytest.raises(InputError, match="scores of one query must be a list of numbers"):
        monitor.observe(scores)
    assert monitor.state().queries == 0


def test_scores_may_be_an_array_and_a_query_may_have_none(reference: Reference) -> None:
    monitor = DriftMonitor(reference)
    for scores in (np.array([0.1, 0.2], np.float32), (0.1, 0.2), [1, 0], []):
        monitor.observe(scores)  # type: ignore[arg-type]
    assert monitor.state().queries == 3

"""With scores of a real judge on real questions: the same kind of questions is silent, another domain is heard.

real_scores.json holds scores of the embedded judge for 96 questions of each of two kinds, ten passages each as BM25 found them: about
Wikipedia articles (English), and what users ask a data protection authority (French). Queries are drawn from them with replacement.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from adjudge.monitor import DriftMonitor, Origin, Reference, ScoreSketch, Tally, make_reference, measure
from adjudge.monitor.divergence import ks_distance

Rows = list[list[float]]

STORED = json.loads((Path(__file__).parent / "real_scores.json").read_text(encoding="utf-8"))
ARTICLES, OFFICE = (STORED["sets"][name] for name in ("articles", "office"))
ORIGIN = Origin(model=STORED["model"], revision=STORED["revision"], score_type=STORED["score_type"])


def reference_of(rows: Rows, *, seed: int) -> Reference:
    return make_reference([rows[i] for i in np.random.default_rng(seed).integers(0, len(rows), 500)], ORIGIN)


def feed(monitor: DriftMonitor, rows: Rows, *, queries: int, seed: int) -> None:
    """Drawn with replacement, a step at a time."""
    cells = [measure(row, ORIGIN.score_type) for row in rows]
    chance = np.random.default_rng(seed)
    for _ in range(queries // monitor.config.step_queries):
        tally = Tally(ORIGIN.score_type)
        for i in chance.integers(0, len(rows), monitor.config.step_queries):
            tally.add(cells[i])
        monitor.observe_tally(tally)


@pytest.mark.parametrize(("rows", "seed"), [(ARTICLES, 1), (OFFICE, 2)])
def test_ten_thousand_queries_of_the_same_kind_are_silent(rows: Rows, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    monitor = DriftMonitor(reference_of(rows, seed=seed))
    feed(monitor, rows, queries=10_000, seed=seed + 10)
    assert (monitor.state().queries, monitor.state().alarms) == (10_000, 0)
    assert caplog.messages == []


@pytest.mark.parametrize(("before", "after"), [(ARTICLES, OFFICE), (OFFICE, ARTICLES)])
def test_another_domain_is_heard_within_two_hundred_queries(before: Rows, after: Rows, caplog: pytest.LogCaptureFixture) -> None:
    monitor = DriftMonitor(reference_of(before, seed=3))
    feed(monitor, before, queries=1000, seed=4)
    assert not monitor.state().drifting
    feed(monitor, after, queries=200, seed=5)
    assert monitor.state().drifting
    assert len(caplog.messages) == 1


def test_scores_of_one_query_are_alike() -> None:
    """Why thresholds of `score` cannot treat them as independent."""
    alike = reference_of(OFFICE, seed=1).quantities["score"]
    assert max(alike.within_query) > 0.1
    sketches = []
    for rows in (ARTICLES, OFFICE):
        sketch = ScoreSketch()
        sketch.add([score for row in rows for score in row])
        sketches.append(sketch.counts)
    assert ks_distance(*sketches) > 0.2

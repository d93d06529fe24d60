"""What the service counts: names, bounds, the histogram, percentiles, drift, and many threads at once."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adjudge import Reranker, errors
from adjudge.errors import MissingExtraError
from adjudge.monitor import DriftConfig, DriftMonitor, Origin, make_reference
from adjudge.monitor.scales import RELATIVE_ERROR
from adjudge.server.metrics import MODELS, Metrics
from adjudge.server.protocols.dialect import STATUS
from adjudge.types import Ranking, Usage

QUERY = "What do pandas eat?"
DOCUMENTS = ["Giant pandas eat bamboo.", "Red apples are sweet.", "What pandas eat is bamboo.", "", "Giant pandas eat bamboo."]


@pytest.fixture(scope="module")
def ranking(word_judge: Reranker) -> Ranking:
    return word_judge.rank(QUERY, DOCUMENTS, top_n=2)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """{(name, labels): value} of everything, read as Prometheus reads it."""
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain")
    families = text_string_to_metric_families(body.decode("utf-8"))
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def with_scores(ranking: Ranking, scores: list[float], **changes: Any) -> Ranking:
    """The same ranking with other scores."""
    return replace(ranking, results=tuple(replace(ranking[0], score=score) for score in scores), dropped=(), **changes)


def monitor_of(ranking: Ranking, *, seed: int = 1, **origin: Any) -> DriftMonitor:
    rows = np.random.default_rng(seed).uniform(0.2, 0.8, (100, 5)).tolist()
    made = Origin(model=ranking.model, revision=ranking.revision, score_type=ranking.score_type)
    return DriftMonitor(make_reference(rows, replace(made, **origin)), DriftConfig(step_queries=25, short_queries=50, long_queries=50))


def drift_of(metrics: Metrics, name: str = "judge") -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in metrics.snapshot()["models"] if one["name"] == name)["drift"]
    return found


def test_a_request_is_counted_by_dialect_model_and_status() -> None:
    metrics = Metrics()
    metrics.received("cohere-v2", "judge")
    metrics.answered("cohere-v2", "judge", 200, {"total": 0.03, "queue": 0.002, "forward": 0.02, "odd": 1.0})
    metrics.answered("native", "", 404, {"total": 0.001})
    metrics.answered("tei", "judge", 424, {"total": 0.001})
    metrics.answered("native", "judge", 499, {})
    assert value(metrics, "adjudge_requests_received_total", dialect="cohere-v2", model="judge") == 1
    assert value(metrics, "adjudge_requests_total", dialect="cohere-v2", model="judge", status="200") == 1
    assert value(metrics, "adjudge_requests_total", dialect="native", model="unknown", status="404") == 1
    assert value(metrics, "adjudge_errors_total", kind="not_found") == 1
    assert value(metrics, "adjudge_errors_total", kind="backend") == 1
    assert value(metrics, "adjudge_client_gone_total") == 1
    assert value(metrics, "adjudge_request_seconds_count", dialect="cohere-v2") == 1
    assert value(metrics, "adjudge_request_seconds_bucket", dialect="cohere-v2", le="0.05") == 1
    assert value(metrics, "adjudge_stage_seconds_sum", stage="queue") == pytest.approx(0.002)
    assert value(metrics, "adjudge_stage_seconds_count", stage="other") == 1


def test_a_ranking_is_counted(ranking: Ranking) -> None:
    metrics = Metrics()
    metrics.ranked("judge", ranking)
    usage = ranking.usage
    assert (usage.pairs, usage.computed, len(ranking.refused)) == (4, 3, 1), "one document stands there twice, one is empty"
    for name, wanted in (
        ("documents", usage.documents),
        ("pairs", 4),
        ("pairs_computed", 3),
        ("cache_hits", 1),
        ("tokens", usage.tokens),
        ("truncations", 0),
    ):
        assert value(metrics, f"adjudge_{name}_total", model="judge") == wanted, name
    assert value(metrics, "adjudge_documents_refused_total", reason="empty") == 1
    assert value(metrics, "adjudge_scores_count", model="judge") == 4, "what fell behind top_n was judged too"
    assert value(metrics, "adjudge_scores_sum", model="judge") == pytest.approx(sum(r.score for r in (*ranking.results, *ranking.dropped)))
    assert value(metrics, "adjudge_model_info", model="judge", source=ranking.model, revision=ranking.revision) == 1


def test_the_histogram_is_of_probabilities(ranking: Ranking) -> None:
    metrics = Metrics()
    metrics.ranked("judge", with_scores(ranking, [0.0, 0.05, 0.15, 0.3, 0.999, 1.0]))
    metrics.ranked("judge", with_scores(ranking, [-3.0, 7.0], score_type="logit"))
    metrics.scored("judge", [0.5], "sigmoid", Usage(pairs=1, computed=1, tokens=9))
    (model,) = metrics.snapshot()["models"]
    histogram = model["score_histogram"]
    assert (histogram["edges"][0], histogram["edges"][-1], len(histogram["edges"])) == (0, 1, 21)
    held = {round(low, 2): count for low, count in zip(histogram["edges"], histogram["counts"], strict=False) if count}
    assert held == {0.0: 1, 0.05: 1, 0.15: 1, 0.3: 1, 0.5: 1, 0.95: 2}
    assert value(metrics, "adjudge_scores_bucket", model="judge", le="0.2") == 3
    assert value(metrics, "adjudge_scores_bucket", model="judge", le="+Inf") == 7
    assert value(metrics, "adjudge_tokens_total", model="judge") == 2 * ranking.usage.tokens + 9


def test_queue_batches_and_fallbacks() -> None:
    metrics = Metrics()
    metrics.queue(120, 3)
    metrics.batch(16, 3072, 4096)
    metrics.batch(1, 10, 0)
    metrics.fallback("BackendMemoryError")
    assert metrics.snapshot()["queue"] == {"pairs": 120, "requests": 3}
    assert (value(metrics, "adjudge_queue_pairs"), value(metrics, "adjudge_queue_requests")) == (120, 3)
    assert value(metrics, "adjudge_batch_fill_ratio_sum") == pytest.approx(0.75)
    assert value(metrics, "adjudge_batch_fill_ratio_count") == 1
    assert value(metrics, "adjudge_batch_rows_bucket", le="16.0") == 2
    assert value(metrics, "adjudge_fallback_total", reason="BackendMemoryError") == 1


def test_what_alarms_stands_at_nought_before_it_first_happens() -> None:
    """rate() and increase() see nothing of a series that begins at 1."""
    before = samples(Metrics())
    for kind in (*STATUS, "other"):
        assert before["adjudge_errors_total", (("kind", kind),)] == 0
    backend = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.BackendError)]
    reasons = {one.__name__ for one in backend} - {"InvalidLogitsError"}  # which no other device mends
    found = {dict(labels)["reason"]: value for (name, labels), value in before.items() if name == "adjudge_fallback_total"}
    assert found == dict.fromkeys(reasons, 0)


@pytest.mark.parametrize("given", [None, ["judge"]])
def test_labels_are_bounded_whatever_comes(given: list[str] | None, ranking: Ranking) -> None:
    metrics = Metrics(given)
    metrics.answered("native", "judge", 200, {"total": 0.1})
    for i in range(200):
        metrics.received(f"dialect-{i}", f"made-up-{i}")
        metrics.answered(f"dialect-{i}", f"made-up-{i}", 100 + i * 10, {f"stage-{i}": 1.0})
        metrics.ranked(f"made-up-{i}", ranking)
        metrics.fallback(f"reason {i}")
    names = {dict(labels).get("model") for _, labels in samples(metrics)} - {None}
    assert len(names) <= MODELS + 1
    if given is not None:
        assert names == {"judge", "other"}
    assert len(samples(metrics)) < 5000
    assert [one["name"] for one in metrics.snapshot()["models"]][:1] == ["judge"]
    assert len(metrics.snapshot()["models"]) <= MODELS
    assert value(metrics, "adjudge_fallback_total", reason="other") >= 100


def test_names_carry_the_right_endings() -> None:
    metrics = Metrics(["judge"])
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        assert family.name.startswith(("adjudge_", "process_")), family.name
        assert family.documentation, family.name


def test_several_in_one_process_do_not_meet(ranking: Ranking) -> None:
    one, two = Metrics(), Metrics()
    one.ranked("judge", ranking)
    assert value(one, "adjudge_pairs_total", model="judge") == 4
    assert ("adjudge_pairs_total", (("model", "judge"),)) not in samples(two)


def test_percentiles_are_of_the_last_thousand_good_answers() -> None:
    metrics = Metrics()
    seconds = np.random.default_rng(2).lognormal(-3, 1, 3000)
    for one in seconds.tolist():
        metrics.answered("native", "judge", 200, {"total": one})
        metrics.answered("native", "judge", 500, {"total": 100.0})
    (model,) = metrics.snapshot()["models"]
    latency = model["latency_ms"]
    assert (model["requests"], latency["n"]) == (6000, 1000)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact = float(np.quantile(seconds[-1000:], share, method="inverted_cdf")) * 1e3
        assert latency[name] == pytest.approx(exact, rel=RELATIVE_ERROR), name


def test_a_snapshot_before_anything_happened() -> None:
    assert Metrics().snapshot()["models"] == []
    found = Metrics(["judge"]).snapshot()
    assert found["queue"] == {"pairs": 0, "requests": 0}
    assert found["uptime_s"] >= 0
    (model,) = found["models"]
    assert (model["name"], model["requests"], model["pairs"], sum(model["score_histogram"]["counts"])) == ("judge", 0, 0, 0)
    assert model["latency_ms"] == {"p50": None, "p95": None, "p99": None, "n": 0}


def test_drift_is_watched(ranking: Ranking, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(monitors={"judge": monitor_of(ranking)})
    assert drift_of(metrics)["quantities"] == {}
    chance = np.random.default_rng(3)
    for row in chance.uniform(0.2, 0.8, (100, 5)).tolist():
        metrics.ranked("judge", with_scores(ranking, row))
    assert (drift_of(metrics)["drifting"], drift_of(metrics)["queries"], drift_of(metrics)["differences"]) == (False, 100, [])
    assert value(metrics, "adjudge_drifting", model="judge", quantity="score") == 0
    for row in chance.uniform(0.9, 1.0, (100, 5)).tolist():
        metrics.ranked("judge", with_scores(ranking, row))
    drift = drift_of(metrics)
    assert drift["drifting"]
    assert drift["quantities"]["score"]["psi"] > drift["quantities"]["score"]["psi_threshold"]
    assert value(metrics, "adjudge_drifting", model="judge", quantity="score") == 1
    psi = value(metrics, "adjudge_drift_psi", model="judge", quantity="score", window="short")
    assert psi == pytest.approx(drift["quantities"]["score"]["windows"]["short"]["psi"])
    assert psi > value(metrics, "adjudge_drift_psi_threshold", model="judge", quantity="score", window="short")
    assert value(metrics, "adjudge_drift_ks", model="judge", quantity="top_score", window="long") > 0.5
    assert value(metrics, "adjudge_drift_queries", model="judge") == 200
    assert len(caplog.messages) == 1
    assert metrics.snapshot()["models"][0]["drift"]["reference"]["model"] == ranking.model


def test_no_reference_is_null(ranking: Ranking) -> None:
    metrics = Metrics()
    metrics.ranked("judge", ranking)
    assert drift_of(metrics) is None


def test_a_reference_of_another_judge_is_said_once(ranking: Ranking, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(monitors={"judge": monitor_of(ranking, model="another", revision="old")})
    for _ in range(3):
        metrics.ranked("judge", with_scores(ranking, [0.5, 0.6]))
    assert len(caplog.messages) == 2
    assert "the reference was made with model 'another'" in caplog.messages[0]
    assert drift_of(metrics)["queries"] == 3, "compared all the same"
    assert len(drift_of(metrics)["differences"]) == 2


def test_scores_of_another_type_are_not_compared(ranking: Ranking, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(monitors={"judge": monitor_of(ranking)})
    metrics.ranked("judge", with_scores(ranking, [3.0, -7.0], score_type="logit"))
    metrics.ranked("judge", with_scores(ranking, [3.0], score_type="logit"))
    metrics.ranked("judge", with_scores(ranking, [1.5]))
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "such queries are not compared" in caplog.messages[0]
    assert "1.5 cannot be counted" in caplog.messages[1]
    assert (drift_of(metrics)["queries"], drift_of(metrics)["unobserved"]) == (0, 3)
    assert value(metrics, "adjudge_drift_unobserved", model="judge") == 3


def test_threads_lose_nothing(ranking: Ranking) -> None:
    metrics = Metrics(monitors={"judge": monitor_of(ranking)})
    rows = np.random.default_rng(4).uniform(0.2, 0.8, (150, 5)).tolist()
    seen: list[Mapping[str, Any]] = []

    def work() -> None:
        for row in rows:
            metrics.received("native", "judge")
            metrics.ranked("judge", with_scores(ranking, row))
            metrics.answered("native", "judge", 200, {"total": 0.01})
        seen.append(metrics.snapshot())
        metrics.render()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (model,) = metrics.snapshot()["models"]
    assert (model["requests"], model["pairs"]) == (900, 900 * ranking.usage.pairs)
    assert sum(model["score_histogram"]["counts"]) == 4500
    assert model["drift"]["queries"] == 900
    assert value(metrics, "adjudge_requests_total", dialect="native", model="judge", status="200") == 900
    assert len(seen) == 6


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[server\]"):
        Metrics()

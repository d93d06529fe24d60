"""From what was computed to what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adjudge.errors import ConfigError
from adjudge.evaluate.assemble import MeasureConfig, assemble
from adjudge.evaluate.dataset import Dataset, DatasetConfig, read_dataset
from adjudge.evaluate.experiment import ExperimentConfig, Raw
from adjudge.evaluate.peers import RerankerSpec
from adjudge.evaluate.report import render_report
from adjudge.evaluate.result import Evaluation
from tests.evaluate.beir_folder import write_beir
from tests.evaluate.small_data import computed, dataset

MEASURES = MeasureConfig(measures=("RR@10", "Success@1"), resamples=400)


def assembled(data: Dataset, raw: Raw, config: MeasureConfig = MEASURES) -> Evaluation:
    specs = tuple(RerankerSpec(name=name, adapter="adjudge", model=name) for name in raw.judged)
    return assemble(data, raw, ExperimentConfig(rerankers=specs, candidates=3), config)


def many(queries: int, *, good: str, poor: str) -> tuple[Dataset, Raw]:
    """The first stage has every relevant document second. "good" puts it first, "poor" last, "mixed" does the one or the other."""
    data = dataset({f"q{n}": {"d0": 1, "d1": 0} for n in range(queries)})
    first = {f"q{n}": ["d1", "d0", "d2"] for n in range(queries)}
    up, down = [0.2, 0.9, 0.1], [0.9, 0.1, 0.5]
    scores = {
        good: dict.fromkeys(first, up),
        poor: dict.fromkeys(first, down),
        "mixed": {f"q{n}": up if n % 2 else down for n in range(queries)},
    }
    return data, computed(data, first, scores)


def test_orders_values_and_means() -> None:
    data, raw = many(60, good="good", poor="poor")
    found = assembled(data, raw)
    assert {system.name: system.means["RR@10"].mean for system in found.systems} == {
        "bm25": pytest.approx(0.5),
        "good": pytest.approx(1.0),
        "poor": pytest.approx(1 / 3),
        "mixed": pytest.approx(2 / 3),
    }
    assert found.system("good").per_query["Success@1"] == (1.0,) * 60
    assert found.system("mixed").per_query["RR@10"][:2] == (pytest.approx(1 / 3, abs=1e-6), 1.0)
    assert [query.id for query in found.queries] == list(data.queries)
    assert found.system("good").cost is not None


def test_wins_losses_ties_and_corrected_p_values() -> None:
    data, raw = many(60, good="good", poor="poor")
    found = assembled(data, raw)
    gains = {c.system: c for c in found.comparisons if c.kind == "gain"}
    assert {name: (c.wins, c.losses, c.ties) for name, c in gains.items()} == {"good": (60, 0, 0), "poor": (0, 60, 0), "mixed": (30, 30, 0)}
    assert {c.corrected_for for c in gains.values()} == {3}
    assert gains["good"].p_value == pytest.approx(1 / 401)
    assert gains["good"].p_corrected == pytest.approx(3 / 401), "the smallest of three p-values counts three times"
    rivals = [c for c in found.comparisons if c.kind == "rival"]
    assert [(c.system, c.baseline) for c in rivals] == [("poor", "good"), ("mixed", "good")]
    assert rivals[0].verdict.sentence.startswith("poor is worse than good: RR@10 1.000 -> 0.333 (-0.667")


def test_the_verdict_is_about_the_first_reranker_and_a_loss_is_called_one() -> None:
    data, raw = many(60, good="good", poor="poor")
    assert assembled(data, raw).verdict.sentence == (
        "Reranking helps here: RR@10 0.500 -> 1.000 (+0.500, 95 % interval 0.500 to 0.500), 5.0 ms per query"
    )
    data, raw = many(60, good="zgood", poor="apoor")
    judged = {"apoor": raw.judged["apoor"]}
    hurt = assembled(data, Raw(first=raw.first, judged=judged, sessions=raw.sessions))
    assert hurt.verdict.kind == "hurts"
    assert hurt.verdict.sentence.startswith("Reranking hurts here: RR@10 0.500 -> 0.333 (-0.167")


def test_with_a_handful_of_queries_nothing_can_be_told() -> None:
    data, raw = many(4, good="good", poor="poor")
    found = assembled(data, raw)
    assert found.verdict.kind == "cannot_tell", "four queries have 16 signs: no p-value below 0.125"
    assert found.comparisons[0].p_value == pytest.approx(2 / 16)
    assert any("4 queries are few" in warning for warning in found.warnings)
    assert any("1 query is few" in warning for warning in assembled(*many(1, good="good", poor="poor")).warnings)


def test_worst_losses_stand_side_by_side() -> None:
    data = dataset({"q1": {"d0": 1}, "q2": {"d1": 1, "d3": 0}, "q3": {"d2": 1}})
    first = {"q1": ["d0", "d5"], "q2": ["d1", "d3", "d4"], "q3": ["d5", "d2"]}
    raw = computed(data, first, {"m": {"q1": [0.1, 0.2], "q2": [0.1, 0.8, 0.7], "q3": [0.1, 0.2]}})
    (comparison,) = assembled(data, raw).comparisons
    assert [(loss.query, loss.before, pytest.approx(loss.after)) for loss in comparison.worst_losses] == [
        ("q2", 1.0, pytest.approx(1 / 3)),
        ("q1", 1.0, 0.5),
    ]
    worst = comparison.worst_losses[0]
    assert [(d.id, d.relevant, d.grade, d.rank, d.other_rank) for d in worst.top_after] == [
        ("d3", False, 0, 1, 2),
        ("d4", False, None, 2, 3),
        ("d1", True, 1, 3, 1),
    ]
    assert (worst.top_after[0].text, worst.top_after[0].score, worst.text) == ("text of document 3", 0.8, "text of q2")


def test_what_is_not_judged_or_cannot_be_read_stands_behind_in_the_old_order() -> None:
    data = dataset({"q1": {"d1": 1}})
    raw = computed(data, {"q1": ["gone", "d0", "d1", "d2"]}, {"m": {"q1": [None, 0.1, 0.1]}})
    found = assembled(data, raw, MeasureConfig(measures=("RR@10",), resamples=100, worst=1))
    assert found.system("m").means["RR@10"].mean == 1.0, "d1, d2 (equal scores keep their order), then gone, d0"
    assert any("m did not judge 1 of its candidates" in warning for warning in found.warnings)


def test_a_query_without_candidates_counts_as_zero() -> None:
    data = dataset({"q1": {"d0": 1}, "q2": {"d0": 1}})
    found = assembled(data, computed(data, {"q1": ["d0"]}, {"m": {"q1": [0.5]}}))
    assert found.system("m").per_query["RR@10"] == (1.0, 0.0)
    assert found.system("m").means["RR@10"].mean == 0.5
    assert found.data.recall_of_candidates == 0.5
    assert found.queries[1].candidates == 0


def test_languages_apart() -> None:
    data = dataset({"q1": {"d0": 1}, "q2": {"d0": 1}, "q3": {"d0": 1}}, languages={"q2": "zh"})
    first = dict.fromkeys(("q1", "q2", "q3"), ["d1", "d0"])
    raw = computed(data, first, {"m": {"q1": [0.1, 0.9], "q2": [0.9, 0.1], "q3": [0.1, 0.9]}})
    found = assembled(data, raw)
    means = {name: (by["RR@10"].mean, by["RR@10"].queries) for name, by in found.system("m").languages.items()}
    assert means == {"en": (1.0, 2), "zh": (0.5, 1)}
    assert {name: c.difference for name, c in found.comparisons[0].languages.items()} == {"en": 0.5, "zh": 0.0}


def test_costs_are_those_that_were_timed() -> None:
    data = dataset({f"q{n}": {"d0": 1} for n in range(100)})
    first = {f"q{n}": ["d1", "d0"] for n in range(100)}
    raw = computed(data, first, {"m": dict.fromkeys(first, [0.1, 0.2])})
    spread = {f"q{n}": float(n + 1) for n in range(100)}
    judged = {
        query: replace(timed, milliseconds=spread[query], memory_mib=10.0 + spread[query]) for query, timed in raw.judged["m"].items()
    }
    found = assembled(data, Raw(first=raw.first, judged={"m": judged}, sessions={"m": [*raw.sessions["m"], *raw.sessions["m"]]}))
    cost = found.system("m").cost
    assert cost is not None
    values = np.arange(1.0, 101.0)
    assert (cost.query_ms.p50, cost.query_ms.p95) == (float(np.quantile(values, 0.5)), float(np.quantile(values, 0.95)))
    assert cost.pair_ms is not None
    assert cost.pair_ms.p50 == pytest.approx(cost.query_ms.p50 / 2)
    assert (cost.memory_mib, cost.load_ms, cost.pairs, cost.runs) == (110.0, 7.0, 200, 2)
    assert any("ran in 2 parts" in warning for warning in found.warnings)
    assert found.first_stage.cost is not None
    assert (found.first_stage.cost.query_ms.p50, found.first_stage.cost.pair_ms) == (1.0, None)


def test_holes_in_the_judgements_are_told() -> None:
    data = dataset({f"q{n}": {"d0": 1, "d1": 0} for n in range(60)}, documents=40)
    first = {f"q{n}": ["d0", "d1", *(f"d{m}" for m in range(2, 40))] for n in range(60)}
    scores = [0.0, 0.1, *(0.5 + m / 100 for m in range(38))]
    found = assembled(data, computed(data, first, {"m": dict.fromkeys(first, scores)}))
    assert any("20% were judged before m and 0% after" in warning for warning in found.warnings)


def test_without_a_reranker() -> None:
    data = dataset({"q1": {"d0": 1}})
    found = assembled(data, computed(data, {"q1": ["d0"]}, {}))
    assert (found.verdict.kind, found.comparisons, len(found.systems)) == ("not_reranked", (), 1)


@pytest.mark.parametrize("wrong", [{"resamples": 99}, {"resamples": True}, {"least_gain": 0}, {"least_gain": 1.0}, {"worst": -1}])
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        MeasureConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "drawn"), [(None, None), (3, 3), (4, None), (9, None)])
def test_settings_say_how_many_queries_were_drawn(tmp_path: Path, asked: int | None, drawn: int | None) -> None:
    data = read_dataset(write_beir(tmp_path / "rivers", rivers=4), DatasetConfig(queries=asked))
    found = assemble(data, computed(data, {}, {}), ExperimentConfig(), MeasureConfig(resamples=100))
    assert found.settings.queries == drawn
    assert (">3 drawn<" in render_report(found)) == (drawn == 3)

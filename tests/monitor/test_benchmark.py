"""benchmarks/drift.py: what it counts, in one small run of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge import Reranker
from benchmarks import drift
from benchmarks.drift import delays, false_alarms, made_pools, main, rate, score_set
from benchmarks.passages import read_passages
from tests.evaluate.beir_folder import write_beir


def test_a_rate_has_an_interval() -> None:
    found = rate(0, 100)
    assert (found["share"], found["interval"][0]) == (0, 0)
    assert found["interval"][1] == pytest.approx(0.037, abs=0.001)
    low, high = rate(50, 100)["interval"]
    assert 0.4 < low < 0.5 < high < 0.6


def test_the_same_is_silent_and_another_is_heard() -> None:
    made = made_pools(400)
    alarms = false_alarms(made["made-alike"], runs=1, reference=300)
    assert (alarms["runs"], alarms["alarmed"], alarms["looks"]) == (1, 0, 197)
    assert 0 < max(alarms["largest"].values()) < 1
    waits = delays(made["made-independent"], made["made-alike"], runs=2, reference=300)
    assert waits["missed"] == 0
    assert waits["median"] <= 200
    assert delays(made["made-alike"], made["made-alike"], runs=1, reference=300)["missed"] == 1


def test_scores_are_of_the_drawn_queries(word_judge: Reranker, tmp_path: Path) -> None:
    pool = score_set(read_passages(write_beir(tmp_path / "set")), word_judge, queries=5, candidates=4)
    assert [len(row) for row in pool] == [4] * 5
    assert all(0 <= score <= 1 for row in pool for score in row)


def test_kept_scores_go_from_folder_to_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(drift, "HORIZON", 500)
    for name, pool in made_pools(60).items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"scores": pool}), encoding="utf-8")
    options = ("--data", str(tmp_path), "--scores", str(tmp_path), "--sets", "made-alike,made-rounded", "--made", "none", "--runs", "1")
    main([*options, "--references", "60", "--out", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert set(found["false_alarms"]) == {"made-alike", "made-rounded"}
    assert {row["config"] for row in found["false_alarms"]["made-alike"]} == {"default", "bare"}
    assert found["delays"]["made-alike"]["made-rounded"]["runs"] == 5
    assert "queries until the alarm" in capsys.readouterr().out

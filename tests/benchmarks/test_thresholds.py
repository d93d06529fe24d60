"""The comparison of thresholds: by hand, and one small run from folder to file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from adjudge.engine.scores import to_scores
from adjudge.models.calibration import Calibration
from benchmarks.passages import read_passages
from benchmarks.thresholds import MEASURES, RULES, Case, apply_rule, cases_of, compare, fit_on, intervals, loses_answers, main, measure
from tests.evaluate.beir_folder import RIVERS, write_beir


def case(logits: list[float], relevant: list[int]) -> Case:
    return Case(
        query="q",
        documents=tuple(f"d{n}" for n in range(len(logits))),
        relevant=np.array(relevant, np.bool_),
        logits=np.array(logits, np.float32),
    )


CASES = [
    case([3.0, -3.0, 0.0], [1, 0, 0]),  # answerable; 0.5 keeps the answer and one more
    case([-3.0, 2.0], [0, 0]),  # nothing answers; 0.5 keeps one
    case([-3.0, -2.0], [0, 0]),  # nothing answers; 0.5 keeps none
    case([-1.0, -2.0, -4.0], [1, 1, 0]),  # answerable; 0.5 keeps none
]


def drawn_cases(queries: int, *, seed: int, shift: float = 3.0) -> list[Case]:
    draw = np.random.default_rng(seed)
    made = []
    for number in range(queries):
        relevant = np.zeros(10, np.bool_)
        relevant[0] = number % 2 == 0
        made.append(case(list(draw.normal(-2, 1, 10) + shift * relevant), list(relevant)))
    return made


def test_outcomes_by_hand() -> None:
    found = apply_rule(CASES, "0.5", Calibration())
    assert found.answerable.tolist() == [1, 0, 0, 1]
    assert found.answered.tolist() == [1, 1, 0, 0]
    assert (found.kept.tolist(), found.noise.tolist()) == ([2, 1, 0, 0], [1, 1, 0, 0])
    assert (found.found.tolist(), found.relevant.tolist()) == ([1, 0, 0, 0], [1, 0, 0, 2])
    f1, noise, kept = measure(found, np.arange(4)[None])[0]
    assert (f1, noise, kept) == (pytest.approx(0.5), pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_keeping_everything_answers_everything() -> None:
    found = apply_rule(CASES, "keep all", Calibration())
    assert found.answered.all()
    assert measure(found, np.arange(4)[None])[0] == pytest.approx([2 / 3, 7 / 10, 1.0])


def test_a_share_without_a_base_is_no_number() -> None:
    nothing = apply_rule([CASES[2]], "0.5", Calibration())
    assert np.isnan(measure(nothing, np.zeros((1, 1), np.intp))[0]).all()
    described = intervals({"one": nothing})
    assert described["mean"]["noise_share"] == {"value": None, "interval": None}


def test_intervals_hold_the_value_and_narrow_with_the_queries() -> None:
    few, many = (intervals({"one": apply_rule(drawn_cases(count, seed=1), "0.3", Calibration())}) for count in (20, 400))
    widths = []
    for found in (few, many):
        low, high = found["mean"]["f1_answerable"]["interval"]
        assert low <= found["mean"]["f1_answerable"]["value"] <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
    assert few == intervals({"one": apply_rule(drawn_cases(20, seed=1), "0.3", Calibration())}), "seeded"


def test_the_mean_is_over_sets_and_not_over_queries() -> None:
    sets = {"small": drawn_cases(20, seed=1), "large": drawn_cases(200, seed=2, shift=0.5)}
    found = intervals({name: apply_rule(cases, "0.3", Calibration()) for name, cases in sets.items()})
    values = [found["sets"][name]["f1_answerable"]["value"] for name in sets]
    assert found["mean"]["f1_answerable"]["value"] == pytest.approx(np.mean(values))


def test_calibrating_elsewhere_gives_precision_a_cut_off() -> None:
    cases = {name: drawn_cases(200, seed=seed) for seed, name in enumerate(("a", "b", "c"))}
    result = compare(cases, Calibration())
    assert list(result) == ["as shipped", "calibrated on the other sets"]
    assert "adjudge calibrate" in result["as shipped"]["precision:0.8"]["failure"]
    precise = result["calibrated on the other sets"]["precision:0.8"]["mean"]
    assert precise["noise_share"]["value"] == pytest.approx(0.2, abs=0.05), "what it promises, on sets that it has not seen"
    assert set(precise) == set(MEASURES)
    assert list(compare({"a": cases["a"]}, Calibration())) == ["as shipped"], "one set has no others"


def test_the_fit_makes_probabilities_of_logits() -> None:
    cases = drawn_cases(400, seed=4)
    scores = to_scores(np.concatenate([c.logits for c in cases]), fit_on(cases), normalize=True)
    assert scores.mean() == pytest.approx(np.mean([c.relevant.mean() for c in cases]), abs=0.01)


def test_half_of_the_queries_lose_their_answers(tmp_path: Path) -> None:
    passages = read_passages(write_beir(tmp_path / "rivers"))
    found = {query: (listed, relevant) for query, listed, relevant in cases_of(passages, queries=0, candidates=5)}
    assert len(found) == RIVERS
    assert RIVERS * 0.25 < sum(map(loses_answers, found)) < RIVERS * 0.75
    for query, (listed, relevant) in found.items():
        assert len(listed) == 5
        assert relevant.any() != loses_answers(query), "BM25 finds every answer here"
        assert {d for d, right in zip(listed, relevant, strict=True) if right} <= set(passages.relevant[query])
    few = list(cases_of(passages, queries=7, candidates=5))
    assert len(few) == 7


def test_a_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        write_beir(tmp_path / "data" / name, rivers=12)
    options = [str(tmp_path / "data"), "--sets", "one,two", "--backend", "fake", "--candidates", "4"]
    kept = ["--scores", str(tmp_path / "scores"), "--out", str(tmp_path / "first.json")]
    main([*options, *kept])
    assert "one: 12 queries" in capsys.readouterr().out
    result = json.loads((tmp_path / "first.json").read_text(encoding="utf-8"))
    assert (result["benchmark"], result["model"], result["backend"]) == ("thresholds", "embedded", "fake")
    assert set(result["results"]["as shipped"]) == set(RULES)
    rows = (tmp_path / "scores" / "one.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 12
    shifted = [{**json.loads(line), "judge": {d: -9.0 for d in json.loads(line)["judge"]}} for line in rows]
    (tmp_path / "scores" / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in shifted), encoding="utf-8")
    main([*options, "--scores", str(tmp_path / "scores"), "--out", str(tmp_path / "second.json")])
    again = json.loads((tmp_path / "second.json").read_text(encoding="utf-8"))["results"]["as shipped"]["0.5"]["sets"]
    assert again["one"]["relevant_kept"]["value"] == 0, "kept scores are used, not computed again"
    assert again["two"] == result["results"]["as shipped"]["0.5"]["sets"]["two"]


def test_scoring_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    write_beir(tmp_path / "data" / "one", rivers=6)
    options = [str(tmp_path / "data"), "--sets", "one", "--backend", "fake", "--candidates", "4", "--scores", str(tmp_path / "scores")]
    main([*options, "--out", str(tmp_path / "first.json")])
    kept = tmp_path / "scores" / "one.jsonl"
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-7])
    main([*options, "--out", str(tmp_path / "second.json")])
    assert kept.read_bytes() == whole

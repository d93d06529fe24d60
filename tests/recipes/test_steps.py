"""The recipe's own arithmetic: excerpts, drawing, fusion, tables, calibration."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Reranker
from adjudge.evaluate.calibration import fit
from adjudge.evaluate.calibration_error import expected_error
from adjudge.train.negatives import Source
from benchmarks.results import write_results
from recipes.embedded.calibrate import PREVALENCE, fitted
from recipes.embedded.candidates import EvaluationSet, fuse, sample
from recipes.embedded.common import excerpt, is_han, kept_rows, read_rows, settings, telling_excerpt, thin, write_json, write_rows
from recipes.embedded.evaluate import score_set
from recipes.embedded.mine import Groups, interleave, linked, select
from recipes.embedded.probes import auc, subject_lists
from recipes.embedded.report import joined, paired, summarise, table
from recipes.embedded.train import build_config
from tests.recipes.held import BEFORE, hold

HARBOUR = "港口很安静，没有人来看船。"
JUDGED = {"x": 0.0, "a": 2.0, "y": 1.0}
SENTENCES = "The first sentence is here. The second one follows it. A third has the number 42 in it. The fourth ends it. " * 6


def test_a_short_passage_is_its_own_excerpt() -> None:
    assert excerpt("short", random.Random(1), latin=100, han=40) == "short"


@given(st.integers(0, 1000), st.sampled_from(["number 42", "follows", "ends"]))
def test_an_excerpt_holds_its_answer_and_keeps_to_its_room(seed: int, answer: str) -> None:
    found = excerpt(SENTENCES, random.Random(seed), latin=200, han=80, answer=answer)
    assert answer in found
    assert len(found) <= 200
    assert found in SENTENCES


@given(st.integers(0, 1000), st.text(max_size=900), st.booleans())
def test_an_excerpt_is_a_piece_of_its_text(seed: int, text: str, anywhere: bool) -> None:
    found = excerpt(text, random.Random(seed), latin=120, han=50, anywhere=anywhere)
    assert found in text
    assert len(found) <= 120 or found == text


def test_excerpts_from_anywhere_begin_at_sentences() -> None:
    begins = {excerpt(SENTENCES, random.Random(n), latin=150, han=60, anywhere=True)[:9] for n in range(40)}
    assert len(begins) > 2
    assert begins <= {"The first", "The secon", "A third h", "The fourt"}


@given(st.integers(0, 1000), st.text(max_size=900), st.text(max_size=40))
def test_a_telling_excerpt_is_a_piece_of_its_text(seed: int, text: str, query: str) -> None:
    found = telling_excerpt(text, query, random.Random(seed), latin=120, han=50)
    assert found in text
    assert len(found) <= 120 or found == text


@pytest.mark.parametrize(
    ("text", "query", "told"),
    [
        (SENTENCES[:111] + "Pandas eat bamboo all day long. " + SENTENCES, "What do pandas eat?", "Pandas eat bamboo"),
        (
            "港口很安静，没有人来看船。" * 8 + "大熊猫主要吃竹子，也吃别的。" + "港口很安静，没有人来看船。" * 8,
            "大熊猫吃什么？",
            "大熊猫主要吃竹子",
        ),
    ],
)
def test_a_telling_excerpt_is_where_the_words_meet(text: str, query: str, told: str) -> None:
    assert told in telling_excerpt(text, query, random.Random(1), latin=80, han=30)


LENGTHS = {"seed": 1, "sentence_share": 0.5, "sentence": [60, 20], "sizes": [[0.5, 100, 40], [0.5, 500, 200]]}


def varied(number: int, answer: str) -> list[str]:
    """The documents of one list, its positive first."""
    corpus = [Source(text=SENTENCES.replace("number 42", f"other {i}"), lang="en", group="") for i in range(5)]
    groups = Groups(corpus, ["tydi"] * 5, {"latin": 100, "han": 40, "cut_answer": 0.0, "swap_terms": 0.0})
    one = {**row(number), "positive": SENTENCES, "answer": answer, "query": f"Which one follows {number}?"}
    group = groups.varied(one, [1, 2, 3], number, LENGTHS)
    assert [d["grade"] for d in group["documents"]][:2] == [1.0, 0.0]
    return [d["text"] for d in group["documents"]]


def test_a_list_has_one_length_and_lists_have_all() -> None:
    seen = set()
    for number in range(60):
        texts = varied(number, "number 42")
        assert "number 42" in texts[0]
        room = next(size for size in (60, 100, 500) if max(map(len, texts)) <= size)
        assert all(len(text) > room / 5 for text in texts)
        seen.add(room)
    assert seen == {60, 100, 500}


def test_where_no_answer_is_marked_little_is_cut_off() -> None:
    assert {max(map(len, varied(number, ""))) > 250 for number in range(40)} == {True}


def test_chinese_is_told_by_its_characters() -> None:
    assert is_han("大熊猫主要吃竹子，偶尔吃 apples。")
    assert not is_han("Pandas (熊猫) eat bamboo")


def test_rows_come_back_and_equal_rows_make_equal_files(tmp_path: Path) -> None:
    rows = [{"a": "é熊", "n": i} for i in range(5)]
    for name in ("x.jsonl", "y.jsonl.gz", "z.jsonl.gz"):
        assert write_rows(tmp_path / name, rows) == 5
        assert list(read_rows(tmp_path / name)) == rows
    assert (tmp_path / "y.jsonl.gz").read_bytes() == (tmp_path / "z.jsonl.gz").read_bytes()


def row(number: int, source: str = "s", lang: str = "en", told: str = "en") -> dict[str, Any]:
    return {"query": f"{source} q{number}", "positive": f"{source} p{number}", "query_lang": lang, "passage_lang": told, "source": source}


def test_languages_of_a_source_take_turns() -> None:
    rows = [row(i, lang="en" if i < 90 else "zh") for i in range(100)]
    first = list(interleave(rows, random.Random(1)))[:20]
    assert sum(r["query_lang"] == "zh" for r in first) == 10
    assert len({r["query"] for r in interleave(rows, random.Random(1))}) == 100


def test_held_out_questions_and_passages_are_never_trained_on() -> None:
    rows = [row(i) for i in range(60)]
    rows += [{**row(i), "positive": f"s p{i - 1}"} for i in range(1, 60, 2)]  # other questions on some of the passages
    rows += [{**row(i, "t"), "query": f"s q{i}"} for i in range(60)]  # the same questions in another source
    mix = {"seed": 1, "questions": {"s": 80, "t": 60}, "held_out": {"s": 10}, "distractors": {"t": 5}}
    chosen = select(rows, mix, 1.0)
    assert len(chosen.held_out) == 10
    kept = {r["query"] for r in chosen.held_out} | {r["positive"] for r in chosen.held_out}
    assert not any(r["query"] in kept or r["positive"] in kept for r in chosen.train)
    assert len(select(rows, mix, 0.5).train) < len(chosen.train)


def test_what_a_chain_of_rows_joins_to_a_held_out_question_is_not_trained_on_either() -> None:
    """MLQA has a passage in two languages, and a question about it in both, each asked of both: all four rows tell the same."""
    row = {"query_lang": "es", "passage_lang": "es", "source": "mlqa-test"}
    rows = [
        row | {"query": "¿cuándo?", "positive": "en 1900"},
        row | {"query": "何时？", "positive": "en 1900"},
        row | {"query": "何时？", "positive": "1900年"},
        row | {"query": "when?", "positive": "1900年"},
        row | {"query": "where?", "positive": "here"},
    ]
    assert linked(rows[:1], rows) == {"¿cuándo?", "en 1900", "何时？", "1900年", "when?"}
    mix = {"seed": 1, "questions": {"mlqa-test": 99}, "distractors": {}, "held_out": {"mlqa-test": 1}}
    chosen = select(rows, mix, 1.0)
    ends = linked(chosen.held_out, rows)
    assert not ends & {text for one in chosen.train for text in (one["query"], one["positive"])}
    assert len(chosen.train) in (1, 4)


def test_fusion_adds_reciprocal_ranks() -> None:
    assert fuse(["a", "b", "c"], ["b", "d"]) == ["b", "a", "d", "c"]
    assert fuse(["a"], []) == ["a"]


def test_a_sample_grows_without_losing_what_was_drawn() -> None:
    names = [str(i) for i in range(100)]
    assert sample(names, 10) == sample(names, 10)
    assert sample(names, 20)[:10] == sample(names, 10)
    assert sorted(sample(names, 0)) == sorted(names)
    assert len(thin([{}] * 100, 10)) == 10


def test_the_table_measures_what_the_lists_say(tmp_path: Path) -> None:
    rows = [
        {"query": str(q), "bm25": ["x", "a"], "dense": ["a", "y"], "fusion": ["a", "x", "y"], "judge": JUDGED, "grades": {"a": 1}}
        for q in range(3)
    ]
    write_rows(tmp_path / "some.jsonl", rows)
    summary = summarise(tmp_path)
    found = summary["sets"]["some"]["measures"]
    assert found["BM25"]["nDCG@10"] == pytest.approx(1 / np.log2(3), abs=1e-4)
    assert found["BM25"]["RR@10"] == 0.5
    assert found["judge on BM25"]["nDCG@10"] == 1.0
    assert summary["sets"]["some"]["differences"]["judge on BM25 - BM25"][0] == pytest.approx(1 - 1 / np.log2(3), abs=1e-4)
    assert "| some | 3 | 0.631 | 1.000 |" in table(summary)
    assert summarise(tmp_path, skip=1)["sets"]["some"]["queries"] == 2
    assert summarise(tmp_path, skip=3)["sets"] == {}


def test_the_judges_order_joined_with_fusions_is_the_pipelines() -> None:
    row = {"judge": {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}, "fusion": ["b", "c", "d", "a"]}
    places = (("a", 1, 4), ("b", 2, 1), ("c", 3, 2), ("d", 4, 3))
    worth = {document: 1 / (20 + own) + 0.5 / (20 + first) for document, own, first in places}
    assert joined(row) == sorted(worth, key=lambda document: -worth[document]) == ["b", "a", "c", "d"]


def test_paired_differences_have_the_usual_interval() -> None:
    mean, half = paired(np.array([1.0, 0.5, 0.0, 1.0]), np.array([0.0, 0.5, 0.5, 0.0]))
    assert mean == pytest.approx(0.375)
    assert half == pytest.approx(1.96 * np.std([1, 0, -0.5, 1], ddof=1) / 2)


def test_one_query_has_a_difference_and_no_interval() -> None:
    mean, half = paired(np.array([1.0]), np.array([0.25]))
    assert mean == 0.75
    assert np.isnan(half)


def test_what_does_not_exist_is_null_in_a_results_file(tmp_path: Path) -> None:
    found = {"auc": np.float64("nan"), "pair": (0.5, float("inf")), "queries": 1, "judge": "精排"}
    write_json(tmp_path / "found.json", found)
    text = (tmp_path / "found.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == {"auc": None, "pair": [0.5, None], "queries": 1, "judge": "精排"}
    written = write_results("none", found, out=tmp_path / "benchmark.json").read_text(encoding="utf-8")
    assert json.loads(written, parse_constant=pytest.fail)["pair"] == [0.5, None]


def test_a_results_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (held,) = hold(tmp_path / "found", "found.json")
    write_json(tmp_path / "found" / "found.json", {"queries": 1})
    assert held.read_text(encoding="utf-8") == BEFORE
    assert (tmp_path / "found" / "found.json").read_text(encoding="utf-8") == '{\n "queries": 1\n}\n'
    assert [path.name for path in (tmp_path / "found").iterdir()] == ["found.json"]


def test_auc_counts_pairs_in_order_and_ties_as_half() -> None:
    assert auc(np.array([0.1, 0.9]), np.array([False, True])) == 1.0
    assert auc(np.array([0.5, 0.5]), np.array([False, True])) == 0.5
    scores, right = np.array([3.0, 1.0, 2.0, 2.0, 0.0]), np.array([True, True, False, True, False])
    pairs = [(s > w) + 0.5 * (s == w) for s in scores[right] for w in scores[~right]]
    assert auc(scores, right) == pytest.approx(np.mean(pairs))
    assert np.isnan(auc(scores, np.ones(5, bool)))


def test_calibration_finds_the_line_that_made_the_labels() -> None:
    draw = np.random.default_rng(1)
    logits = draw.normal(0, 3, 40_000)
    right = (draw.random(40_000) < 1 / (1 + np.exp(-(logits / 2.0 - 0.7)))).astype(float)
    temperature, bias = fit(logits, right)
    assert temperature == pytest.approx(2.0, abs=0.1)
    assert bias == pytest.approx(-0.7, abs=0.1)
    before, after = (expected_error(1 / (1 + np.exp(-x)), right) for x in (logits, logits / temperature + bias))
    assert after < 0.01 < before


@pytest.mark.parametrize("labels", [[0.0] * 50, [1.0] * 50, [0.0] * 25 + [1.0] * 25, [1.0] * 25 + [0.0] * 25])
def test_calibration_stays_finite_where_labels_are_alike_told_apart_or_upside_down(labels: list[float]) -> None:
    temperature, bias = fit(np.linspace(-300.0, 300.0, 50), np.array(labels))
    assert 0 < temperature <= 100 * 300
    assert np.isfinite(bias)


def test_expected_error_of_a_perfect_and_of_a_boastful_judge() -> None:
    right = np.array([1.0, 0.0] * 50)
    assert expected_error(np.full(100, 0.5), right) == pytest.approx(0.0)
    assert expected_error(np.full(100, 0.99), right) == pytest.approx(0.49)


def test_the_settings_make_a_run_that_the_kit_accepts(tmp_path: Path) -> None:
    config = build_config(tmp_path, settings(), dial=0.5, name="trial", changes=["model.freeze_layers=6", "loss.aspects=0.0"])
    assert config.run.steps == round(settings()["train"]["run"]["steps"] * 0.5)
    assert config.model.freeze_layers == 6
    assert config.loss.aspects == 0
    assert config.run.output == tmp_path / "trial"
    assert (tmp_path / "trial.toml").is_file()


def test_each_phase_begins_where_the_one_before_it_ended(tmp_path: Path) -> None:
    values = settings()
    begun = {"first": "base", "second": "run/best", "third": "run-second/best"}
    begun |= {
        "fourth": "judge",
        "fifth": "judge-fourth",
        "sixth": "judge-fifth",
        "seventh": "run-sixth/best",
        "eighth": "run-seventh/best",
        "ninth": "run-eighth/best",
    }
    for phase, base in begun.items():
        (tmp_path / base).mkdir(parents=True)
        config = build_config(tmp_path, values, dial=1.0, name=phase, changes=[], phase=phase)
        assert config.model.base == str(tmp_path / base)
    assert config.model.max_length == values["second"]["model"]["max_length"]  # the later ones keep what the second changed
    assert config.run.steps == values["ninth"]["run"]["steps"]
    assert (config.loss.pointwise, config.loss.kl) == (values["second"]["loss"]["pointwise"], values["fourth"]["loss"]["kl"])
    assert len(config.data.train) == len(config.data.shares) == 12
    assert sum(config.data.shares) == pytest.approx(1)


def test_subjects_are_counted_by_language() -> None:
    lists = [
        {"query": "moon?", "documents": [{"text": "the moon"}, {"text": "bread"}], "lang": "en-en"},
        {"query": "moon?", "documents": [{"text": "bread"}, {"text": "the moon"}], "lang": "en-fr"},
    ]
    with Reranker(backend="fake") as judge:
        found = subject_lists(judge, lists)
    assert found == {"lists": 2, "top1": {"all": 0.5, "asked in en": 0.5, "one language": 1.0, "two languages": 0.0}}


def test_scores_are_right_where_one_passage_in_five_is() -> None:
    draw = np.random.default_rng(7)
    right = (draw.random(60_000) < 0.05).astype(np.float64)
    logits = draw.normal(np.where(right > 0.5, 1.0, -1.0), 1.0)  # the log odds of a right one are 2 * logit, and the prior's
    first = draw.random(len(right)) < 0.5
    calibration, facts = fitted(logits, right, first)
    assert calibration.temperature == pytest.approx(0.5, rel=0.05)
    assert calibration.bias == pytest.approx(np.log(PREVALENCE / (1 - PREVALENCE)), abs=0.1)
    assert facts["expected_calibration_error_after"] < 0.01 < facts["expected_calibration_error_before"]
    assert facts["relevant_share"] == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_are_written_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    """The Makefile takes a file that is there for a step that is done."""

    def torn() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise KeyboardInterrupt

    path = tmp_path / "new" / name
    with pytest.raises(KeyboardInterrupt):
        write_rows(path, torn())
    assert not path.exists()
    assert write_rows(path, [{"a": 1}, {"a": 2}]) == 2
    with pytest.raises(KeyboardInterrupt):
        write_rows(path, torn())
    assert list(read_rows(path)) == [{"a": 1}, {"a": 2}]
    assert [one.name for one in path.parent.iterdir()] == [name]


def test_what_a_kill_left_of_a_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    assert kept_rows(path) == []
    path.write_bytes('{"query": "a"}\n{"query": "熊'.encode()[:-1])
    assert kept_rows(path) == [{"query": "a"}]
    with path.open("a", encoding="utf-8") as file:
        file.write('{"query": "b"}\n')
    assert kept_rows(path) == [{"query": "a"}, {"query": "b"}]


def test_scoring_goes_on_where_it_was_killed(tmp_path: Path, embedded: Reranker) -> None:
    data = EvaluationSet(
        name="s",
        documents={"d": "Bamboo.", "e": "Bread."},
        queries={"q": "What do pandas eat?", "r": "Where?"},
        grades={"q": {"d": 1}, "r": {"e": 1}},
    )
    rows = [{"query": query, "bm25": ["d"], "dense": ["e"], "fusion": ["d", "e"], "grades": {}} for query in data.queries]
    score_set(data, rows, tmp_path, embedded)
    path = tmp_path / "s.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    score_set(data, rows, tmp_path, embedded)
    assert path.read_bytes() == whole

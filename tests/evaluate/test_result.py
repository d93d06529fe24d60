"""An evaluation is written whole and read again as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import InputError
from adjudge.evaluate.assemble import MeasureConfig, assemble
from adjudge.evaluate.codec import decode_value, encode_value
from adjudge.evaluate.experiment import ExperimentConfig
from adjudge.evaluate.peers import RerankerSpec
from adjudge.evaluate.result import SCHEMA, Evaluation, from_json, load_evaluation, to_json
from tests.evaluate.small_data import computed, dataset


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    data = dataset({"q1": {"d0": 1, "d1": 0}, "q2": {"d2": 1}, "q3": {"d3": 2}}, languages={"q3": "zh"})
    first = {"q1": ["d1", "d0", "d4"], "q2": ["d2", "d0"], "q3": ["d0"]}
    raw = computed(data, first, {"m": {"q1": [0.2, 0.9, None], "q2": [0.1, 0.4], "q3": [0.5]}})
    specs = (RerankerSpec(name="m", adapter="adjudge", model="m"),)
    return assemble(data, raw, ExperimentConfig(rerankers=specs), MeasureConfig(resamples=100))


def test_there_and_back(evaluation: Evaluation, tmp_path: Path) -> None:
    text = to_json(evaluation)
    assert from_json(text) == evaluation
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    assert load_evaluation(tmp_path / "r.json") == evaluation
    assert json.loads(text)["schema"] == SCHEMA


def test_what_an_older_reader_does_not_know_is_passed_over(evaluation: Evaluation) -> None:
    value = json.loads(to_json(evaluation))
    value["invented"] = {"later": 1}
    value["systems"][0]["colour"] = "green"
    assert from_json(json.dumps(value)) == evaluation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("schema"), "has no schema number"),
        (lambda v: v.update(schema=True), "has no schema number"),
        (lambda v: v.update(schema=SCHEMA + 1), f"is of schema {SCHEMA + 1}, and this adjudge reads {SCHEMA}"),
        (lambda v: v.pop("systems"), r"Evaluation\.systems is missing"),
        (lambda v: v["systems"][0].update(kind="magic"), r"Evaluation\.systems\[0\]\.kind is 'magic'"),
        (lambda v: v["systems"][1]["cost"].update(pairs="many"), r"systems\[1\]\.cost\.pairs must be int, not str"),
        (lambda v: v["verdict"].update(sentence=None), r"verdict\.sentence must be str, not NoneType"),
        (lambda v: v.update(queries={}), r"Evaluation\.queries must be list, not dict"),
    ],
)
def test_what_is_no_evaluation_is_refused_with_the_place(evaluation: Evaluation, change: object, message: str) -> None:
    value = json.loads(to_json(evaluation))
    change(value)  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        from_json(json.dumps(value), origin="r.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000])
def test_other_texts(text: str) -> None:
    with pytest.raises(InputError, match=r"r\.json (is not JSON|has no schema)"):
        from_json(text, origin="r.json")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_evaluation(tmp_path / "r.json")


def test_it_finds_its_parts(evaluation: Evaluation) -> None:
    assert evaluation.first_stage.name == "bm25"
    assert [system.name for system in evaluation.rerankers] == ["m"]
    assert evaluation.system("m") is evaluation.systems[1]
    comparison = evaluation.comparison("m")
    assert comparison is evaluation.comparisons[0]
    assert evaluation.comparison("m", kind="rival") is None


def test_numbers_that_json_cannot_hold_are_a_mistake_of_ours(evaluation: Evaluation) -> None:
    broken = replace(evaluation, data=replace(evaluation.data, recall_of_candidates=float("nan")))
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        to_json(broken)


@dataclass(frozen=True, slots=True)
class _Leaf:
    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class _Tree:
    leaves: tuple[_Leaf, ...]
    named: Mapping[str, int] = field(default_factory=dict)
    sure: bool = False


TEXT = st.text(st.characters(blacklist_categories=("Cs",)))
LEAVES = st.builds(_Leaf, text=TEXT, number=st.none() | st.floats(-1e100, 1e100))


@given(st.builds(_Tree, leaves=st.lists(LEAVES).map(tuple), named=st.dictionaries(TEXT, st.integers()), sure=st.booleans()))
def test_trees_of_values_survive(tree: _Tree) -> None:
    assert decode_value(_Tree, json.loads(json.dumps(encode_value(tree)))) == tree


def test_half_a_character_is_written_as_a_question_mark() -> None:
    assert encode_value(_Leaf("a\ud800b")) == {"text": "a?b", "number": None}

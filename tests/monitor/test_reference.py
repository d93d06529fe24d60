"""A reference: what it keeps, what it refuses, and a file that survives the way out and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import InputError
from adjudge.monitor import Origin, load_reference, make_reference, write_reference
from adjudge.monitor.reference import LEAST_QUERIES, Reference
from adjudge.monitor.scales import CELLS
from tests.monitor.drawn_scores import ORIGIN, drawn, reference_of


@pytest.fixture(scope="module")
def reference() -> Reference:
    return reference_of(drawn(120, seed=1))


@pytest.fixture
def stored(reference: Reference, tmp_path: Path) -> dict[str, Any]:
    write_reference(tmp_path / "reference.json", reference)
    found: dict[str, Any] = json.loads((tmp_path / "reference.json").read_text(encoding="utf-8"))
    return found


def test_it_keeps_what_was_there(reference: Reference) -> None:
    scores = drawn(120, seed=1)
    assert reference.queries == 120
    kept = reference.quantities
    assert {name: one.sketch.n for name, one in kept.items()} == {"score": 2400, "top_score": 120, "spread": 120}
    assert kept["score"].sketch.quantile(0.5) == pytest.approx(float(np.quantile(scores, 0.5, method="inverted_cdf")), rel=0.02)
    assert kept["top_score"].sketch.quantile(0.5) == pytest.approx(float(np.quantile(scores.max(1), 0.5, method="inverted_cdf")), rel=0.02)
    spreads = np.sort(scores, axis=1)[:, -10:].std(axis=1)
    assert kept["spread"].sketch.quantile(0.5) == pytest.approx(float(np.quantile(spreads, 0.5, method="inverted_cdf")), rel=0.02)
    assert kept["score"].group_size == 20


def test_likeness_is_near_nothing_for_independent_scores_and_large_for_alike_ones() -> None:
    def likeness(alike: float) -> float:
        chance = np.random.default_rng(5)
        logits = np.sqrt(alike) * chance.normal(size=(800, 1)) + np.sqrt(1 - alike) * chance.normal(size=(800, 10))
        return max(reference_of(1 / (1 + np.exp(-logits))).quantities["score"].within_query)

    assert likeness(0.0) < 0.05
    assert likeness(0.8) > 0.5
    assert likeness(1.0) == pytest.approx(1.0)


def test_queries_of_unequal_length_are_weighed() -> None:
    scores = drawn(200, seed=2)
    rows = [row[: 2 if i % 2 else 20].tolist() for i, row in enumerate(scores)]
    assert make_reference(rows, ORIGIN).quantities["score"].group_size == pytest.approx((100 * 4 + 100 * 400) / 2200)


def test_a_query_without_scores_says_nothing_and_one_score_has_no_spread() -> None:
    rows: list[list[float]] = [[], *([score] for score in np.linspace(0.1, 0.9, LEAST_QUERIES))]
    found = make_reference(rows, ORIGIN)
    assert found.queries == LEAST_QUERIES
    assert set(found.quantities) == {"score", "top_score"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[0.1, 0.9]] * (LEAST_QUERIES - 1), "needs the scores of 50 queries"),
        ([], "and here are 0"),
        ([[0.5, 0.5]] * 60, "all scores are the same"),
        ([[1.5, 0.5]] * 60, "1.5 cannot be counted on the probability scale"),
        ([[float("nan")]] * 60, "nan cannot be counted"),
    ],
)
def test_what_cannot_be_a_reference(rows: list[list[float]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_reference(rows, ORIGIN)


def test_logits_are_counted_on_their_own_scale() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (60, 10))
    found = make_reference(logits.tolist(), replace(ORIGIN, score_type="logit"))
    assert found.quantities["score"].sketch.scale == "real"
    assert found.quantities["spread"].sketch.scale == "positive"


def test_the_file_is_read_as_it_was_written(reference: Reference, tmp_path: Path) -> None:
    origin = Origin(model="模型/m", revision="", score_type="sigmoid", data=("a\udc80.jsonl",), runtime="fake cpu f32", created=7)
    kept = replace(reference, origin=origin)
    path = tmp_path / "deep" / "reference.json"
    write_reference(path, kept)
    assert load_reference(path) == kept
    assert load_reference(str(path)).quantities["score"].bins.sum() == 2400
    assert [one.name for one in path.parent.iterdir()] == ["reference.json"]
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "does not say"),
        ({"version": 2}, "its version is 2"),
        ({"score_type": "cosine"}, "score_type must be one of"),
        ({"model": None}, "model must be a text"),
        ({"data": [1]}, "data must be a list of names"),
        ({"created": -1}, "created must be"),
        ({"queries": 10**400}, "queries must be"),
        ({"queries": 3}, "queries must be a whole number of 50 or more"),
        ({"quantities": []}, "quantities must hold"),
        ({"quantities": {"score": {}}}, "quantities must hold"),
    ],
)
def test_a_broken_file_is_refused(stored: dict[str, Any], tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert "make it again" in refused(stored | change, tmp_path, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": "real"}, "counts on the probability scale"),
        ({"counts": []}, "must hold counts"),
        ({"counts": [1, "2"]}, "whole numbers"),
        ({"borders": [5, 5]}, "borders must rise"),
        ({"borders": [CELLS - 1]}, "borders must rise"),
        ({"borders": [1.5]}, "borders must be a list"),
        ({"within_query": [0.1]}, "within_query must be a list of"),
        ({"within_query_ks": float("nan")}, "must be a number from 0 to 1"),
        ({"group_size": 0.5}, "must be a number from 1"),
        ({"group_size": 10**400}, "must be a number from 1"),
    ],
)
def test_a_broken_quantity_is_refused(stored: dict[str, Any], tmp_path: Path, change: dict[str, Any], said: str) -> None:
    stored["quantities"]["score"] |= change
    assert "make it again" in refused(stored, tmp_path, said)


def refused(content: object, folder: Path, said: str) -> str:
    """What is said of a file that holds `content`: it names the file and the mistake."""
    path = folder / "broken.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load_reference(path)
    assert "broken.json" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"format": "adjudge-reference"', b"null", b"[1]", b" " * 2**23])
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reference.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"reference\.json"):
        load_reference(path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_reference(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_reference(tmp_path)


SMALL = reference_of(drawn(60, seed=1))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(data=st.data())
def test_no_change_of_a_value_ends_in_another_error(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.json"
    write_reference(path, SMALL)
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    place: Any = content
    for _ in range(data.draw(st.integers(0, 2))):
        inner = [key for key, value in place.items() if isinstance(value, dict)]
        place = place[data.draw(st.sampled_from(inner))] if inner else place
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    path.write_text(json.dumps(content), encoding="utf-8")
    said = ""
    try:
        load_reference(path)
    except InputError as exc:
        said = str(exc)
    assert not said or str(path) in said


def test_differences_are_said(reference: Reference) -> None:
    same = {"model": "judge", "revision": "r1", "score_type": "sigmoid"}
    assert reference.differences(**same) == ()
    assert reference.differences(**same | {"model": "other"}) == (
        "the reference was made with model 'judge', and the scores come from 'other'",
    )
    assert len(reference.differences(model="a", revision="b", score_type="logit")) == 3


def test_a_revision_that_nobody_knew_differs_from_none(reference: Reference) -> None:
    unknown = replace(reference, origin=replace(ORIGIN, revision=""))
    assert unknown.differences(model="judge", revision="4", score_type="sigmoid") == ()
    assert len(unknown.differences(model="another", revision="4", score_type="sigmoid")) == 1

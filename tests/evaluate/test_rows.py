"""Every form of row, and every way in which one can be wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.evaluate.data import read_labelled
from adjudge.evaluate.labelled import Labelled, ReadConfig
from adjudge.evaluate.rows import parse_row
from adjudge.train.rows import parse_row as parse_training_row


def labels(row: dict[str, Any], *, relevant_from: float | None = None) -> list[tuple[str, bool]]:
    return [(pair.passage, pair.relevant) for pair in parse_row({"query": "q", **row}, relevant_from=relevant_from)]


FORMS: list[tuple[dict[str, Any], list[tuple[str, bool]]]] = [
    ({"passage": "a", "label": 1}, [("a", True)]),
    ({"document": "a", "label": 0}, [("a", False)]),
    ({"text": "a", "label": True}, [("a", True)]),
    ({"passage": "a", "label": 0.5}, [("a", False)]),
    ({"positive": "a", "negative": ["b", "c"]}, [("a", True), ("b", False), ("c", False)]),
    ({"negative": "b"}, [("b", False)]),
    ({"pos": ["a"], "neg": ["b"], "pos_scores": [3.0]}, [("a", True), ("b", False)]),
    ({"documents": ["a", "b", "c"], "grades": [2, 0, None], "scores": [3.0, -1.0, 0.5]}, [("a", True), ("b", False)]),
    (
        {"documents": [{"text": "a", "grade": 1}, {"text": "b", "grade": 0, "score": 2.0}, {"text": "c", "score": 1.0}]},
        [("a", True), ("b", False)],
    ),
    (
        {"intents": [], "passages": [{"text": t, "relevance": n, "kind": "answer"} for n, t in enumerate("abcd")]},
        [("a", False), ("b", False), ("c", True), ("d", True)],
    ),
]


@pytest.mark.parametrize(("row", "wanted"), FORMS, ids=lambda value: ",".join(value) if isinstance(value, dict) else "")
def test_forms(row: dict[str, Any], wanted: list[tuple[str, bool]]) -> None:
    assert labels(row) == wanted


def test_what_counts_as_relevant_can_be_said() -> None:
    assert labels({"passage": "a", "label": 0.5}, relevant_from=0.5) == [("a", True)]
    assert labels({"documents": ["a", "b"], "grades": [1, 2]}, relevant_from=2) == [("a", False), ("b", True)]
    assert labels({"passages": [{"text": "a", "relevance": 1}]}, relevant_from=1) == [("a", True)]


@pytest.mark.parametrize(
    "row", [row for row, _ in FORMS if not {"passage", "text", "intents"} & set(row) and row != {"negative": "b"}], ids=",".join
)
def test_rows_of_training_are_read_alike(row: dict[str, Any]) -> None:
    """What adjudge train reads can be calibrated on, passage by passage."""
    group = parse_training_row({"query": "q", **row}, best_grade=2.0 if "documents" in row else 1.0)
    assert labels(row) == [(item.text, (item.grade or 0) > 0) for item in group.items if item.grade is not None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "must be an object"),
        (None, "must be an object"),
        ({"query": "q"}, "none of 'passage'"),
        ({"passage": "a", "label": 1}, "'query' is missing"),
        ({"query": " ", "passage": "a", "label": 1}, "'query' is empty"),
        ({"query": 3, "passage": "a", "label": 1}, "'query' must be a text"),
        ({"query": "q", "passage": "", "label": 1}, "'passage' is empty"),
        ({"query": "q", "passage": "a"}, "'label' is missing"),
        ({"query": "q", "passage": "a", "label": None}, "'label' must be a finite number, not None"),
        ({"query": "q", "passage": "a", "label": float("nan")}, "'label' must be a finite number, not nan"),
        ({"query": "q", "passage": "a", "label": float("inf")}, "finite number"),
        ({"query": "q", "passage": "a", "label": 10**400}, "finite number"),
        ({"query": "q", "passage": "a", "label": "1"}, "finite number"),
        ({"query": "q", "positive": [], "negative": []}, "holds no passage with a label"),
        ({"query": "q", "positive": 3}, "'positive' must be a list"),
        ({"query": "q", "pos": [3]}, "'pos' must be a text"),
        ({"query": "q", "documents": ["a"], "grades": [1, 2]}, "a list of 1 numbers"),
        ({"query": "q", "documents": ["a"], "scores": [1.0]}, "holds no passage with a label"),
        ({"query": "q", "documents": [3], "grades": [1]}, "a text or an object"),
        ({"query": "q", "documents": "a"}, "must be a list"),
        ({"query": "q", "passages": ["a"]}, "a passage must be an object"),
        ({"query": "q", "passages": [{"text": "a"}]}, "'relevance' is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_cannot_be_used(row: Any, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_row(row)
    assert reason in str(caught.value)


def test_a_file_names_each_bad_row_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps({"query": "q", "passage": "a", "label": 1})
    path.write_bytes(
        b"\n".join([b"\xef\xbb\xbf" + good.encode(), b"", b"{", b"[" * 20_000, b'{"query": "\xff"}', b'{"a": NaN}', good.encode()])
    )
    found = read_labelled([path])
    assert found.pairs == (Labelled("q", "a", True),), "the same pair twice counts once"
    assert [(row.path, row.line) for row in found.bad] == [(path, line) for line in (3, 4, 5, 6)]
    assert str(found.bad[0]).startswith(f"{path}:3: not JSON")


def test_files_are_put_together_and_contradictions_left_out(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    first.write_text('{"query": "q", "positive": ["a", "b"], "negative": "c"}\n', encoding="utf-8")
    with gzip.open(second, "wt", encoding="utf-8") as file:
        file.write('{"query": "q", "passage": "a", "label": 0}\n{"query": "r", "passage": "a", "label": 0}\n')
    found = read_labelled([first, second])
    assert set(found.pairs) == {Labelled("q", "b", True), Labelled("q", "c", False), Labelled("r", "a", False)}
    assert found.notes == ("1 pair stands there with both labels, relevant and irrelevant, and is left out",)
    assert (found.queries, found.relevant) == (2, 1)


def test_queries_are_drawn_whole_and_a_larger_draw_holds_the_smaller(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"query": f"q{n}", "positive": "a", "negative": "b"}) + "\n" for n in range(30)), encoding="utf-8")
    few, more = (read_labelled([path], ReadConfig(queries=count)) for count in (5, 12))
    assert (few.queries, more.queries, len(few.pairs)) == (5, 12, 10)
    assert set(few.pairs) < set(more.pairs)
    assert len(read_labelled([path]).pairs) == 60


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"", "is empty"), (b"\n\n", "is empty"), (b"not gzip", "cannot be read")]
)
def test_files_that_are_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / ("rows.jsonl.gz" if content == b"not gzip" else "rows.jsonl")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_labelled([path])


@pytest.mark.parametrize(
    "settings",
    [
        {"queries": 0},
        {"queries": True},
        {"candidates": 0},
        {"candidates": None},
        {"candidates": 1.5},
        {"relevant_from": float("nan")},
        {"relevant_from": "1"},
    ],
    ids=str,
)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ReadConfig(**settings)

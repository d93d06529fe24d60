"""Rows as groups: five forms, every bad row reported with its place, none lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import InputError
from adjudge.train.rows import BadRow, Group, Item, parse_row, read_groups
from adjudge.train.supervision import Aspects

GOOD = {"query": "q", "document": "d", "label": 1}


def write(folder: Path, *lines: object, name: str = "rows.jsonl") -> Path:
    """One line each: bytes as they are, everything else as JSON."""
    content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    path = folder / name
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return path


def grades(group: Group) -> list[float | None]:
    return [item.grade for item in group.items]


@pytest.mark.parametrize(("label", "grade"), [(1, 1.0), (0, 0.0), (0.5, 0.5), (True, 1.0), (False, 0.0)])
def test_a_pair(label: float, grade: float) -> None:
    assert parse_row({"query": "q", "document": "d", "label": label}) == Group(query="q", items=(Item(text="d", grade=grade),))


def test_a_pair_with_a_teachers_score_and_aspects() -> None:
    row = {"query": "q", "document": "d", "score": -3, "coverage": 0.5, "contradiction": 1, "terminology": None, "source": "faq"}
    aspects = Aspects(coverage=0.5, contradiction=1.0)
    assert parse_row(row) == Group(query="q", items=(Item(text="d", teacher=-3.0, aspects=aspects),), source="faq")


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "positive": "good", "negative": "poor"},
        {"query": "q", "positive": ["good"], "negative": ["poor"]},
        {"query": "q", "pos": ["good"], "neg": ["poor"]},
        {"query": "q", "pos": "good", "neg": "poor", "pos_scores": None},
        {"query": "q", "positive": "good", "neg": ["poor"]},
        {"query": "q", "pos": ["good"], "negative": ["poor"]},
        {"query": "q", "pos": None, "positive": "good", "negative": "poor", "neg": None},
        {"query": "q", "positive": "good", "negative": "poor", "pos_scores": None, "positive_scores": None},
    ],
)
def test_a_triple(row: dict[str, Any]) -> None:
    assert parse_row(row) == Group(query="q", items=(Item(text="good", grade=1.0), Item(text="poor", grade=0.0)))


def test_a_triple_of_lists_with_scores() -> None:
    row = {"query": "q", "pos": ["a", "b"], "neg": ["c"], "pos_scores": [3, 2.5], "neg_scores": [-1]}
    group = parse_row(row, best_grade=3)  # which is the scale of graded lists, not of triples
    assert grades(group) == [1.0, 1.0, 0.0]
    assert [item.teacher for item in group.items] == [3.0, 2.5, -1.0]


@pytest.mark.parametrize(
    "scores",
    [
        ("pos_scores", "neg_scores"),
        ("positive_scores", "negative_scores"),
        ("pos_scores", "negative_scores"),
    ],
)
@pytest.mark.parametrize("texts", [("pos", "neg"), ("positive", "negative"), ("positive", "neg"), ("pos", "negative")])
def test_scores_of_a_triple_are_found_under_either_name(texts: tuple[str, str], scores: tuple[str, str]) -> None:
    row = {"query": "q", texts[0]: ["a", "b"], texts[1]: "c", scores[0]: [3, None], scores[1]: [-1]}
    assert [(item.grade, item.teacher) for item in parse_row(row).items] == [(1.0, 3.0), (1.0, None), (0.0, -1.0)]


def test_a_triple_without_negatives() -> None:
    assert grades(parse_row({"query": "q", "positive": "a"})) == [1.0]


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "document": "d", "label": None, "score": 1.5},
        {"query": "q", "documents": ["d"], "grades": [None], "scores": [1.5]},
        {"query": "q", "documents": [{"text": "d", "grade": None, "score": 1.5}]},
        {"query": "q", "documents": [{"text": "d", "score": None}], "scores": [1.5]},
    ],
)
def test_null_is_what_nobody_knows(row: dict[str, Any]) -> None:
    assert parse_row(row).items == (Item(text="d", teacher=1.5),)


def test_a_null_score_leaves_the_label() -> None:
    assert parse_row({"query": "q", "document": "d", "label": 1, "score": None}).items == (Item(text="d", grade=1.0),)


def test_a_graded_list() -> None:
    group = parse_row({"query": "q", "documents": ["a", "b", "c"], "grades": [3, 1, 0], "scores": [None, 1.5, -2]}, best_grade=3)
    assert grades(group) == [1.0, pytest.approx(1 / 3), 0.0]
    assert [item.teacher for item in group.items] == [None, 1.5, -2.0]


def test_a_list_of_scores_alone() -> None:
    group = parse_row({"query": "q", "documents": ["a", "b"], "scores": [1, 2]})
    assert grades(group) == [None, None]


def test_a_list_of_objects() -> None:
    documents = [{"text": "a", "grade": 2, "coverage": 1}, {"text": "b", "coverage": 0.5, "contradiction": 1}, {"text": "c", "score": 4}]
    group = parse_row({"query": "q", "documents": documents}, best_grade=2)
    assert group.items == (
        Item(text="a", grade=1.0, aspects=Aspects(coverage=1.0)),
        Item(text="b", aspects=Aspects(coverage=0.5, contradiction=1.0)),
        Item(text="c", teacher=4.0),
    )


def test_a_judgement_group() -> None:
    passages = [
        {"text": "all of it", "relevance": 3, "kind": "answer", "covered": [0, 1]},
        {"text": "half of it", "relevance": 1, "kind": "partial", "covered": [1]},
        {"text": "the opposite", "relevance": 0, "kind": "contradiction", "covered": []},
        {"text": "its neighbour", "relevance": 0, "kind": "near_term"},
    ]
    group = parse_row({"query": "q", "intents": ["a", "b"], "passages": passages, "lang": "en"}, best_grade=1)
    assert grades(group) == [1.0, pytest.approx(1 / 3), 0.0, 0.0]
    assert [item.aspects for item in group.items] == [
        Aspects(coverage=1.0, contradiction=0.0, terminology=1.0),
        Aspects(coverage=0.5, contradiction=0.0, terminology=1.0),
        Aspects(coverage=0.0, contradiction=1.0),
        Aspects(coverage=0.0, contradiction=0.0, terminology=0.0),
    ]


def test_a_judgement_group_without_intents_says_nothing_of_coverage() -> None:
    group = parse_row({"query": "q", "passages": [{"text": "a", "relevance": 3, "kind": "cross"}]})
    assert group.items[0].aspects.coverage is None


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_a_file_gives_its_groups_in_order(tmp_path: Path, name: str) -> None:
    rows = read_groups(
        write(tmp_path, {"query": "熊猫吃什么？", "positive": "竹子"}, b"", {"query": "q", "documents": ["a"], "grades": [1]}, name=name)
    )
    assert [group.query for group in rows.groups] == ["熊猫吃什么？", "q"]
    assert rows.bad == ()


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n\r\n  \n"])
def test_the_last_line_may_end_or_not(tmp_path: Path, ending: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\r\n".join([json.dumps(GOOD).encode()] * 2) + ending)
    assert len(read_groups(path).groups[0].items) == 2


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    rows = read_groups(write(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode()))
    assert len(rows.groups) == 1
    assert rows.bad == ()


def test_pairs_of_one_query_become_one_group_where_the_first_stood(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"query": "a", "document": "1", "label": 1},
        {"query": "b", "document": "2", "label": 0},
        {"query": "a", "positive": "3", "negative": "4"},  # a triple is a list already
        {"query": "a", "document": "5", "label": 0},
        {"query": "b", "document": "6", "label": 1},
        {"query": "a ", "document": "7", "label": 1},  # another text is another query
    )
    found = [(group.query, [item.text for item in group.items]) for group in read_groups(path).groups]
    assert found == [("a", ["1", "5"]), ("b", ["2", "6"]), ("a", ["3", "4"]), ("a ", ["7"])]


DEEP = b'{"query": ' + b"[" * 100_000
BAD_LINES: list[tuple[object, str]] = [
    (b"{", "not JSON"),
    (b"query,document,label", "not JSON"),
    (b"{} {}", "not JSON"),
    (DEEP, "not JSON"),
    (b'{"query": "q\xff", "document": "d", "label": 1}', "not UTF-8.*byte 12"),
    (b'{"query": "q", "document": "\\ud83d", "label": 1}', "'document'.*half of a character"),
    (b'{"query": "\\udc00 q", "document": "d", "label": 1}', "'query'.*half of a character"),
    (b'{"query": "q", "document": "d", "label": NaN}', "'label' must be a finite number, not nan"),
    (b'{"query": "q", "document": "d", "label": Infinity}', "'label' must be a finite number"),
    (b'{"query": "q", "document": "d", "label": 1' + b"0" * 400 + b"}", "'label' must be a finite number"),
    (b'{"query": "q", "document": "d", "label": 1' + b"0" * 5000 + b"}", "not JSON"),
    ([], "must be an object, not list"),
    (None, "must be an object"),
    ("text", "must be an object"),
    ({}, "'query' is missing"),
    ({"query": "q"}, "none of 'document'.* is in the row; its keys are 'query'"),
    ({"query": "", "document": "d", "label": 1}, "'query' is empty"),
    ({"query": " \n", "document": "d", "label": 1}, "'query' is empty"),
    ({"query": 3, "document": "d", "label": 1}, "'query' must be a text, not 3"),
    ({"query": None, "document": "d", "label": 1}, "'query' must be a text"),
    ({"query": "q", "document": "", "label": 1}, "'document' is empty"),
    ({"query": "q", "document": ["d"], "label": 1}, "'document' must be a text"),
    ({"query": "q", "document": "d"}, "needs a 'label'"),
    ({"query": "q", "document": "d", "label": None}, "needs a 'label'"),
    ({"query": "q", "document": "d", "label": None, "score": None}, "needs a 'label'"),
    ({"query": "q", "document": "d", "label": "1"}, "'label' must be a finite number, not '1'"),
    ({"query": "q", "document": "d", "label": 2}, r"grade of 2 lies outside 0\.\.1.*best_grade"),
    ({"query": "q", "document": "d", "label": -1}, "grade of -1 lies outside"),
    ({"query": "q", "document": "d", "score": "high"}, "'score' must be a finite number"),
    ({"query": "q", "document": "d", "label": 1, "coverage": 2}, "coverage=2 must lie between 0 and 1"),
    ({"query": "q", "document": "d", "label": 1, "contradiction": "yes"}, "'contradiction' must be a finite number"),
    ({"query": "q", "document": "d", "label": 1, "source": 3}, "'source' must be a text"),
    ({"query": "q", "positive": 3}, "'positive' must be a list"),
    ({"query": "q", "positive": []}, "'positive' is empty"),
    ({"query": "q", "positive": ["a", ""]}, "'positive' is empty"),
    ({"query": "q", "positive": "a", "negative": [None]}, "'negative' must be a text"),
    ({"query": "q", "positive": "a", "negative": {"text": "b"}}, "'negative' must be a list"),
    ({"query": "q", "pos": ["a"], "pos_scores": [1, 2]}, "'pos_scores' must be a list of 1 numbers"),
    ({"query": "q", "pos": ["a"], "neg": ["b"], "neg_scores": 1}, "'neg_scores' must be a list of 1 numbers"),
    ({"query": "q", "pos": ["a"], "pos_scores": ["x"]}, "'pos_scores' must be a finite number"),
    ({"query": "q", "pos": "a", "positive": "b"}, "both 'positive' and 'pos'"),
    ({"query": "q", "pos": "a", "neg": "b", "negative": "c"}, "both 'negative' and 'neg'"),
    ({"query": "q", "pos": "a", "pos_scores": [1], "positive_scores": [1]}, "both 'positive_scores' and 'pos_scores'"),
    ({"query": "q", "pos": None}, "'pos' must be a list"),
    ({"query": "q", "pos": "a", "negative_scores": [1]}, "'negative_scores' must be a list of 0 numbers"),
    ({"query": "q", "documents": "d", "grades": [1]}, "'documents' must be a list"),
    ({"query": "q", "documents": [], "grades": []}, "'documents' is empty"),
    ({"query": "q", "documents": ["a", "b"], "grades": [1]}, "'grades' must be a list of 2 numbers"),
    ({"query": "q", "documents": ["a", "b"], "grades": [1, 2]}, "grade of 2 lies outside"),
    ({"query": "q", "documents": ["a"], "grades": [1], "scores": []}, "'scores' must be a list of 1 numbers"),
    ({"query": "q", "documents": ["a"]}, "document 0 has neither a grade nor a score"),
    ({"query": "q", "documents": ["a", "b"], "grades": [1, None]}, "document 1 has neither"),
    ({"query": "q", "documents": [7], "grades": [1]}, "document 0 must be a text or an object"),
    ({"query": "q", "documents": [{"grade": 1}]}, "'text' is missing"),
    ({"query": "q", "documents": [{"text": "a", "grade": None, "score": None}]}, "document 0 has neither"),
    ({"query": "q", "documents": [{"text": "a", "grade": "good"}]}, "'grade' must be a finite number"),
    ({"query": "q", "passages": []}, "'passages' is empty"),
    ({"query": "q", "passages": "p"}, "'passages' must be a list"),
    ({"query": "q", "passages": ["p"]}, "passage 0 must be an object"),
    ({"query": "q", "passages": [{"text": "p", "relevance": 4, "kind": "answer"}]}, "relevance of 4 is not"),
    ({"query": "q", "passages": [{"text": "p", "kind": "answer"}]}, "'relevance' must be a finite number"),
    ({"query": "q", "passages": [{"text": "p", "relevance": 0, "kind": "odd"}]}, "the kind 'odd'.*is not known"),
    ({"query": "q", "passages": [{"text": "p", "relevance": 0}]}, "'kind' is missing"),
    ({"query": "q", "passages": [{"text": "p", "relevance": 0, "kind": ["trap"]}]}, "'kind' must be a text"),
    ({"query": "q", "intents": "a", "passages": [{"text": "p", "relevance": 0, "kind": "trap"}]}, "'intents' must be a list"),
    ({"query": "q", "intents": ["a"], "passages": [{"text": "p", "relevance": 3, "kind": "answer", "covered": 0}]}, "'covered' must be"),
    ({"query": "q", "intents": ["a"], "passages": [{"text": "p", "relevance": 3, "kind": "answer", "covered": [{}]}]}, "'covered' must"),
    ({"query": "q", "intents": ["a"], "passages": [{"text": "p", "relevance": 3, "kind": "answer", "covered": [1]}]}, "'covered' must"),
    ({"query": "q", "intents": ["a"], "passages": [{"text": "p", "relevance": 3, "kind": "answer", "covered": [True]}]}, "'covered'"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_row_is_reported_with_its_line_and_the_others_stay(tmp_path: Path, line: object, reason: str) -> None:
    path = write(tmp_path, GOOD, b"", line, {"query": "other", "document": "d", "label": 0})
    rows = read_groups(path)
    assert [group.query for group in rows.groups] == ["q", "other"]
    assert [(row.path, row.line) for row in rows.bad] == [(path, 3)]
    with pytest.raises(InputError, match=reason):
        raise InputError(rows.bad[0].reason)
    assert str(rows.bad[0]) == f"{path}:3: {rows.bad[0].reason}"
    assert len(rows.bad[0].reason) < 300


def test_every_row_is_a_group_part_of_one_or_reported(tmp_path: Path) -> None:
    rows = read_groups(write(tmp_path, *(line for line, _ in BAD_LINES), GOOD, GOOD))
    assert [row.line for row in rows.bad] == list(range(1, len(BAD_LINES) + 1))
    assert len(rows.groups[0].items) == 2


def test_a_reason_can_be_written_anywhere(tmp_path: Path) -> None:
    """Also one that quotes half a character, which no encoding takes."""
    line = b'{"query": "q", "passages": [{"text": "p", "relevance": 0, "kind": "\\ud83d"}], "\\udc00": 1}'
    bad = read_groups(write(tmp_path, line, b'{"query": "q", "\\udc00": 1}')).bad
    assert [row.line for row in bad] == [1, 2]
    assert all(str(row).encode("utf-8") for row in bad)


@pytest.mark.parametrize("depth", range(850, 1000, 7))
def test_a_deep_value_is_reported_too(tmp_path: Path, depth: int) -> None:
    """Deep enough to be read and too deep to be shown."""
    rows = read_groups(write(tmp_path, b'{"query": ' + b"[" * depth + b"]" * depth + b"}"))
    assert [row.line for row in rows.bad] == [1]


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00", gzip.compress(b'{"query": 1}' * 999, mtime=0)[:-9], b"no gzip at all"])
def test_a_broken_gzip_file_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(content)
    if content:
        with pytest.raises(InputError, match=r"rows\.jsonl\.gz cannot be read"):
            read_groups(path)
    else:
        assert read_groups(path).groups == ()


def test_damage_within_a_gzip_file_is_an_input_error(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(bytes(range(256)) * 500, mtime=0))
    content[20:40] = b"\xff" * 20
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="cannot be read"):
        read_groups(path)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        read_groups(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        read_groups(tmp_path)


def test_a_bad_row_is_told_as_editors_tell_places() -> None:
    assert str(BadRow(path=Path("a.jsonl"), line=7, reason="no")) == "a.jsonl:7: no"


KEYS = ["query", "document", "label", "score", "positive", "negative", "pos", "neg", "pos_scores", "documents", "grades", "scores"]
KEYS += ["negative_scores", "grade", "coverage", "contradiction", "passages", "intents", "source", "text", "relevance", "kind", "covered"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["answer", "partial", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5),
    max_leaves=12,
)


TEXTS = st.sampled_from(["a", "b", "", " "])
PASSAGES = st.fixed_dictionaries(
    {"text": TEXTS, "relevance": st.integers(0, 3), "kind": st.sampled_from(["answer", "trap"])},
    optional=dict.fromkeys(KEYS[1:-4], VALUES) | {"covered": VALUES | st.lists(st.integers(-1, 2) | VALUES, max_size=2)},
)
ROWS = st.fixed_dictionaries(
    {"query": TEXTS},
    optional={
        "documents": VALUES | st.lists(VALUES | TEXTS | st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=3),
        "passages": VALUES | st.lists(VALUES | PASSAGES, max_size=3),
        "intents": VALUES | st.lists(TEXTS, max_size=2),
    },
) | st.fixed_dictionaries({"query": TEXTS}, optional=dict.fromkeys(KEYS[1:], VALUES | TEXTS))


@given(VALUES | ROWS)
def test_any_json_value_is_a_group_or_an_input_error(row: Any) -> None:
    try:
        group = parse_row(row, best_grade=3.0)
    except InputError:
        return
    assert group.query.strip()
    assert group.items
    assert all(item.text.strip() and (item.grade is None or 0 <= item.grade <= 1) for item in group.items)
    assert all(value is None or 0 <= value <= 1 for item in group.items for value in item.aspects.values() if value == value)


@given(st.lists(st.binary(max_size=30) | st.just(json.dumps(GOOD).encode()), max_size=8))
def test_any_bytes_are_rows_or_bad_rows(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("bytes") / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    rows = read_groups(path)
    said = [line for line in b"\n".join(lines).split(b"\n") if line.strip()]
    assert sum(len(group.items) for group in rows.groups) + len(rows.bad) == len(said)

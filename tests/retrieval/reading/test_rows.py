"""Rows of jsonl and csv: text, title and columns, bad rows by themselves, and files larger than memory."""

from __future__ import annotations

import csv
import io
import json
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.retrieval.reading import ReadConfig, Skipped, Source, read_source
from tests.retrieval.reading.one_file import read_all, read_one, refused
from tests.retrieval.reading.structured_texts import PARAGRAPHS


def lines(*rows: object) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def reasons(found: Sequence[Source | Skipped]) -> list[tuple[str, str]]:
    return [(item.source, item.reason) if isinstance(item, Skipped) else (item.name, item.text) for item in found]


def test_a_row_is_a_text_with_a_title_and_columns(tmp_path: Path) -> None:
    row = {
        "_id": "d7",
        "title": "热泵",
        "text": PARAGRAPHS["zh"],
        "year": 2021,
        "price": 9.5,
        "new": True,
        "note": None,
        "tags": ["a", "b"],
    }
    source = read_one(tmp_path, "a.jsonl", lines(row))
    assert source.name == "a.jsonl#1"
    assert source.text == f"热泵\n\n{PARAGRAPHS['zh']}"
    assert [(block.kind, block.title) for block in source.blocks] == [("heading", "热泵"), ("prose", "")]
    assert source.metadata == {"_id": "d7", "title": "热泵", "year": 2021, "price": 9.5, "new": True, "tags": '["a", "b"]'}


@pytest.mark.parametrize("field", ["text", "passage", "content", "body", "document"])
def test_the_usual_names_of_the_text(tmp_path: Path, field: str) -> None:
    assert read_one(tmp_path, "a.jsonl", lines({"id": 1, field: "x"})).text == "x"
    assert read_one(tmp_path, "a.csv", f"id,{field}\n1,x\n").text == "x"


def test_rows_without_one_are_read_whole(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.csv", "model,power,loud\nHP-1,1.5,\n")
    assert source.text == "model: HP-1\npower: 1.5"
    assert source.metadata == {"model": "HP-1", "power": 1.5}


def test_fields_that_are_named(tmp_path: Path) -> None:
    config = ReadConfig(text_field="answer", title_field="question")
    source = read_one(tmp_path, "a.jsonl", lines({"text": "no", "question": "Loud?", "answer": "Quiet."}), config)
    assert source.text == "Loud?\n\nQuiet."
    assert source.metadata == {"text": "no", "question": "Loud?"}
    (bad,) = read_all(tmp_path, "b.jsonl", lines({"text": "x", "year": 1}), config)
    assert isinstance(bad, Skipped)
    assert bad.reason == "bad_row"
    assert bad.message == "line 1: has no field 'answer'; it has: text, year"


def test_metadata_of_a_row_stand_beside_its_fields(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.jsonl", lines({"text": "x", "year": 1, "metadata": {"year": 2, "lang": "en"}}))
    assert source.metadata == {"year": 1, "lang": "en"}


def test_bad_rows_do_not_stop_the_others(tmp_path: Path) -> None:
    content = lines({"text": "one"}) + '\n\n{"text": \n[1]\n"a string"\n7\n{"text": " "}\n{"text": "last"}\n' + '{"a":' * 50_000
    assert reasons(read_all(tmp_path, "a.jsonl", content)) == [
        ("a.jsonl#1", "one"),
        ("a.jsonl#2", "bad_row"),
        ("a.jsonl#3", "bad_row"),
        ("a.jsonl#4", "a string"),
        ("a.jsonl#5", "bad_row"),
        ("a.jsonl#6", "empty"),
        ("a.jsonl#7", "last"),
        ("a.jsonl#8", "bad_row"),
    ]
    bad = read_all(tmp_path, "a.jsonl", content)[1]
    assert isinstance(bad, Skipped)
    assert bad.message.startswith("line 3: is not JSON")


def test_values_that_no_store_can_hold(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.jsonl", '{"text": "a\\ud800b", "big": 99999999999999999999, "nan": NaN, "inf": 1e999, "k\\udfff": 1}')
    assert source.text == "a\ufffdb"
    assert source.metadata == {"big": "99999999999999999999", "k\ufffd": 1}


def test_columns_are_numbers_if_all_their_cells_are(tmp_path: Path) -> None:
    content = "text,zip,year,power,mixed,none\na,02134,2020,1.5,7,\nb,90210,-3,2,x,\nc,1,,1e3,8,\n"
    found = [source.metadata for source in read_all(tmp_path, "a.csv", content) if isinstance(source, Source)]
    assert found == [
        {"zip": "02134", "year": 2020, "power": 1.5, "mixed": "7"},
        {"zip": "90210", "year": -3, "power": 2.0, "mixed": "x"},
        {"zip": "1", "power": 1000.0, "mixed": "8"},
    ]


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t"), ("a.TSV", "\t")]
)
def test_separators(tmp_path: Path, name: str, separator: str) -> None:
    content = f'"id, of it"{separator}text\n1{separator}"a {separator} b"\n'
    source = read_one(tmp_path, name, content)
    assert (source.text, source.metadata) == (f"a {separator} b", {"id, of it": 1})


def test_rows_that_do_not_fit_their_columns(tmp_path: Path) -> None:
    content = 'id,text,text\n1,a,b\n2,c,d,e\n\n3,f\n4,"g" h,i\n5,j,k,,\n6,"open,l\n'
    found = read_all(tmp_path, "a.csv", content)
    assert reasons(found) == [
        ("a.csv#1", "a"),
        ("a.csv#2", "bad_row"),
        ("a.csv#3", "f"),
        ("a.csv#4", "bad_row"),
        ("a.csv#5", "j"),
        ("a.csv#6", "bad_row"),
    ]
    assert isinstance(found[0], Source)
    assert found[0].metadata == {"id": 1, "text_2": "b"}
    assert isinstance(found[1], Skipped)
    assert found[1].message.startswith("line 3: has 4 cells under 3 column names")


def test_columns_of_one_name_are_numbered_from_two_past_the_names_that_are_taken(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.csv", "text,size_2,size,size,size,size_2,\nx,1,2,3,4,5,6\n")
    assert source.metadata == {"size_2": 1, "size": 2, "size_3": 3, "size_4": 4, "size_2_2": 5, "column_7": 6}


def test_thousands_of_columns_of_one_name_are_told_apart_at_once(tmp_path: Path) -> None:
    count = 4_000
    began = time.perf_counter()
    source = read_one(tmp_path, "a.csv", f"{','.join('0' * count)}\n{','.join('1' * count)}\n")
    assert time.perf_counter() - began < 5  # a list of names looked through for each number takes minutes
    assert list(source.metadata) == ["0", *(f"0_{n}" for n in range(2, count + 1))]


def test_a_table_of_names_only_is_empty(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.csv", "id,text\n").reason == "empty"


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_encodings_of_rows(tmp_path: Path, name: str, encoding: str) -> None:
    ascii_rows = [{"text": f"row {n}", "year": n} for n in range(3)]
    rows = [*ascii_rows, {"text": PARAGRAPHS["zh"], "year": 3}, {"text": PARAGRAPHS["zh"][:30], "year": 4}]
    content = lines(*rows) if name.endswith("jsonl") else "text,year\n" + "\n".join(f"{row['text']},{row['year']}" for row in rows)
    found = read_all(tmp_path, name, content.encode(encoding))
    assert [source.text for source in found if isinstance(source, Source)] == [row["text"] for row in rows]
    assert [source.metadata for source in found if isinstance(source, Source)] == [{"year": row["year"]} for row in rows]
    told = [bool(source.notes) for source in found if isinstance(source, Source)]
    assert told == [encoding == "gb18030", False, False, False, False]  # once a file


def test_bad_bytes_are_told_where_they_are(tmp_path: Path) -> None:
    good = [lines({"text": PARAGRAPHS["ru"]}).encode()] * 2
    first, second, third = read_all(tmp_path, "a.jsonl", b"\n".join([good[0], b'{"text": "x\xffy"}', good[1]]))
    assert all(isinstance(item, Source) for item in (first, second, third))
    assert isinstance(second, Source)
    assert second.text == "x\ufffdy"
    assert "U+FFFD" in second.notes[0]
    assert isinstance(third, Source)
    assert third.notes == ()


def test_a_row_that_is_too_large_is_passed_over(tmp_path: Path) -> None:
    config = ReadConfig(max_bytes=100)
    content = f'{{"text": "{"x" * 5000}"}}\n{{"text": "small"}}'
    assert reasons(read_all(tmp_path, "a.jsonl", content, config)) == [("a.jsonl#1", "too_large"), ("a.jsonl#2", "small")]
    table = f"id,text\n1,small\n2,{'x' * 5000}\n3,behind\n"
    assert reasons(read_all(tmp_path, "a.csv", table, config)) == [("a.csv#1", "small"), ("a.csv", "too_large")]


def test_long_cells_are_read(tmp_path: Path) -> None:
    assert len(read_one(tmp_path, "a.csv", f"text\n{'word ' * 60_000}\n").text) > 200_000


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_large_file_is_never_whole_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = "x" * 20_000
    with path.open("w", encoding="utf-8") as file:
        file.write("" if name.endswith("jsonl") else "text\n")
        for _ in range(800):
            file.write(lines({"text": text}) + "\n" if name.endswith("jsonl") else text + "\n")
    next(iter(read_source(path, tmp_path)))  # what is loaded once
    tracemalloc.start()
    try:
        count = sum(isinstance(source, Source) for source in read_source(path, tmp_path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 800
    assert path.stat().st_size > 16_000_000
    assert peak < 8_000_000


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS).filter(lambda row: any(c.strip() for c in row)), min_size=1, max_size=6))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("text", "other"), *rows])
    found = read_all(tmp_path_factory.mktemp("csv"), "a.csv", written.getvalue())
    assert [item.name if isinstance(item, Source) else item.source for item in found] == [f"a.csv#{n}" for n in range(1, len(rows) + 1)]
    for item, (text, other) in zip(found, rows, strict=True):
        assert isinstance(item, Source)
        shown = item.text if text.strip() else item.text.removeprefix("other: ")
        assert "".join(shown.split()) == "".join((text if text.strip() else other).replace("\r", "\n").split())

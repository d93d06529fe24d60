"""Every way to hand documents to `adjudge rank`, and every way to get it wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

QUERY = "What do giant pandas eat?"
BREAD, PANDA = "Bread is baked from flour.", "Giant pandas eat bamboo."


def texts(ended: object) -> list[str]:
    """The last column of what was printed, best first."""
    assert ended.code == 0, ended.err  # type: ignore[attr-defined]
    return [row[4] for row in ended.rows]  # type: ignore[attr-defined]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(*values: object) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def test_arguments(rank: Run) -> None:
    assert texts(rank(QUERY, BREAD, PANDA)) == [PANDA, BREAD]


@pytest.mark.parametrize("dash", [(), ("-",), ("--file", "-")], ids=["alone", "argument", "file"])
def test_standard_input_is_a_document_a_line(rank: Run, dash: tuple[str, ...]) -> None:
    assert texts(rank(QUERY, *dash, stdin=f"{BREAD}\n\n  \n{PANDA}\r\n".encode())) == [PANDA, BREAD]


def test_standard_input_is_left_alone_when_there_are_documents(rank: Run) -> None:
    assert texts(rank(QUERY, BREAD, stdin=PANDA.encode())) == [BREAD]


def test_arguments_come_before_files_in_the_order_given(rank: Run, tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.txt", "one"), write(tmp_path / "2.txt", "two")
    ended = rank(QUERY, "zero", "-", "-f", two, "-f", one, "--json", stdin=b"line")
    by_index = {r["index"]: r["document"]["text"] for r in json.loads(ended.out)["results"]}
    assert [by_index[i] for i in range(4)] == ["zero", "line", "two", "one"]


def test_the_same_file_twice_is_two_documents(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", PANDA)
    assert texts(rank(QUERY, "-f", path, "-f", path)) == [PANDA, PANDA]


def test_a_line_is_not_cut_at_a_line_separator_inside_it(rank: Run) -> None:
    assert len(rank(QUERY, stdin="one\u2028still one\x0cstill\ntwo\n".encode()).lines) == 2


def test_a_text_file_is_one_document_named_by_its_path(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "notes.md", f"{BREAD}\n\n{PANDA}\n{BREAD}\n")
    ended = rank(QUERY, "--file", path)
    assert ended.rows[0][3:] == [str(path), f"{BREAD} {PANDA} {BREAD}"]
    assert "is one document of 4 lines; --input-format lines" in ended.err


def test_lines_of_a_text_file(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "notes.txt", f"{BREAD}\n{PANDA}\n")
    assert texts(rank(QUERY, "--file", path, "--input-format", "lines")) == [PANDA, BREAD]


def test_the_text_files_of_a_folder(rank: Run, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / ".hidden").mkdir()
    write(tmp_path / "a.txt", BREAD)
    write(tmp_path / "below" / "b.md", PANDA)
    write(tmp_path / ".hidden" / "c.txt", "hidden")
    write(tmp_path / "d.bin", b"\x00\x01")
    assert texts(rank(QUERY, "--file", tmp_path)) == [PANDA, BREAD]


def test_json_lines_keep_id_and_metadata(rank: Run, tmp_path: Path) -> None:
    rows = {"id": 7, "text": PANDA, "lang": "en", "tags": ["a", {"b": None}]}, {"text": BREAD, "metadata": {"page": 3}}, "a bare string"
    path = write(tmp_path / "docs.jsonl", lines(*rows) + "\n")
    results = json.loads(rank(QUERY, "-f", path, "--json").out)["results"]
    by_index = {r["index"]: r for r in results}
    assert by_index[0]["document"] == {"text": PANDA, "id": "7", "metadata": {"lang": "en", "tags": ["a", {"b": None}]}}
    assert by_index[1]["document"] == {"text": BREAD, "id": None, "metadata": {"page": 3}}
    assert by_index[2]["document"]["text"] == "a bare string"
    assert [by_index[i]["source"] for i in range(3)] == [f"{path}:1", f"{path}:2", f"{path}:3"]


def test_a_json_array(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "docs.json", json.dumps([BREAD, {"text": PANDA, "id": "p"}]))
    results = json.loads(rank(QUERY, "-f", path, "--json").out)["results"]
    assert [(r["document"]["id"], r["source"]) for r in results] == [("p", f"{path}[1]"), (None, f"{path}[0]")]


def test_other_fields_can_hold_text_and_id(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "docs.ndjson", lines({"_id": "x", "body": PANDA, "text": "a title", "id": 1}))
    result = json.loads(rank(QUERY, "-f", path, "--field", "body", "--id-field", "_id", "--json").out)["results"][0]
    assert result["document"] == {"text": PANDA, "id": "x", "metadata": {"text": "a title", "id": 1}}


@pytest.mark.parametrize(("ending", "comma"), [("csv", ","), ("tsv", "\t")])
def test_columns(rank: Run, tmp_path: Path, ending: str, comma: str) -> None:
    table = f'\ufeffid{comma}body{comma}lang\na{comma}"{BREAD}\nSecond line{comma} quoted"{comma}en\n\n\nb{comma}{PANDA}{comma}\n'
    path = write(tmp_path / f"docs.{ending}", table)
    results = json.loads(rank(QUERY, "-f", path, "--column", "body", "--json").out)["results"]
    assert [(r["document"]["id"], r["source"]) for r in results] == [("b", f"{path}:6"), ("a", f"{path}:3")]
    assert results[0]["document"]["metadata"] == {"lang": ""}
    assert results[1]["document"]["text"] == f"{BREAD}\nSecond line{comma} quoted"


def test_a_column_without_a_name_is_metadata(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "pandas.csv", f",text\n0,{PANDA}\n")
    assert json.loads(rank(QUERY, "-f", path, "--json").out)["results"][0]["document"]["metadata"] == {"": "0"}


def test_a_field_of_a_megabyte(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "docs.csv", "text\n" + "bamboo " * 150_000 + "\n")
    result = json.loads(rank(QUERY, "-f", path, "--truncate", "--json").out)["results"][0]
    assert (len(result["document"]["text"]), result["truncated"]) == (1_050_000, True)
    assert result["tokens_unseen"] > 100_000


def test_formats_from_standard_input(rank: Run) -> None:
    assert texts(rank(QUERY, "-i", "jsonl", stdin=lines({"text": BREAD}, PANDA).encode())) == [PANDA, BREAD]
    assert texts(rank(QUERY, "-i", "csv", stdin=f"text\n{BREAD}\n{PANDA}\n".encode())) == [PANDA, BREAD]
    assert texts(rank(QUERY, "-i", "text", stdin=f"{BREAD}\n{PANDA}\n".encode())) == [f"{BREAD} {PANDA}"]


def test_bytes_that_are_no_utf8_are_replaced_and_said_so_once(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "latin.txt", b"caf\xe9 \xe9t\xe9\nGiant pandas\n")
    ended = rank(QUERY, "-f", path, "-i", "lines")
    assert texts(ended) == ["Giant pandas", "caf\ufffd \ufffdt\ufffd"]
    assert ended.notes == [f"adjudge: {path} is not valid UTF-8 (first at byte 3): what cannot be read became \ufffd"]
    assert rank(QUERY, "-f", path, "-i", "lines", "--quiet").err == ""


def test_utf16_with_a_byte_order_mark(rank: Run, tmp_path: Path) -> None:
    assert texts(rank(QUERY, "-f", write(tmp_path / "a.txt", "大熊猫吃竹子。".encode("utf-16")))) == ["大熊猫吃竹子。"]


def test_lone_surrogates_are_judged_and_come_back_in_json(rank: Run) -> None:
    stdin = rb'{"text": "bamboo \ud83d panda", "id": "\udc00"}'
    ended = rank(QUERY, "-i", "jsonl", "--json", stdin=stdin)
    assert json.loads(ended.out)["results"][0]["document"] == {"text": "bamboo \ud83d panda", "id": "\udc00", "metadata": {}}
    assert rank(QUERY, "-i", "jsonl", stdin=stdin).rows[0][3:] == ["\ufffd", "bamboo \ufffd panda"]


def test_records_that_hold_no_text_are_refused_by_themselves(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", lines({"text": ""}, {"text": 5}, {"title": "x"}, [1], None, {"text": PANDA}))
    ended = rank(QUERY, "-f", path)
    assert texts(ended) == [PANDA]
    assert [note.split(": ")[1] for note in ended.notes] == [f"{path}:{n}" for n in range(1, 6)]
    assert "document 2 has no field 'text'; --field names the one that holds the text" in ended.notes[2]
    refused = json.loads(rank(QUERY, "-f", path, "--json").out)["refused"]
    assert [(r["index"], r["reason"]) for r in refused] == [
        (0, "empty"),
        (1, "not_text"),
        (2, "bad_mapping"),
        (3, "not_text"),
        (4, "not_text"),
    ]


def test_an_empty_file_is_a_document_that_is_refused(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "empty.txt", "")
    ended = rank(QUERY, PANDA, "--file", path)
    assert texts(ended) == [PANDA]
    assert ended.notes == [f"adjudge: {path}: document 1 is empty or only white space, so it answers nothing"]


def test_nan_in_json_becomes_null(rank: Run) -> None:
    ended = rank(QUERY, "-i", "jsonl", "--json", stdin=b'{"text": "panda", "x": NaN, "y": [Infinity]}')
    assert json.loads(ended.out, parse_constant=pytest.fail)["results"][0]["document"]["metadata"] == {"x": None, "y": [None]}


def test_an_argument_that_names_a_file_is_pointed_out(rank: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", PANDA)
    ended = rank(QUERY, path)
    assert texts(ended) == [str(path)]
    assert "is judged as a text, though a file has that name" in ended.err


@pytest.mark.parametrize("text", ["长" * 250, "a\0b", "\ud800", "x" * 10_000])
def test_an_argument_that_cannot_name_a_file_is_a_text(rank: Run, text: str) -> None:
    assert rank(QUERY, text).code == 0


MISTAKES = {
    "missing.txt": (None, "No such file or directory"),
    "folder": ("", "holds no text files"),
    "empty.jsonl": ("\n\n", "there are no documents in"),
    "empty.csv": ("", "there are no documents in"),
    "header.csv": ("text\n", "there are no documents in"),
    "broken.jsonl": ('{"text": "a"}\n{"text": \n', "line 2 is not JSON"),
    "deep.jsonl": ("[" * 100_000 + "\n", "line 1 is not JSON"),
    "object.json": ("{}", "holds a JSON dict, not an array"),
    "field.jsonl": ('{"body": "a", "title": "b"}\n', "has no field 'text'; it has: body, title. Choose with --field"),
    "column.csv": ("body,title\na,b\n", "has no field 'text'; it has: body, title. Choose with --field"),
    "wide.csv": ("text,id\na,b,c\n", "line 2 has 3 cells under 2 column names"),
    "twice.csv": ("text,text\na,b\n", "has the column 'text' 2 times"),
    "open.csv": (f'id,text\n1,"{PANDA}\n2,{BREAD}\n3,Paris.\n', "line 2: the quotes of the row that begins here are wrong"),
    "open.tsv": (f'text\na "quoted" word\n\n\n"{PANDA}\nParis.\n', "(unexpected end of data, line 6)"),
    "open-header.csv": ('"id,text\n1,a\n', "line 1: the quotes of the row that begins here are wrong"),
    "loose.csv": (f'text\n{BREAD}\n\n\n"Pandas" eat bamboo.\n', "line 5: the quotes of the row that begins here are wrong"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_file_is_one_line_and_exit_code_3(rank: Run, tmp_path: Path, name: str) -> None:
    content, message = MISTAKES[name]
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif content is not None:
        write(path, content)
    ended = rank(QUERY, "--file", path)
    errors = [note for note in ended.notes if note.startswith("adjudge: error: ")]
    assert (ended.code, ended.out, len(errors)) == (3, "", 1)
    assert str(path) in errors[0]
    assert message in errors[0]


@pytest.mark.parametrize("stdin", [None, b"", b" \n\n"], ids=["terminal", "nothing", "blank"])
def test_no_documents(rank: Run, stdin: bytes | None) -> None:
    ended = rank(QUERY, stdin=stdin)
    assert ended.code == 3
    assert ended.notes[-1].startswith("adjudge: error: there are no documents")


@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query(rank: Run, query: str) -> None:
    ended = rank(query, PANDA)
    assert (ended.code, ended.notes) == (3, ["adjudge: error: the query is empty; there is nothing to judge the documents by"])

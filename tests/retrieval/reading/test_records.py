"""Which encoding a file of rows is in, wherever the blocks it is read in happen to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.retrieval.reading import Source
from adjudge.retrieval.reading import file as file_module
from adjudge.retrieval.reading.encoding import Decoded
from adjudge.retrieval.reading.file import File
from adjudge.retrieval.reading.records import find_encoding
from adjudge.retrieval.reading.source import Skipped
from tests.retrieval.reading.one_file import read_all
from tests.retrieval.reading.structured_texts import PARAGRAPHS

ROW = '{"text": "pandas eat bamboo"}\n'


def found(folder: Path, content: bytes) -> Decoded | Skipped:
    path = folder / "a.jsonl"
    path.write_bytes(content)
    return find_encoding(File(path=path, name="a.jsonl", format="jsonl"))


def blocks_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(file_module, "BLOCK", size)


@pytest.mark.parametrize("size", range(2 * len(ROW) - 3, 2 * len(ROW) + 3))
def test_a_file_is_not_empty_where_its_last_block_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    blocks_of(monkeypatch, size)
    for rows in range(1, 7):
        read = read_all(tmp_path, "a.jsonl", ROW * rows)
        assert [source.text for source in read if isinstance(source, Source)] == ["pandas eat bamboo"] * rows


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_a_file_may_be_one_row_longer_than_a_block(tmp_path: Path, name: str) -> None:
    row = json.dumps({"text": "pandas eat bamboo " * 50}) + "\n" if name == "a.jsonl" else "pandas eat bamboo " * 50 + "\n"
    rows = (1 << 20) // len(row) + 1
    assert len(read_all(tmp_path, name, ("" if name == "a.jsonl" else "text\n") + row * rows)) == rows


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", '{{"text": "{}"}}'), ("a.csv", "text\r{}\r"), ("a.tsv", "text\r\n{}")])
def test_a_file_may_hold_a_single_row_of_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str) -> None:
    blocks_of(monkeypatch, 64)
    (source,) = read_all(tmp_path, name, content.format("bamboo " * 100))
    assert isinstance(source, Source), source
    assert source.text.split() == ["bamboo"] * 100


@pytest.mark.parametrize("content", [b"", b"\n", b" \n" * 50, b"\n" * 64])
def test_white_space_alone_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    blocks_of(monkeypatch, 16)
    empty = found(tmp_path, content)
    assert isinstance(empty, Skipped)
    assert empty.reason == "empty"


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), min_size=1), size=st.integers(16, 40))
def test_utf_8_is_told_wherever_a_block_ends(tmp_path_factory: pytest.TempPathFactory, text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        blocks_of(monkeypatch, size)
        told = found(tmp_path_factory.mktemp("rows"), b"x" + text.encode())
    assert isinstance(told, Decoded), told
    assert (told.encoding, told.notes) == ("utf-8", ())


@pytest.mark.parametrize("before", range(500, 524))
def test_another_encoding_is_told_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    blocks_of(monkeypatch, 512)
    rows = "\n" * before + "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in [PARAGRAPHS["zh"]] * 30)
    told = found(tmp_path, rows.encode("gb18030"))
    assert isinstance(told, Decoded), told
    assert told.encoding == "gb18030"


def test_the_last_row_counts_too(tmp_path: Path) -> None:
    told = found(tmp_path, b'{"text": "panda"}\n' + json.dumps({"text": PARAGRAPHS["zh"]}, ensure_ascii=False).encode("gb18030"))
    assert isinstance(told, Decoded), told
    assert told.encoding == "gb18030"


def test_a_byte_order_mark_stands_at_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks_of(monkeypatch, 512)
    later = found(tmp_path, b"\n" * 512 + ("яю " + PARAGRAPHS["ru"]).encode("cp1251"))  # in cp1251, these two are UTF-16's mark
    first = found(tmp_path, PARAGRAPHS["ru"].encode("utf-16"))
    assert isinstance(later, Decoded), later
    assert isinstance(first, Decoded), first
    assert (later.encoding, first.encoding) == ("cp1251", "utf-16")

"""Bytes to text: marks, UTF-8, what a document says, guesses that are told, and what is no text at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.retrieval.reading.encoding import Decoded, NotText, clean, decode
from tests.retrieval.reading.one_file import read_one, refused
from tests.retrieval.reading.structured_texts import PARAGRAPHS


def text_of(data: bytes, declared: str | None = None) -> Decoded:
    found = decode(data, declared=declared)
    assert isinstance(found, Decoded), found
    return found


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf_8_comes_back_as_it_was(text: str) -> None:
    assert text_of(text.encode()) == Decoded(text, "utf-8")
    assert text_of(text.encode("utf-8-sig")).text == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_byte_order_marks_decide(encoding: str) -> None:
    for text in PARAGRAPHS.values():
        found = text_of(text.encode(encoding))
        assert (found.text, found.notes) == (text, ())


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("zh", "gb18030"), ("ru", "cp1251"), ("ru", "koi8_r"), ("ru", "cp866"), ("es", "cp1252"), ("fr", "cp1252")],
)
def test_other_encodings_are_guessed_and_told(language: str, encoding: str) -> None:
    text = PARAGRAPHS[language] * 2
    data = text.encode(encoding, "replace")
    found = text_of(data)
    assert found.text == data.decode(encoding)
    assert "is a guess" in found.notes[0]


def test_a_few_bad_bytes_do_not_make_it_another_encoding() -> None:
    text = PARAGRAPHS["ru"]
    data = text.encode()
    found = text_of(data[:17] + b"\xff" + data[17:])
    assert found.encoding == "utf-8"
    assert found.text.replace("\ufffd", "") == text
    assert "first at byte 17" in found.notes[0]


def test_what_the_document_says_counts_where_it_is_not_utf_8() -> None:
    text = "La bomba está fría"
    assert text_of(text.encode("iso-8859-15"), "iso-8859-15").text == text
    assert text_of(text.encode(), "iso-8859-15").text == text  # said wrongly, as pages often do
    assert text_of("ポンプ".encode("iso-2022-jp"), "iso-2022-jp").text == "ポンプ"
    assert text_of(b"plain", "no-such-encoding").text == "plain"
    assert text_of(b"plain", "base64").text == "plain"  # from bytes to bytes


@pytest.mark.parametrize("data", [b"\0", b"text\0text", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "cat".encode("utf-16-le")])
def test_zero_bytes_are_no_text(data: bytes) -> None:
    found = decode(data)
    assert isinstance(found, NotText)
    assert found.reason == "binary"


def test_garbage_without_zero_bytes_is_no_text() -> None:
    chance = random.Random(5)
    for length in (200, 5000):
        data = bytes(chance.randrange(1, 256) for _ in range(length))
        found = decode(data)
        assert isinstance(found, NotText), found
        assert found.reason == "encoding"


def test_line_breaks_are_all_alike_and_halves_of_characters_replaced() -> None:
    assert clean("a\r\nb\rc\nd\u2028e\fg") == "a\nb\nc\nd\u2028e\fg"
    assert clean("x\ud800y\udfffz").encode() == "x\ufffdy\ufffdz".encode()


def test_of_files(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.txt", PARAGRAPHS["zh"].encode("gb18030"))
    assert source.text == PARAGRAPHS["zh"]
    assert "gb18030" in source.notes[0]
    assert refused(tmp_path, "b.md", bytes(range(256)) * 4).reason == "binary"

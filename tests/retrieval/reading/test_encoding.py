"""Bytes to text: marks, UTF-8, what a document says, guesses that are told, and what is no text at all."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.retrieval.reading import encoding as encoding_module
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


@pytest.mark.parametrize("name", ["utf-16", "UTF-16LE", "utf-16be", "utf-32", "cp037", "ebcdic-cp-be"])
@pytest.mark.parametrize("text", ["<p>a pump", "<p>a pump.", "<p>La bomba está fría"])
def test_a_document_that_says_in_ascii_what_it_is_in_is_not_in_another_alphabet(name: str, text: str) -> None:
    assert text_of(text.encode(), name).text == text


@pytest.mark.parametrize("name", ["iso-8859-1", "latin1", "us-ascii", "windows-1252"])
def test_latin_1_means_the_encoding_of_windows(name: str) -> None:
    found = text_of("It’s “fine” – 5 €".encode("cp1252"), name)
    assert (found.text, found.notes) == ("It’s “fine” – 5 €", ())


def test_a_byte_that_the_encoding_of_windows_lacks_is_read_as_it_was_declared() -> None:
    assert text_of(b"caf\xe9 \x81", "iso-8859-1").text == "café \x81"


@pytest.mark.parametrize(
    ("name", "text", "written"),
    [
        ("gb2312", "朱镕基", "gb18030"),
        ("shift_jis", "①", "cp932"),
        ("euc-kr", "똠방각하", "cp949"),
        ("iso-8859-9", "İstanbul’da", "cp1254"),
        ("tis-620", "“ไทย”", "cp874"),
    ],
)
def test_a_name_means_what_it_does_on_the_web(name: str, text: str, written: str) -> None:
    assert text_of(text.encode(written), name) == Decoded(text, written)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unicode_escape", r"C:\u0041"),
        ("raw-unicode-escape", r"C:\u0041"),
        ("utf-7", "+AGE-"),
        ("idna", "xn--mnchen-3ya"),
        ("punycode", "mnchen-3ya"),
    ],
)
def test_what_only_python_calls_an_encoding_is_not_believed(name: str, text: str) -> None:
    assert text_of(text.encode(), name).text == text


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("language", ["zh", "ru"])
def test_a_guess_does_not_stumble_over_a_character_that_its_sample_cuts(
    monkeypatch: pytest.MonkeyPatch, before: int, language: str
) -> None:
    monkeypatch.setattr(encoding_module, "SAMPLE", 1000)
    encoding = {"zh": "gb18030", "ru": "cp1251"}[language]
    text = "x" * before + PARAGRAPHS[language] * 30
    assert text_of(text.encode(encoding)).text == text


def test_a_guess_is_made_where_it_ceases_to_be_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding_module, "SAMPLE", 1000)
    text = "plain text. " * 200 + PARAGRAPHS["zh"] * 5
    assert text_of(text.encode("gb18030")).text == text


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

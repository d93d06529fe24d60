"""PDF files: pages, scripts, headings of the outline, passwords, pictures without text, and broken files."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from adjudge.retrieval.reading import Source, SplitConfig, split
from tests.retrieval.reading.one_file import read_all, read_one, refused
from tests.retrieval.reading.pdf_files import encrypted_pdf, make_pdf
from tests.retrieval.reading.structured_texts import PARAGRAPHS, uncovered


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_text_in_every_script(tmp_path: Path, language: str) -> None:
    paragraph = PARAGRAPHS[language]
    source = read_one(tmp_path, "a.pdf", make_pdf([paragraph], title=paragraph[:20]))
    assert source.text == paragraph
    assert source.metadata == {"title": paragraph[:20].strip()}


def test_passages_know_their_pages(tmp_path: Path) -> None:
    pages = [f"{PARAGRAPHS['en']}\n{PARAGRAPHS['es']}", "", PARAGRAPHS["ru"], "The end."]
    source = read_one(tmp_path, "a.pdf", make_pdf(pages))
    assert uncovered(source.text, [(block.start, block.end) for block in source.blocks]) == ""
    assert {block.page for block in source.blocks} == {1, 3, 4}
    whole = split(source, SplitConfig(max_tokens=1000))
    assert [chunk.metadata for chunk in whole] == [{"page": 1, "last_page": 4}]
    cut = split(source, SplitConfig(max_tokens=60))
    assert cut[0].metadata == {"page": 1}
    assert all(isinstance(chunk.metadata["page"], int) for chunk in cut)


def test_lines_that_the_outline_names_are_headings(tmp_path: Path) -> None:
    pages = ["1 Pumps\nThey warm rooms.\n\nNOT NAMED\n\nMore.", "1.1  Noise\nIt is low.\n2 Prices\nThey fall."]
    outline = [("Pumps", 0), ("Noise", 1), ("Prices", 1), ("Nowhere to be found", 1)]
    source = read_one(tmp_path, "a.pdf", make_pdf(pages, outline=outline))
    found = [(block.title, block.page, source.text[block.start : block.end]) for block in source.blocks if block.kind == "heading"]
    assert [entry[:2] for entry in found] == [("Pumps", 1), ("Noise", 2), ("Prices", 2)]
    assert [" ".join(line.split()) for _, _, line in found] == ["1 Pumps", "1.1 Noise", "2 Prices"]
    chunks = split(source, SplitConfig(max_tokens=64, min_tokens=0))
    assert [chunk.headings for chunk in chunks] == [("Pumps",), ("Noise",), ("Prices",)]


@pytest.mark.parametrize("blank", [" ", "\t\n", "\u3000", "\xa0"])
def test_entries_of_the_outline_without_words_name_no_line(tmp_path: Path, blank: str) -> None:
    outline = [("Methods", 0), (blank, 0)]
    source = read_one(tmp_path, "a.pdf", make_pdf(["First body line\nMethods\nmore"], outline=outline))
    found = [(block.kind, block.title, source.text[block.start : block.end]) for block in source.blocks]
    assert found == [("prose", "", "First body line"), ("heading", "Methods", "Methods"), ("prose", "", "more")]


def test_files_with_a_password_are_told(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.pdf", encrypted_pdf(["secret"], "open sesame")).reason == "encrypted"
    assert read_one(tmp_path, "b.pdf", encrypted_pdf(["not to be printed"], "")).text == "not to be printed"


def test_pictures_of_text_are_told(tmp_path: Path) -> None:
    refusal = refused(tmp_path, "a.pdf", make_pdf(["", ""]))
    assert refusal.reason == "no_text"
    assert "2 pages" in refusal.message
    assert "OCR" in refusal.message


def test_other_files_are_damaged(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.pdf", "<html>not found</html>").reason == "damaged"
    assert refused(tmp_path, "a.pdf", b"%PDF-1.7\n").reason == "damaged"


def test_broken_files_are_read_or_told(tmp_path: Path) -> None:
    """Bytes changed and lost at random, always the same way."""
    chance = random.Random(11)
    whole = make_pdf(list(PARAGRAPHS.values()), outline=[("The heat pump", 0)], title="Pumps")
    told = 0
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 40)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        for found in read_all(tmp_path, "a.pdf", bytes(data[: chance.randrange(len(data) // 3, len(data) + 1)])):
            told += not isinstance(found, Source)
            assert isinstance(found, Source) or found.reason in ("damaged", "no_text", "empty", "encrypted"), found
    assert told > 5


def test_what_the_library_has_to_say_does_not_reach_standard_error(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(make_pdf(["x"]).replace(b"0000000009 00000 n", b"0000000003 00000 n"))
    program = "import sys, pathlib; from adjudge.retrieval.reading import read_source; "
    program += "path = pathlib.Path(sys.argv[1]); list(read_source(path, path.parent))"
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.pdf")], capture_output=True, text=True, check=True)
    assert run.stderr == ""

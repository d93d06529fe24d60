"""Word files: styles, lists, tables, revisions, and every way of being broken."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.document import Document
from docx.oxml import parse_xml

from adjudge.retrieval.reading import Skipped, Source
from adjudge.retrieval.reading import docx as reader
from tests.retrieval.reading.one_file import read_all, read_one, refused
from tests.retrieval.reading.structured_texts import PARAGRAPHS, uncovered

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def saved(build: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    build(document)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def parts(source: Source) -> list[tuple[str, str]]:
    assert uncovered(source.text, [(block.start, block.end) for block in source.blocks]) == ""
    return [(block.kind, source.text[block.start : block.end]) for block in source.blocks]


def guide(document: Document) -> None:
    document.core_properties.title = "Heat pumps"
    document.add_heading("Pumps", 0)
    document.add_heading("Installation", 1)
    document.add_paragraph(PARAGRAPHS["zh"])
    document.add_heading("Steps", 2)
    entry = document.add_paragraph("First the unit")
    entry._p.get_or_add_pPr().append(parse_xml(f'<w:numPr {W}><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'))
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip([c for row in table.rows for c in row.cells], ["model", "kW", "HP|1", "1,5"], strict=True):
        cell.text = text
    document.add_paragraph("")
    line = document.add_paragraph("one\ttwo")
    line.add_run().add_break()
    line.add_run("three")


def test_styles_lists_and_tables(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.docx", saved(guide))
    assert parts(source) == [
        ("heading", "Pumps"),
        ("heading", "Installation"),
        ("prose", PARAGRAPHS["zh"]),
        ("heading", "Steps"),
        ("prose", "- First the unit"),
        ("table", "model | kW\nHP/1 | 1,5"),
        ("prose", "one\ttwo\nthree"),
    ]
    assert [block.level for block in source.blocks if block.kind == "heading"] == [1, 2, 3]
    assert source.metadata == {"title": "Heat pumps"}


def test_what_was_inserted_is_read_and_what_was_deleted_is_not(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        xml = f"<w:p {W}><w:r><w:t xml:space='preserve'>It is </w:t></w:r><w:del><w:r><w:delText>loud</w:delText></w:r></w:del>"
        xml += "<w:ins><w:r><w:t>quiet</w:t></w:r></w:ins><w:hyperlink><w:r><w:t>.</w:t></w:r></w:hyperlink></w:p>"
        document.element.body.insert(0, parse_xml(xml))

    assert read_one(tmp_path, "a.docx", saved(build)).text == "It is quiet."


def r(text: str) -> str:
    return f"<m:r><m:rPr><m:sty m:val='p'/></m:rPr><m:t xml:space='preserve'>{text}</m:t></m:r>"


def test_equations_are_read_where_they_stand(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        said = "<w:r><w:t xml:space='preserve'>The dose is </w:t></w:r>"
        document.element.body.insert(0, parse_xml(f"<w:p {W} {M}>{said}<m:oMath>{r('D=5 mg/kg')}</m:oMath><w:r><w:t>.</w:t></w:r></w:p>"))
        alone = f"<m:oMathPara><m:oMath>{r('a=b')}</m:oMath><m:oMath>{r('c=d')}</m:oMath></m:oMathPara>"
        document.element.body.insert(1, parse_xml(f"<w:p {W} {M}>{alone}</w:p>"))

    assert parts(read_one(tmp_path, "a.docx", saved(build))) == [("prose", "The dose is D=5 mg/kg."), ("prose", "a=b c=d")]


HALF = f"<m:f><m:num>{r('1')}</m:num><m:den>{r('2')}</m:den></m:f>"
SQUARE = f"<m:sSup><m:e>{r('c')}</m:e><m:sup>{r('2')}</m:sup></m:sSup>"
EQUATIONS = [
    (HALF, "1/2"),
    (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{SQUARE}<m:ctrlPr/></m:den></m:f>", "(a+b)/(c^2)"),
    (f"<m:sSubSup><m:e>{r('x')}</m:e><m:sub>{r('i')}</m:sub><m:sup>{r('n-1')}</m:sup></m:sSubSup>", "x_i^(n-1)"),
    (f"<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/><m:e>{r('a')}{r('+b')}</m:e></m:rad>", "√(a+b)"),
    (f"<m:rad><m:deg>{r('3')}</m:deg><m:e>{r('x')}</m:e></m:rad>", "√[3]x"),
    (f"{r('f')}<m:d><m:e>{r('x')}</m:e><m:e>{r('y')}</m:e></m:d>", "f(x|y)"),
    (f"<m:d><m:dPr><m:begChr m:val='{{'/><m:endChr m:val=''/></m:dPr><m:e>{r('x')}</m:e></m:d>", "{x"),
    (f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{r('i=1')}</m:sub><m:sup/><m:e>{r('i')}</m:e></m:nary>", "∑_(i=1) i"),
    (f"<m:nary><m:sub/><m:sup/><m:e>{r('f')}</m:e></m:nary>", "∫ f"),
    (f"<m:func><m:fName>{r('log')}</m:fName><m:e>{r('x')}</m:e></m:func>", "log x"),
    (f"<m:limLow><m:e>{r('lim')}</m:e><m:lim>{r('n→∞')}</m:lim></m:limLow>", "lim_(n→∞)"),
    (f"<m:m><m:mr><m:e>{r('1')}</m:e><m:e>{r('0')}</m:e></m:mr><m:mr><m:e>{r('0')}</m:e><m:e>{r('2')}</m:e></m:mr></m:m>", "1, 0; 0, 2"),
    (f"<m:acc><m:e>{r('x')}</m:e></m:acc>", "x\u0302"),
    (f"<m:f><m:num/><m:den/></m:f><!-- {r('no')} -->{r('y')}", "/ y"),
    (f"{r('1')}{HALF}{r('x')}{HALF}{HALF}{r('+1')}", "1 1/2 x 1/2 1/2+1"),
    (f"{HALF}{SQUARE}{r('y=')}{SQUARE}{r('-2')}{SQUARE}", "1/2 c^2 y=c^2-2 c^2"),
]


@pytest.mark.parametrize(("equation", "line"), EQUATIONS)
def test_what_stands_above_and_below_is_told_by_signs(tmp_path: Path, equation: str, line: str) -> None:
    def build(document: Document) -> None:
        document.element.body.insert(0, parse_xml(f"<w:p {W} {M}><m:oMath>{equation}</m:oMath></w:p>"))

    assert read_one(tmp_path, "a.docx", saved(build)).text == line


def test_a_table_within_a_table_is_said_once(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        cell = document.add_table(rows=1, cols=2).rows[0].cells[0]
        cell.text = "outer"
        cell.add_table(rows=1, cols=1).rows[0].cells[0].text = "inner"

    assert read_one(tmp_path, "a.docx", saved(build)).text == "outer inner |"


def test_content_controls_are_looked_into(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        xml = f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>inside</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        document.element.body.insert(0, parse_xml(xml))

    assert read_one(tmp_path, "a.docx", saved(build)).text == "inside"


def test_a_heading_by_its_outline_level(tmp_path: Path) -> None:
    def build(document: Document) -> None:
        document.add_paragraph("Own style")._p.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {W} w:val="0"/>'))

    (block,) = read_one(tmp_path, "a.docx", saved(build)).blocks
    assert (block.kind, block.level, block.title) == ("heading", 2, "Own style")


def test_old_and_locked_files_are_told(tmp_path: Path) -> None:
    refusal = refused(tmp_path, "a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert refusal.reason == "encrypted"
    assert "save it as .docx without a password" in refusal.message


def test_other_zip_files_are_damaged(tmp_path: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as package:
        package.writestr("hello.txt", "x")
    assert refused(tmp_path, "a.docx", written.getvalue()).reason == "damaged"
    assert refused(tmp_path, "a.docx", b"PK\x03\x04 and no more").reason == "damaged"


def test_what_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_UNPACKED", 1000)
    assert refused(tmp_path, "a.docx", saved(guide)).reason == "too_large"


def test_broken_files_are_read_or_told(tmp_path: Path) -> None:
    """Bytes of the file and of the XML inside changed at random, always the same way."""
    chance, whole = random.Random(7), saved(guide)
    for round_ in range(60):
        data = _broken(chance, whole) if round_ % 2 else _broken_inside(chance, whole)
        for found in read_all(tmp_path, "a.docx", data):
            assert isinstance(found, Source) or found.reason in ("damaged", "empty", "too_large"), found


def test_a_document_without_text_is_empty(tmp_path: Path) -> None:
    (found,) = read_all(tmp_path, "a.docx", saved(lambda document: document.add_paragraph(" ")))
    assert isinstance(found, Skipped)
    assert found.reason == "empty"


def _broken(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 20)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(len(changed) // 2, len(changed) + 1)])


def _broken_inside(chance: random.Random, data: bytes) -> bytes:
    """One part of the package broken, the package sound."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w") as new:
        victim = chance.choice([name for name in old.namelist() if name.endswith((".xml", ".rels"))])
        for name in old.namelist():
            if name != victim:
                new.writestr(name, old.read(name))
            elif chance.random() < 0.7:
                new.writestr(name, _broken(chance, old.read(name)))
    return written.getvalue()

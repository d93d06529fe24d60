"""Word files: paragraphs by their styles, lists and tables (the library python-docx)."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import MissingExtraError
from ..base import Scalar
from .compose import Composer
from .encoding import clean
from .equations import is_equation, linear
from .file import File
from .settings import MIB
from .source import Skipped, Source

if TYPE_CHECKING:
    from docx.document import Document

__all__ = ["read_docx"]

MOST_UNPACKED = 512 * MIB
"""Bytes inside the file; a few kilobytes may unpack to more than a machine has."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what stands beside it, for older programs
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def read_docx(file: File, data: bytes) -> Source | Skipped:
    """A document as one source: body text with what was inserted and not yet accepted, without what was deleted.

    Headers, footers, footnotes and comments are left out. Rows of a table are lines, with bars between the cells; equations are read on
    one line: "a/b", "x^2".
    """
    problem = _unsound(file, data)
    if problem is not None:
        return problem
    open_ = _opener()
    try:
        document, composer = open_(io.BytesIO(data)), Composer()
        _Reader(composer, _styles(document)).read(document.element.body)
        title = clean(str(document.core_properties.title or "")).strip()
    except _BROKEN as exc:
        return file.skipped("damaged", f"is no Word file that can be read: {type(exc).__name__}: {exc}")
    metadata: Mapping[str, Scalar] = {"title": title} if title else {}
    return Source(name=file.name, format="docx", text=composer.text(), blocks=tuple(composer.blocks), metadata=metadata)


def _unsound(file: File, data: bytes) -> Skipped | None:
    """What is wrong with it as a zip file."""
    if data.startswith(_OLE):
        return file.skipped("encrypted", "has a password, or is in Word's format of before 2007; save it as .docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            size = sum(info.file_size for info in package.infolist())
    except _PACKED as exc:
        return file.skipped("damaged", f"is no Word file: {exc}")
    if size > MOST_UNPACKED:
        return file.skipped("too_large", f"unpacks to {size:,} bytes; more than {MOST_UNPACKED:,} are not read")
    return None


def _opener() -> Callable[[BinaryIO], Document]:
    try:
        import docx
    except ImportError:
        raise MissingExtraError(package="python-docx", extra="search", what="reading Word files") from None
    return docx.Document


_PACKED = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, RuntimeError, EOFError, OSError)
"""What broken zip files end in; those with a password, or packed in a way that Python does not know, in RuntimeError."""

_BROKEN = (*_PACKED, SyntaxError, KeyError, AttributeError, IndexError, TypeError)
"""What broken parts end in (XML in SyntaxError), and missing ones, and parts of the wrong kind."""


def _styles(document: Document) -> Mapping[str, int]:
    """The level of each paragraph style that makes a heading, by its id. Names are English in the file, whatever the language of Word."""
    levels: dict[str, int] = {}
    for style in document.styles:
        name = style.name or ""
        if found := _HEADING.fullmatch(name):
            levels[style.style_id] = int(found[1]) + 1
        elif name == "Title":
            levels[style.style_id] = 1
    return levels


class _Reader:
    def __init__(self, composer: Composer, levels: Mapping[str, int]) -> None:
        self._composer, self._levels = composer, levels

    def read(self, body: Any) -> None:
        """Paragraphs and tables, also those inside content controls and revisions."""
        for element in _below(body, f"{_W}p", f"{_W}tbl"):
            if element.tag == f"{_W}tbl":
                self._composer.add("\n".join(_rows(element)), "table")
                continue
            level = self._level(element)
            listed = element.find(f"{_W}pPr/{_W}numPr") is not None and not level
            text = _text(element).strip()
            if text:
                self._composer.add(f"- {text}" if listed else text, "heading" if level else "prose", level=level)

    def _level(self, paragraph: Any) -> int:
        """0: no heading."""
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        known = 0 if style is None else self._levels.get(style.get(f"{_W}val"), 0)
        outline = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        value = "" if outline is None else outline.get(f"{_W}val", "")
        return known or (int(value) + 2 if value in set("012345678") else 0)


def _below(container: Any, *tags: str) -> Iterator[Any]:
    """Elements with one of these tags in order, whatever they are wrapped in, but not one inside another."""
    stack = list(reversed(container))
    while stack:
        element = stack.pop()
        if element.tag in tags:
            yield element
        elif element.tag != _FALLBACK:
            stack.extend(reversed(element))


def _rows(table: Any) -> Iterator[str]:
    """A line for each row; a table within a cell is read as its words."""
    for row in _below(table, f"{_W}tr"):
        cells = [" ".join(" ".join(_text(p) for p in _below(cell, f"{_W}p")).split()) for cell in _below(row, f"{_W}tc")]
        if any(cells):
            yield " | ".join(cell.replace("|", "/") for cell in cells)


def _text(paragraph: Any) -> str:
    """The runs of a paragraph, of its links, insertions, equations and text boxes."""
    parts: list[str] = []
    stack: list[Any] = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        if isinstance(element, str):
            parts.append(element)
        elif is_equation(element):
            stack.extend(reversed(linear(element)))
        elif element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag in _CHARACTERS:
            parts.append(_CHARACTERS[element.tag])
        elif element.tag not in (_FALLBACK, f"{_W}del", f"{_W}moveFrom", f"{_W}pPr"):
            parts.append("\n" if element.tag == f"{_W}p" else "")
            stack.extend(reversed(element))
    return "".join(parts)

"""PDF files: the text of each page, and headings where the outline names them (the library pypdf)."""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import MissingExtraError
from ..base import Scalar
from .compose import Composer, fill
from .encoding import clean
from .file import File
from .plain import plain_blocks
from .source import Block, Skipped, Source

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["read_pdf"]

DEEPEST = 32
"""Levels of an outline that are read."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the outline."""

    title: str
    level: int
    page: int  # from 0


def read_pdf(file: File, data: bytes) -> Source | Skipped:
    """A document as one source; its blocks know their pages. A page that cannot be read is noted, the others are read.

    Headings are the lines that the document's outline names, if it has one. Files that open without a password are read whatever they
    forbid; the password itself is not guessed.
    """
    reader = _open(file, data)
    if isinstance(reader, Skipped):
        return reader
    broken = _broken()
    try:
        pages = len(reader.pages)
    except broken as exc:
        return file.skipped("damaged", f"is no PDF that can be read: {_said(exc)}")
    outline, composer, notes = _outline(reader, broken), Composer(), []
    for number in range(pages):
        try:
            text = clean(reader.pages[number].extract_text()).strip()
        except broken as exc:
            notes.append(f"page {number + 1} cannot be read: {_said(exc)}")
            continue
        named = [entry for entry in outline if entry.page == number]
        composer.extend(text, fill(text, _with_headings(text, named)), page=number + 1)
    if not composer.blocks:
        return file.skipped("damaged" if notes else "no_text", notes[0] if notes else _PICTURES.format(pages=pages))
    text, blocks = composer.text(), tuple(composer.blocks)
    return Source(name=file.name, format="pdf", text=text, blocks=blocks, metadata=_metadata(reader, broken), notes=tuple(notes))


_PICTURES = "has no text on its {pages} pages, perhaps only pictures of it; have it read by an OCR program first"


def _open(file: File, data: bytes) -> PdfReader | Skipped:
    try:
        from pypdf import PdfReader
        from pypdf.errors import DependencyError
    except ImportError:
        raise MissingExtraError(package="pypdf", extra="search", what="reading PDF") from None
    logger = logging.getLogger("pypdf")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # else each oddity of each file lands on standard error
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return file.skipped("encrypted", "needs a password; save it without one")
    except DependencyError as exc:
        return file.skipped("encrypted", f"is encrypted by AES: {exc}")
    except _broken() as exc:
        return file.skipped("damaged", f"is no PDF that can be read: {_said(exc)}")
    return reader


def _broken() -> tuple[type[Exception], ...]:
    """What broken files make of pypdf."""
    from pypdf.errors import PyPdfError

    plain = (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, AssertionError)
    return (
        PyPdfError,
        *plain,
        RuntimeError,
        OSError,
        EOFError,
        MemoryError,
        zlib.error,
    )  # RuntimeError: also too deep, and kinds of PDF that pypdf has no reader for


def _said(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}"


def _outline(reader: PdfReader, broken: tuple[type[Exception], ...]) -> list[_Entry]:
    try:
        return list(_entries(reader, reader.outline, 1))
    except broken:
        return []  # a broken outline takes nothing away from the text


def _entries(reader: PdfReader, items: Sequence[Any], level: int) -> Iterator[_Entry]:
    for item in items:
        if isinstance(item, list):
            if level < DEEPEST:
                yield from _entries(reader, item, level + 1)
            continue
        page = reader.get_destination_page_number(item)
        title = " ".join(clean(str(item.title or "")).split())
        if page is not None and title:  # every line ends in an empty title
            yield _Entry(title, level, page)


def _with_headings(text: str, named: Sequence[_Entry]) -> Iterator[Block]:
    """The page's blocks; lines that the outline names are headings, and nothing else is."""
    at = 0
    for start, end, entry in _places(text, named):
        yield from _between(text, at, start)
        yield Block(start=start, end=end, kind="heading", level=entry.level, title=entry.title)
        at = end
    yield from _between(text, at, len(text))


def _between(text: str, start: int, end: int) -> Iterator[Block]:
    for block in plain_blocks(text[start:end]):
        kind = "prose" if block.kind == "heading" else block.kind
        yield Block(start=start + block.start, end=start + block.end, kind=kind)


def _places(text: str, named: Sequence[_Entry]) -> Iterator[tuple[int, int, _Entry]]:
    """Where the outline's titles stand as lines of the page, in order, each sought behind the one before."""
    waiting, at = list(named), 0
    for line in text.split("\n"):
        words = " ".join(line.split()).casefold()
        match = next((i for i, entry in enumerate(waiting) if words and _same(words, entry.title.casefold())), None)
        if match is not None:
            yield at, at + len(line), waiting[match]
            waiting = waiting[match + 1 :]
        at += len(line) + 1


def _same(line: str, title: str) -> bool:
    """The title, perhaps with a number before it ("2.1 Method")."""
    return line == title or (line.endswith(title) and not any(c.isalpha() for c in line[: -len(title)]))


def _metadata(reader: PdfReader, broken: tuple[type[Exception], ...]) -> Mapping[str, Scalar]:
    try:
        title = "" if reader.metadata is None else clean(str(reader.metadata.title or "")).strip()
    except broken:
        title = ""
    return {"title": title} if title else {}

"""Plain text: paragraphs, list entries, code, tables, and the lines that are headings by their look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .compose import fill
from .encoding import NotText, clean, decode
from .file import File
from .headings import Headings
from .source import Block, BlockKind, Skipped, Source

__all__ = ["plain_blocks", "read_plain"]

UNWRAPPED = 130
"""Cells; a longer line is a paragraph by itself, and so are its neighbours."""

_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_ROW = re.compile(r"\s*\||[^\t\n]*\S\t+\S")
_INDENTED = re.compile(r"(?: {4}|\t)\s*\S")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪●○·–—]\s|\d{1,3}[.)、．](?!\d)|[(（]\d{1,3}[)）]|[a-z][.)]\s)")
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def read_plain(file: File, data: bytes) -> Source | Skipped:
    """A file as one source."""
    decoded = decode(data)
    if isinstance(decoded, NotText):
        return file.skipped(decoded.reason, decoded.message)
    text = clean(decoded.text)
    return Source(name=file.name, format="text", text=text, blocks=plain_blocks(text), notes=decoded.notes)


def plain_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text without marks, in order.

    Code is fenced, or indented by four on at least two lines; tables are at least two lines with bars or tabs. A line begins a paragraph
    behind a blank one, as an entry of a list, or where lines are too long to have been wrapped. Headings: see headings.py.
    """
    return fill(text, _Reader(text).blocks())


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int  # behind its line break
    text: str  # without it


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self.lines = list(_lines(text))
        self.headings = Headings([line.text for line in self.lines])

    def blocks(self) -> Iterator[Block]:
        at = 0
        while at < len(self.lines):
            if not self.lines[at].text.strip():
                at += 1
                continue
            heading = self.headings.at(at)
            if heading is not None:
                yield self._block(at, heading.lines, "heading", level=heading.level, title=heading.title)
                at += heading.lines
                continue
            count, kind = self._special(at)
            if count:
                yield self._block(at, count, kind)
            else:
                count = self._paragraph(at)
                yield from self._prose(at, count)
            at += count

    def _special(self, at: int) -> tuple[int, BlockKind]:
        """How many lines of code or table begin here; 0: none."""
        if mark := _FENCE.match(self.lines[at].text):
            closed = (i for i in range(at + 1, len(self.lines)) if self.lines[i].text.strip() == mark[1])
            return next(closed, len(self.lines) - 1) - at + 1, "code"
        rows = self._run(at, _ROW)
        if rows > 1:
            return rows, "table"
        return (indented, "code") if (indented := self._indented(at)) > 1 else (0, "prose")

    def _run(self, at: int, pattern: re.Pattern[str]) -> int:
        end = at
        while end < len(self.lines) and pattern.match(self.lines[end].text):
            end += 1
        return end - at

    def _indented(self, at: int) -> int:
        """Indented lines and the blank ones between them."""
        if at and self.lines[at - 1].text.strip():  # goes on with the line above, as in the entry of a list
            return 0
        end, count = at, 0
        for index in range(at, len(self.lines)):
            line = self.lines[index].text
            if _INDENTED.match(line) and not _ITEM.match(line):
                end, count = index + 1, count + 1
            elif line.strip():
                break
        return end - at if count > 1 else 0

    def _paragraph(self, at: int) -> int:
        """Lines up to the next blank one, heading, code or table."""
        end = at + 1
        while end < len(self.lines) and self.lines[end].text.strip():
            if self.headings.at(end) is not None or self._special(end)[0]:
                break
            end += 1
        return end - at

    def _prose(self, at: int, count: int) -> Iterator[Block]:
        lines = self.lines[at : at + count]
        unwrapped = any(_cells(line.text) > UNWRAPPED for line in lines)
        begin = 0
        for i in range(1, count):
            if unwrapped or _ITEM.match(lines[i].text):
                yield self._block(at + begin, i - begin, "prose")
                begin = i
        yield self._block(at + begin, count - begin, "prose")

    def _block(self, at: int, count: int, kind: BlockKind, *, level: int = 0, title: str = "") -> Block:
        return Block(start=self.lines[at].start, end=self.lines[at + count - 1].end, kind=kind, level=level, title=title)


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for line in text.split("\n"):
        end = min(len(text), start + len(line) + 1)
        yield _Line(start, end, line)
        start = end


def _cells(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))

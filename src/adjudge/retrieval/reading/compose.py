"""Blocks of a text: those that a parser named with what lies between them, and texts put together block by block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .encoding import clean
from .source import Block, BlockKind

__all__ = ["Composer", "fill", "trimmed"]

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_NOTHING = re.compile(r"\s*")
_PARAGRAPH = re.compile(r"\n[^\S\n]*(?=\n)")


def trimmed(text: str, block: Block) -> Block | None:
    """The block without white space around it; code keeps the indentation of its first line. None where nothing is left."""
    leading = _BLANK_LINES if block.kind == "code" else _NOTHING
    match = leading.match(text, block.start, block.end)
    start = block.start if match is None else match.end()
    end = start + len(text[start : block.end].rstrip())
    return replace(block, start=start, end=end) if end > start else None


def fill(text: str, found: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks, trimmed, and paragraphs of what lies outside them, so that all but white space is in one."""
    blocks: list[Block] = []
    at = 0
    for block in found:
        blocks.extend(_paragraphs(text, at, block.start))
        inside = trimmed(text, block)
        if inside is not None:
            blocks.append(inside)
        at = block.end
    blocks.extend(_paragraphs(text, at, len(text)))
    return tuple(blocks)


def _shifted(blocks: Iterable[Block], by: int, *, levels: int, page: int) -> Iterator[Block]:
    for block in blocks:
        level = block.level + levels if block.kind == "heading" else block.level
        yield replace(block, start=block.start + by, end=block.end + by, level=level, page=page)


def _paragraphs(text: str, start: int, end: int) -> Iterator[Block]:
    while start < end:
        gap = _PARAGRAPH.search(text, start, end)
        stop = end if gap is None else gap.end()
        block = trimmed(text, Block(start=start, end=stop, kind="prose"))
        if block is not None:
            yield block
        start = stop


class Composer:
    """Puts a text together from blocks, a blank line between them."""

    def __init__(self) -> None:
        """With nothing in it."""
        self.blocks: list[Block] = []
        self._parts: list[str] = []
        self._at = 0

    def add(self, text: str, kind: BlockKind, *, level: int = 0) -> None:
        """Append a block, without the white space around it; one of nothing else is left out. A heading's title is its text in one line."""
        text = clean(text)
        inside = trimmed(text, Block(start=0, end=len(text), kind=kind, level=level))
        if inside is None:
            return
        part = text[inside.start : inside.end]
        title = " ".join(part.split()) if kind == "heading" else ""
        start = self._skip(part)
        self.blocks.append(Block(start=start, end=start + len(part), kind=kind, level=level, title=title))

    def extend(self, text: str, blocks: Iterable[Block], *, levels: int = 0, page: int = 0) -> None:
        """Append a text that has blocks already, on a page; its headings `levels` deeper."""
        if text.strip():
            self.blocks.extend(_shifted(blocks, self._skip(text), levels=levels, page=page))

    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def _skip(self, part: str) -> int:
        """Append; where it begins."""
        for piece in ("\n\n", part) if self._parts else (part,):
            self._parts.append(piece)
            self._at += len(piece)
        return self._at - len(part)

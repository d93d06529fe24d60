"""Blocks by their headings: which belong together, and the path of headings each stands under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .source import Block

__all__ = ["Section", "common", "sections"]

Titles: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks first to last (half-open): a heading, if any, and what stands under it up to the next one."""

    first: int
    last: int
    level: int  # of its heading; 0 above the first one
    path: Titles  # titles from the outermost heading down to its own


def sections(blocks: Sequence[Block]) -> Iterator[Section]:
    """In the order of the text, together all blocks."""
    open_: list[tuple[int, str]] = []
    first, level = 0, 0
    for index, block in enumerate(blocks):
        if block.kind != "heading":
            continue
        if index > first:
            yield Section(first, index, level, tuple(title for _, title in open_))
        while open_ and open_[-1][0] >= block.level:
            open_.pop()
        open_.append((block.level, block.title))
        first, level = index, block.level
    if first < len(blocks):
        yield Section(first, len(blocks), level, tuple(title for _, title in open_))


def common(paths: Sequence[Titles]) -> Titles:
    """The headings that all have in common."""
    shared: list[str] = []
    for titles in zip(*paths, strict=False):
        if len(set(titles)) > 1:
            break
        shared.append(titles[0])
    return tuple(shared)

"""What passages are put together from: blocks that fit, and the sentences, lines and rows of those that do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.sentences import sentence_spans
from ..key_tokens import TokenCounter
from ..key_units import whole_character
from .source import Block

__all__ = ["Piece", "cut_block"]

_CLAUSE = re.compile(r"[,;:，、；：—)）]\s*")
_SPACE = re.compile(r"\s+")

SAMPLE = 1000
"""Characters that tell how many tokens a text has for each of its characters."""

LONGEST_TOKEN = 64
"""Characters a token has at most, on the average of a passage: what is longer is not counted to see whether it fits."""


@dataclass(frozen=True, slots=True)
class Piece:
    """text[start:end], which is never cut again."""

    start: int
    end: int
    tokens: int
    opens: bool  # it begins a block
    heading: bool = False
    block: int = 0  # the how-manieth block it is of
    leads: bool = False  # it ends in a colon, and says little without what follows


def cut_block(text: str, block: Block, room: int, count: TokenCounter, *, index: int) -> list[Piece]:
    """The block as one piece if it has at most `room` tokens, else its sentences, or lines of code and rows of a table.

    A sentence or line that is too long by itself is cut behind a comma, else at a space, else between any two characters.
    """
    heading = block.kind == "heading"
    tokens = _tokens(text, block.start, block.end, room, count)
    if tokens is not None:
        return [Piece(block.start, block.end, tokens, True, heading, index, _leads(text, block.start, block.end))]
    parts = _lines(text, block) if block.kind in ("code", "table") else _sentences(text, block)
    pieces: list[Piece] = []
    for first, last in parts:
        for start, end, tokens in _fitting(text, first, last, room, count):
            pieces.append(Piece(start, end, tokens, not pieces, heading, index, _leads(text, start, end)))
    return pieces


def _leads(text: str, start: int, end: int) -> bool:
    return text[start:end].rstrip().endswith((":", "："))


def _tokens(text: str, start: int, end: int, room: int, count: TokenCounter) -> int | None:
    """How many tokens text[start:end] has; None where it has more than `room`."""
    if end - start > LONGEST_TOKEN * room:
        return None
    tokens = count(text[start:end])
    return tokens if tokens <= room else None


def _sentences(text: str, block: Block) -> Iterator[tuple[int, int]]:
    for first, last in sentence_spans(text[block.start : block.end]):
        yield from _stripped(text, block.start + first, block.start + last)


def _lines(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """Lines; each keeps its indentation."""
    at = block.start
    while at < block.end:
        end = min(block.end, text.find("\n", at, block.end) + 1 or block.end)
        begin, stop = at, at + len(text[at:end].rstrip())
        if stop > begin:
            yield begin, stop
        at = end


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    first = start + len(part) - len(part.lstrip())
    last = start + len(part.rstrip())
    if first < last:
        yield first, last


def _fitting(text: str, start: int, end: int, room: int, count: TokenCounter) -> Iterator[tuple[int, int, int]]:
    """(start, end, tokens) of the whole, or of pieces of at most `room` tokens, white space between them in none."""
    tokens = _tokens(text, start, end, room, count)
    if tokens is not None:
        yield start, end, tokens
        return
    while start < end:
        stop = _reach(text, start, end, room, count)
        if stop < end:
            border = _border(text, start, stop)
            stop = border if count(text[start:border]) <= room else stop  # a tokenizer may need more tokens for less text
        for first, last in _stripped(text, start, stop):
            yield first, last, count(text[first:last])
        start = stop


def _reach(text: str, start: int, end: int, room: int, count: TokenCounter) -> int:
    """About the longest text[start:stop] of at most `room` tokens, found by halving; at least one character, whatever its tokens."""
    sample = text[start : min(end, start + SAMPLE)]
    step = max(1, room * len(sample) // max(1, count(sample)))
    low, high = start + 1, min(end, start + LONGEST_TOKEN * room)
    at, ahead = min(high, max(low + 1, start + step)), max(1, step // 4)
    while low < high:
        if count(text[start:at]) <= room:
            low = at
            if high - low <= (low - start) // 8 and high < end:
                break
            ahead *= 2
        else:
            high = at - 1
        at = min((low + high + 1) // 2, low + ahead)
    return low


def _border(text: str, start: int, stop: int) -> int:
    """Behind the last comma of the second half, else behind its last space, else where no character is torn."""
    half = start + (stop - start) // 2
    for pattern in (_CLAUSE, _SPACE):
        found = [match.end() for match in pattern.finditer(text, max(start + 1, half), stop)]
        if found:
            return found[-1]
    return whole_character(text, stop, least=start + 1)

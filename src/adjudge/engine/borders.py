"""Where a text may be cut: after paragraphs, after sentences, and, where nothing better is near, after lines of code and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .abbreviations import NEVER_LAST

__all__ = ["Borders", "find_borders"]

# From the head of a run of dots only, and possessive: started at each dot again, a run takes time with its square, and `re` holds the GIL.
_STOPS = re.compile(r"""[。！？!?；;]+["'”’」』）)\]»]*|(?<![.…])[.…]++["'”’)\]»]*+(?=\s|\Z)""")
_LINES = re.compile(r"[^\n]*\n?")
_WORD_BEFORE = re.compile(r"[^\W\d_]+(?:\.[^\W\d_]+)*\Z")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_ROW = re.compile(r"\s*\||[^\t\n]*\S\t|(?: {4}|\t)\S")
_LOOK_BACK = 12  # characters: the longest abbreviation that is known, with room to spare


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Borders:
    """Token positions that a window may end at, each sorted; position n lies before token n."""

    paragraphs: NDArray[np.int64] = field(default_factory=_none)  # after a blank line, and around code and tables
    sentences: NDArray[np.int64] = field(default_factory=_none)  # after sentences and lines outside code and tables, paragraphs among them
    lines: NDArray[np.int64] = field(default_factory=_none)  # after lines within code and tables


def find_borders(text: str, offsets: NDArray[np.int64]) -> Borders:
    """Borders of a text whose tokens have these character offsets, (tokens, 2).

    Sentences end after 。！？!?； anywhere and after a full stop or ellipsis before white space, closing quotes included, known
    abbreviations and initials not. Code is fenced by ``` or ~~~ or indented by four, tables are lines with bars or tabs; both are
    blocks of at least two lines, and stay whole where a window has room.
    """
    if not len(offsets):
        return Borders()
    lines = _read_lines(text)
    stops = np.fromiter(_stops(text), np.int64)
    blocks = np.array(lines.blocks, np.int64).reshape(-1, 2)
    edges = blocks.reshape(-1)
    edges = edges[(edges > 0) & (edges < len(text))]
    after_breaks = _after_breaks(offsets, np.array([*lines.blank, *edges], np.int64))
    sentences = _after_characters(offsets, stops[~_within(stops, blocks)])
    ends = np.array(lines.ends, np.int64)
    inside = _within(ends - 1, blocks) & ~np.isin(ends, edges)
    return Borders(
        paragraphs=np.unique(after_breaks),
        sentences=np.unique(np.concatenate((sentences, after_breaks, _after_breaks(offsets, ends[~inside])))),
        lines=np.unique(_after_breaks(offsets, ends[inside])),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Character positions: behind every line break, behind those that end a blank line, and the ranges of code and tables."""

    ends: list[int]
    blank: list[int]
    blocks: list[tuple[int, int]]


def _read_lines(text: str) -> _Lines:
    found = _Lines([], [], [])
    fence, begun, count = "", 0, 0
    for line in _LINES.finditer(text):
        start, end = line.span()
        if start == end:
            break
        if line[0].endswith("\n"):
            found.ends.append(end)
            if not fence and not line[0].strip():
                found.blank.append(end)
        mark = _FENCE.match(line[0])
        if fence:
            count += 1
            if mark and mark[1] == fence:
                found.blocks.append((begun, end))
                fence, count = "", 0
            continue
        belongs = bool(mark or _ROW.match(line[0]))
        if count and (mark or not belongs):
            _close(found, begun, start, count)
            count = 0
        if belongs:
            begun = start if count == 0 else begun
            count += 1
        fence = mark[1] if mark else ""
    if count:
        _close(found, begun, len(text), count)
    return found


def _close(found: _Lines, begun: int, end: int, lines: int) -> None:
    """A single line with a tab or a bar is no table."""
    if lines > 1:
        found.blocks.append((begun, end))


def _stops(text: str) -> Iterator[int]:
    """The last character of each sentence's end."""
    for match in _STOPS.finditer(text):
        if match[0][0] != "." or not _abbreviated(text, match.start()):
            yield match.end() - 1


def _abbreviated(text: str, dot: int) -> bool:
    word = _WORD_BEFORE.search(text[max(0, dot - _LOOK_BACK) : dot])
    if word is None:
        return False
    initial = len(word[0]) == 1 and word[0].isupper() and word[0].isalpha()
    return initial or word[0].lower() in NEVER_LAST or word[0] in NEVER_LAST


def _within(places: NDArray[np.int64], blocks: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each place lies in one of the ranges, which are sorted and apart."""
    if not len(blocks) or not len(places):
        return np.zeros(len(places), np.bool_)
    at = np.searchsorted(blocks[:, 0], places, side="right") - 1
    inside: NDArray[np.bool_] = (at >= 0) & (places < blocks[np.maximum(at, 0), 1])
    return inside


def _after_characters(offsets: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    # Where the tokenizer gives a token no characters of its own, it may also give it no place in the order.
    return np.searchsorted(np.maximum.accumulate(offsets[:, 0]), places, side="right").astype(np.int64)


def _after_breaks(offsets: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    # A token that goes on after the line break ("\nNew") belongs to the next line; many tokenizers have no token for the break at all.
    return np.searchsorted(np.maximum.accumulate(offsets[:, 1]), ends, side="right").astype(np.int64)

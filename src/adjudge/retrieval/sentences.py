"""A text as spans that cover it: sentences in five languages, headings, rows of tables and pieces of code. Rules only, no model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..engine.sentences import sentence_spans

__all__ = ["Kind", "Span", "split_sentences"]

Kind: TypeAlias = Literal["prose", "heading", "row", "code"]
"""What a span is: a sentence or an entry of a list, a heading, a line of a table, lines of a code block."""

CODE_CHARACTERS = 400
"""A code block is kept together up to about here, then cut after a line: half a function helps nobody, a whole file fits nowhere."""

HEADING_CHARACTERS = 80

_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_HASHES = re.compile(r"\s{0,3}#{1,6}\s")
_UNDERLINE = re.compile(r"\s*(={3,}|-{3,})\s*")
_ITEM = re.compile(r"[-*+•·▪‣◦–—>]|[(（]?[\w]{1,3}[.)、）]")
_ENDS = frozenset(".。!！?？,，;；:：…、")


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end]: one sentence with the white space behind it, or a heading, a row or a piece of code."""

    start: int
    end: int
    kind: Kind
    opens: bool  # it begins a line (a paragraph, a list entry, a row, ...): what stands before it may be another thought


def split_sentences(text: str) -> list[Span]:
    """Spans in order, each beginning where the one before ends, the first at 0, the last ending with the text.

    Sentences are those of engine.sentences; code between fences, tables and headings are kept apart from them. Blank lines belong to
    what stands before. Linear in the text. An empty text has no spans.
    """
    spans: list[Span] = []
    for start, end, kind in _blocks(text):
        if kind != "prose":
            spans.append(Span(start, end, kind, True))
            continue
        line_begins = True
        for first, last in sentence_spans(text[start:end]):
            spans.append(Span(start + first, start + last, kind, line_begins))
            line_begins = _ends_line(text, start + last)
    return spans


def _ends_line(text: str, at: int) -> bool:
    """Whether a line break is among the white space before `at`."""
    while at and text[at - 1].isspace():
        at -= 1
        if text[at] in "\n\r":
            return True
    return False


def _blocks(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Stretches of prose, single headings and rows, pieces of code."""
    lines = text.splitlines(keepends=True)
    start = at = 0
    kind: Kind | None = None
    for line, found in zip(lines, _kinds(lines), strict=True):
        end = at + len(line)
        if kind is None:
            kind = found
        elif found is not None and not _joins(kind, found, end - start):
            yield start, at, kind
            start, kind = at, found
        at = end
    if at:
        yield start, at, "prose" if kind is None else kind


def _joins(kind: Kind, found: Kind, characters: int) -> bool:
    return kind == found and (kind == "prose" or (kind == "code" and characters <= CODE_CHARACTERS))


def _kinds(lines: Sequence[str]) -> list[Kind | None]:
    """What each line looks like; None for what belongs to the line before: blank lines, and the underline of a heading."""
    kinds: list[Kind | None] = []
    fence = ""
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence or mark:
            kinds.append("code")
            fence = ("" if mark and mark[1] == fence else fence) if fence else mark[1] if mark else ""
        elif line.isspace() or _UNDERLINE.fullmatch(line):
            kinds.append(None)
        elif _row(line):
            alone = not (index and kinds[-1] == "row") and not (index + 1 < len(lines) and _row(lines[index + 1]))
            kinds.append("prose" if alone else "row")
        else:
            kinds.append("heading" if _HASHES.match(line) or _heading(lines, index) else "prose")
    return kinds


def _row(line: str) -> bool:
    return line.count("|") > 1 or line.lstrip(" ")[:1] == "|" or line.strip().count("\t") > 1


def _heading(lines: Sequence[str], index: int) -> bool:
    """Whether a line without a mark is a heading: short, without a stop, on its own, and with something to be the heading of."""
    line = lines[index].strip()
    if len(line) > HEADING_CHARACTERS or index + 1 == len(lines) or _ITEM.match(line):
        return False
    below = lines[index + 1].strip()
    if _UNDERLINE.fullmatch(below):
        return True
    if line[-1] in _ENDS or (index and not lines[index - 1].isspace()):
        return False
    return not below or (index == 0 and len(below) > 2 * len(line) and not below[0].islower())  # a title right above its text

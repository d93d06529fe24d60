"""The pieces a document is reduced by: its sentences, the enormous ones cut, the tiny ones joined, each knowing its heading."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from .sentences import Kind, Span, split_sentences

__all__ = ["Unit", "cut_units", "whole_character"]

SHORTEST = 24
"""Characters below which a sentence is joined with the next of its paragraph: "No." and "好。" say nothing alone."""

_CLAUSE = re.compile(r"[,;:，、；：—)）]\s*")
_SPACE = re.compile(r"\s+")
_SPACES = re.compile(r"\s*+")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Unit:
    """text[start:end], the smallest part of a document that is kept or dropped."""

    start: int
    end: int
    kind: Kind
    opens: bool  # it begins a paragraph or the like
    head: int  # index of the heading it stands under, or of the first row of its table; -1: none


def cut_units(text: str, *, longest: int) -> list[Unit]:
    """Units of at most `longest` characters, white space around them not counted, that cover `text` in order."""
    units: list[Unit] = []
    heading, table = -1, -1
    for span in _joined(split_sentences(text), longest):
        if span.kind == "heading":
            heading = len(units)
        if span.kind != "row":
            table = -1
        elif table < 0:
            table = len(units)
        head = table if span.kind == "row" and table < len(units) else -1 if span.kind == "heading" else heading
        starts = list(_starts(text, span, longest))
        for start, end in zip(starts, [*starts[1:], span.end], strict=True):
            units.append(Unit(start, end, span.kind, span.opens and start == span.start, head))
    return units


def _joined(spans: list[Span], longest: int) -> Iterator[Span]:
    """The spans, a short one together with those that follow it in its paragraph."""
    waiting: Span | None = None
    for span in spans:
        if waiting is None:
            waiting = span
        elif not span.opens and waiting.end - waiting.start < SHORTEST and span.end - waiting.start <= longest:
            waiting = Span(waiting.start, span.end, waiting.kind, waiting.opens)
        else:
            yield waiting
            waiting = span
    if waiting is not None:
        yield waiting


def _starts(text: str, span: Span, longest: int) -> Iterator[int]:
    """Where the pieces of a span begin: behind a comma or colon in the second half of what fits, else behind a space, else anywhere.

    White space is not counted and belongs to the piece before it, so that no piece is made of nothing else.
    """
    yield span.start
    at = _behind_space(text, span.start, span.end)
    while span.end - at > longest:
        low, high = at + max(1, longest // 2), at + longest
        cut = _last(_CLAUSE, text, low, high) or _last(_SPACE, text, low, high) or whole_character(text, high, least=at + 1)
        at = _behind_space(text, cut, span.end)
        if at < span.end:
            yield at


def _behind_space(text: str, at: int, end: int) -> int:
    found = _SPACES.match(text, at, end)
    return at if found is None else found.end()


def _last(pattern: re.Pattern[str], text: str, low: int, high: int) -> int:
    """Behind the last match that ends within text[low:high]; 0: there is none."""
    found = 0
    for match in pattern.finditer(text, low, high):
        found = match.end()
    return found


def whole_character(text: str, at: int, *, least: int) -> int:
    """`at`, or a little before it where it would part a letter from its accents or an emoji from its parts; never before `least`."""
    for cut in range(at, max(least, at - 16) - 1, -1):
        if cut >= len(text) or not (unicodedata.combining(text[cut]) or text[cut] in _JOINERS or text[cut - 1] == "\u200d"):
            return cut
    return at

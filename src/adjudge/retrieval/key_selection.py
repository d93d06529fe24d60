"""What was kept of a document, what was not, and the way back from the short text to the long one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..types import Document, Passage, Ranked

__all__ = ["METADATA_KEY", "Range", "Selection", "make_selection", "original_ranges", "reduced_document"]

METADATA_KEY = "key_passages"
"""Where a reduced document keeps the way back: {"pieces": [[place in its text, place in the original, length], ...], "tokens": its
length, "matched": how much of the question it says}."""

Range: TypeAlias = tuple[int, int]
"""Half-open, in characters."""

Piece: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The most telling passages of one document, and an account of the rest."""

    text: str  # the passages with the separator between them: what to judge
    passages: tuple[Passage, ...]  # in the order of the document
    dropped: tuple[Range, ...]  # characters of the document that are in no passage
    tokens: int  # of `text`, as counted
    matched: float  # 0..1: how much of the question, by weight of its terms, the passages say; 0: chosen without a common word

    @property
    def whole(self) -> bool:
        """Whether the document was kept as it is."""
        return not self.dropped


def make_selection(document: str, ranges: Iterable[Range], *, separator: str, tokens: int, matched: float) -> Selection:
    """A Selection of the given character ranges, which are in order and do not meet."""
    passages = tuple(Passage(document[start:end], start, end) for start, end in ranges)
    return Selection(
        text=separator.join(p.text for p in passages),
        passages=passages,
        dropped=tuple(_between(passages, len(document))),
        tokens=tokens,
        matched=matched,
    )


def reduced_document(document: Document, selection: Selection, *, separator: str) -> Document:
    """`document` with the selection's text, and in its metadata the way back; a document that was kept whole is given back as it is."""
    if selection.whole:
        return document
    pieces: list[list[int]] = []
    at = 0
    for passage in selection.passages:
        pieces += [[at + place - passage.start, *rest] for place, *rest in _pieces(document, (passage.start, passage.end))]
        at += len(passage.text) + len(separator)
    note = {"pieces": pieces, "tokens": selection.tokens, "matched": selection.matched}
    return replace(document, text=selection.text, metadata={**document.metadata, METADATA_KEY: note})


def original_ranges(result: Ranked) -> tuple[Range, ...]:
    """Where the result's passage stands in the text that KeyPassages.reduce was given: ranges of its characters, in their order.

    A result of a document that was not reduced has one range, its passage's own.
    """
    found = _pieces(result.document, (result.passage.start, result.passage.end))
    return tuple((start, start + length) for _, start, length in found)


def _pieces(document: Document, span: Range) -> list[Piece]:
    """(place in the document's text, place in the original, length) of what `span` holds of the original; separators are left out."""
    found: list[Piece] = []
    for place, start, length in _noted(document):
        first, last = max(span[0], place), min(span[1], place + length)
        if first < last:
            found.append((first, start + first - place, last - first))
    return found


def _noted(document: Document) -> list[Piece]:
    note = document.metadata.get(METADATA_KEY)
    pieces = note.get("pieces") if isinstance(note, Mapping) else None
    if not isinstance(pieces, list) or not all(map(_is_piece, pieces)):  # none, or somebody else's under the same name
        return [(0, 0, len(document.text))]
    return [(place, start, length) for place, start, length in pieces]


def _is_piece(noted: object) -> bool:
    return isinstance(noted, list | tuple) and len(noted) == 3 and all(type(number) is int for number in noted)


def _between(passages: Iterable[Passage], length: int) -> Iterator[Range]:
    """What the passages leave out."""
    at = 0
    for passage in passages:
        if passage.start > at:
            yield at, passage.start
        at = passage.end
    if length > at:
        yield at, length

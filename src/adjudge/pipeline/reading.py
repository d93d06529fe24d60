"""What the judge is given to read of a document: its text, under the headings above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..types import Document, Passage

__all__ = ["passage_of", "read_as"]


def read_as(document: Document, *, headings: bool) -> Document:
    """The document with its headings before its text, a line each, but for those that its text holds.

    A section called "On Windows" says of what in the headings above it; an index embeds and counts words in the same way.
    """
    above = document.metadata.get("headings") if headings else None
    if isinstance(above, str):
        above = [above]
    if not isinstance(above, Sequence) or not isinstance(document.text, str):
        return document
    lines = [heading for heading in above if isinstance(heading, str) and heading.strip() and heading not in document.text]
    return replace(document, text="\n".join([*lines, document.text])) if lines and document.text.strip() else document


def passage_of(document: Document, judged: Passage, read: Document) -> Passage:
    """A passage of what was read, as characters of the document itself."""
    above = len(read.text) - len(document.text)
    start, end = max(judged.start - above, 0), max(judged.end - above, 0)
    return Passage(document.text[start:end], start, end)

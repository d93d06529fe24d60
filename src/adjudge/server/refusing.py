"""Why a document was not judged, in the words of JSON: who asks over HTTP need not know Python's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..types import Document, Ranking, Refused

__all__ = ["in_json_words"]


def in_json_words(ranking: Ranking, documents: Sequence[object]) -> Ranking:
    """The same ranking; of each document that is no text its message says what came instead. `documents`: as they were sent."""
    return replace(ranking, refused=tuple(_told(one, documents[one.index]) for one in ranking.refused))


def _told(refused: Refused, document: object) -> Refused:
    if refused.reason != "not_text":
        return refused
    if isinstance(document, Document | Mapping):
        found = f"an object whose text is {_kind(document.text if isinstance(document, Document) else document.get('text'))}"
    else:
        found = _kind(document)
    return replace(refused, message=f"document {refused.index} is no text but {found}")


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "an object"
    return "a number" if isinstance(value, int | float) else "a list"

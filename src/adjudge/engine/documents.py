"""What callers hand in, made into Documents; what cannot be judged is refused one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import InputError
from ..types import Document, Refused

__all__ = ["Accepted", "accept_documents", "accept_pairs", "accept_query"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Documents to judge with their positions in the caller's list, and those refused."""

    documents: tuple[tuple[int, Document], ...]
    refused: tuple[Refused, ...]


def accept_query(query: object) -> str:
    """The query, if it is text with something in it."""
    if not isinstance(query, str):
        raise InputError(f"the query must be a string, not {type(query).__name__}")
    if not query.strip():
        raise InputError("the query is empty; there is nothing to judge the documents by")
    return query


def accept_documents(documents: object) -> Accepted:
    """Sort a list of strings, Documents and mappings into those to judge and those refused."""
    if isinstance(documents, (str, bytes, Mapping, Document)) or not isinstance(documents, Iterable):
        raise InputError(f"documents must be a list of texts, not a single {type(documents).__name__}; put it into a list")
    accepted: list[tuple[int, Document]] = []
    refused: list[Refused] = []
    for index, given in enumerate(documents):
        one = _accept(index, given)
        if isinstance(one, Refused):
            refused.append(one)
        else:
            accepted.append((index, one))
    return Accepted(tuple(accepted), tuple(refused))


def accept_pairs(pairs: object) -> list[tuple[str, str]]:
    """Pairs of (query, passage). One wrong pair is a mistake in the caller's code, so it is an error that names its place."""
    if isinstance(pairs, (str, bytes, Mapping)) or not isinstance(pairs, Iterable):
        raise InputError(f"pairs must be a list of (query, passage), not {type(pairs).__name__}")
    checked: list[tuple[str, str]] = []
    for index, pair in enumerate(pairs):
        if isinstance(pair, (str, bytes)) or not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise InputError(f"pair {index} must be (query, passage), not {_short(pair)}; one pair is written [(query, passage)]")
        query, passage = pair
        if not isinstance(query, str) or not isinstance(passage, str):
            raise InputError(f"pair {index} must hold two strings, not {type(query).__name__} and {type(passage).__name__}")
        checked.append((query, passage))
    return checked


def _accept(index: int, given: object) -> Document | Refused:
    if isinstance(given, Mapping):
        return _accept_mapping(index, given)
    document = Document(given) if isinstance(given, str) else given
    if not isinstance(document, Document) or not isinstance(document.text, str):
        kind = type(given).__name__ if not isinstance(given, Document) else f"Document with text of type {type(given.text).__name__}"
        return Refused(index=index, reason="not_text", message=f"document {index} is no text but {kind}; decode bytes, drop None and NaN")
    if not document.text.strip():
        return Refused(index=index, reason="empty", message=f"document {index} is empty or only white space, so it answers nothing")
    return document


def _accept_mapping(index: int, given: Mapping[object, object]) -> Document | Refused:
    if "text" not in given:
        keys = ", ".join(sorted(str(k) for k in given)[:8]) or "no keys"
        return Refused(index=index, reason="bad_mapping", message=f'document {index} has no key "text" but {keys}')
    metadata = given.get("metadata")
    rest = {str(k): v for k, v in given.items() if k not in ("text", "id", "metadata")}
    if isinstance(metadata, Mapping):
        rest = {str(k): v for k, v in metadata.items()} | rest
    elif metadata is not None:
        rest["metadata"] = metadata
    identity = given.get("id")
    return _accept(index, Document(given["text"], None if identity is None else str(identity), rest))  # type: ignore[arg-type]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

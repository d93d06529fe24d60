"""How much work a request is, before anything of it is tokenised."""

from __future__ import annotations

from ..engine.explain import MOST_SENTENCES
from ..types import Document, DocumentLike
from .asks import Ask
from .registry import Loaded

__all__ = ["estimated_pairs"]

CHARACTERS_A_TOKEN = 4
"""About what English has; a Chinese text makes more windows than is guessed here."""


def estimated_pairs(ask: Ask, model: Loaded) -> int:
    """One for each document, more for those too long for the model, and the sentences of those that are to be explained."""
    room = CHARACTERS_A_TOKEN * (512 if model.reranker is None else model.reranker.max_length)
    longest = None if ask.max_tokens_per_doc is None else CHARACTERS_A_TOKEN * ask.max_tokens_per_doc
    lengths = (_characters(document) for document in ask.documents)
    windows = sum(1 + (length if longest is None else min(length, longest)) // room for length in lengths)
    return windows + min(ask.explain, len(ask.documents)) * (MOST_SENTENCES + 1)


def _characters(document: DocumentLike) -> int:
    text = document.text if isinstance(document, Document) else document if isinstance(document, str) else _field(document)
    return len(text) if isinstance(text, str) else 0


def _field(document: object) -> object:
    return document.get("text") if hasattr(document, "get") else None

"""Similarity of question and units by the bi-encoder, for questions in another language than the document."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .dense import Embedder
from .key_units import Unit

__all__ = ["UnitVectors"]

BLOCK_CHARACTERS = 320
"""Units that follow one another are embedded together up to about here: a sentence alone often does not say what it is about."""


class UnitVectors:
    """Similarities from an Embedder, with the vectors of documents remembered. Safe to share between threads."""

    def __init__(self, embedder: Embedder, *, remembered: int) -> None:
        """`remembered`: vectors kept, the longest unused given up first."""
        self._embedder = embedder
        self._most = remembered
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def similarities(self, query: str, text: str, units: Sequence[Unit]) -> NDArray[np.float32]:
        """(units,) in 0..1: 1 for what is nearest to the question in this document, 0 for its middle and all below.

        Cosines of bi-encoders are not comparable between models, nor between questions, so only their order and distances here count.
        """
        blocks = _blocks(units)
        texts = [text[units[first].start : units[last - 1].end] for first, last in blocks]
        cosines = self._vectors(texts) @ self._embedder.embed([query], kind="query")[0]
        middle = float(np.median(cosines))
        width = float(cosines.max()) - middle
        scaled = np.clip((cosines - middle) / width, 0, 1) if width > 0 else np.zeros_like(cosines)
        found = np.zeros(len(units), np.float32)
        for (first, last), value in zip(blocks, scaled, strict=True):
            found[first:last] = value
        return found

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            known = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(missing, self._embedder.embed(missing, kind="document"), strict=True))
        with self._lock:
            for text in dict.fromkeys(texts):
                self._known[text] = known[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return np.stack([known[text] for text in texts])


def _blocks(units: Sequence[Unit]) -> list[tuple[int, int]]:
    """Half-open ranges of units; a heading begins a block, a paragraph does where the block has half its size already."""
    blocks: list[tuple[int, int]] = []
    first = 0
    for index in range(1, len(units)):
        size, more = units[index - 1].end - units[first].start, units[index].end - units[first].start
        if units[index].kind == "heading" or more > BLOCK_CHARACTERS or (units[index].opens and size > BLOCK_CHARACTERS // 2):
            blocks.append((first, index))
            first = index
    return [*blocks, (first, len(units))]

"""Texts as rows of token ids that remember which tokens are the text's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.base import DOCUMENT
from ..engine.tokenise import PairIds, Tokeniser

__all__ = ["Frame", "TokenRow"]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One text, ready to be put into a batch."""

    ids: PairIds
    own: NDArray[np.bool_]  # (tokens,) False for special tokens and for the prefix
    truncated: bool


class Frame:
    """The special tokens that a tokenizer puts around a single text."""

    def __init__(self, tokeniser: Tokeniser) -> None:
        """Read them off a probe."""
        probe, inner = tokeniser.single("1", max_length=512), tokeniser.encode(["1"], short=0)[0].ids
        start = next(at for at in range(len(probe.ids)) if np.array_equal(probe.ids[at : at + len(inner)], inner))
        self._tokeniser = tokeniser
        self._before, self._after = slice(0, start), slice(start + len(inner), None)
        self._probe, self._type = probe, int(probe.types[start])

    def rows(self, texts: Sequence[str], *, prefix: str, max_length: int) -> list[TokenRow]:
        """Each text behind `prefix`, cut so that it has at most `max_length` tokens with the special ones."""
        encoded = self._tokeniser.encode([prefix + text for text in texts], short=0)  # 0: character offsets for all of them
        return [self._row(one.ids, one.offsets, len(prefix), max_length) for one in encoded]

    def _row(self, ids: NDArray[np.int32], offsets: NDArray[np.int64] | None, prefix: int, max_length: int) -> TokenRow:
        before, after = self._probe.ids[self._before], self._probe.ids[self._after]
        room = max_length - len(before) - len(after)
        inner = ids[:room]
        ends = np.zeros(0, np.int64) if offsets is None else offsets[:room, 1]
        whole = np.concatenate([before, inner, after])
        kinds = [self._probe.types[self._before], np.full(len(inner), self._type, np.int32), self._probe.types[self._after]]
        own = np.concatenate([np.zeros(len(before), np.bool_), ends > prefix, np.zeros(len(after), np.bool_)])
        pair = PairIds(whole, np.concatenate(kinds), np.full(len(whole), DOCUMENT, np.int32))
        return TokenRow(pair, own, truncated=len(ids) > room)

"""How a pair that is too long is cut, where a caller wants the rule of the library that he comes from. adjudge itself uses windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Cut", "CutDocument", "CutLongest"]


class Cut(Protocol):
    """A rule that says how much of a pair is kept."""

    @property
    def max_length(self) -> int:
        """Tokens a pair, special tokens included."""
        ...

    def keep(self, query: int, document: int, specials: int) -> tuple[int, int]:
        """How many of `query` and `document` tokens stay, from the front, so that with `specials` they are at most max_length."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CutDocument:
    """The query to `max_query` tokens, then the document to what is left ("only_second" in transformers)."""

    max_length: int
    max_query: int

    def keep(self, query: int, document: int, specials: int) -> tuple[int, int]:
        """Where a query fills the whole length by itself it is cut further, so that a non-empty document keeps one token."""
        space = max(0, self.max_length - specials)
        query = min(query, self.max_query, max(0, space - min(document, 1)))
        return query, min(document, space - query)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutLongest:
    """The longer of the two down to the shorter, then both alike ("longest_first" in transformers and tokenizers)."""

    max_length: int

    def keep(self, query: int, document: int, specials: int) -> tuple[int, int]:
        """As the tokenizers library cuts: when both are longer than half, an odd token goes to the longer one."""
        space = max(0, self.max_length - specials)
        if query + document <= space:
            return query, document
        short, long = sorted((query, document))
        if short > space // 2:
            short = space // 2
        long = space - short
        return (short, long) if query <= document else (long, short)

"""Pieces into passages: as even as their sizes let them be, and rather at the end of a block than inside one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from .pieces import Piece

__all__ = ["Packing"]

LEAST_SHARE = 2 / 3
"""Of the even size: a passage that ends with a block has at least so much of it, else it may end inside one."""

LONGEST_LEAD = 1 / 4
"""Of the room: a longer paragraph that ends in a colon may end a passage, for it says something by itself."""


class Packing:
    """Finds where passages of at most `room` tokens end. A heading stays with what it is the heading of, "You need:" with what is needed.

    What is left is thought to be spread evenly over as few passages as can hold it; each ends where it comes nearest to that size, with a
    block if one ends near, so that no crumb is left over at the end.
    """

    def __init__(self, pieces: Sequence[Piece], room: int) -> None:
        """`pieces`: of one section, in order."""
        self._pieces, self._room = pieces, room
        self._totals = [0, *accumulate(piece.tokens for piece in pieces)]

    def end(self, first: int) -> int:
        """Behind the last piece of the passage that begins with piece `first`; at least one piece."""
        rest = self._tokens(first, len(self._pieces))
        if rest <= self._room:
            return len(self._pieces)
        most = self._most(first)
        fitting = [end for end in range(first + 1, most + 1) if not self._stays(end - 1)]
        if not fitting:  # headings, and what follows them does not fit beside them; or one piece that is too much by itself
            return most
        even = rest / -(-rest // self._room)
        whole = [end for end in fitting if self._pieces[end].opens and self._tokens(first, end) >= LEAST_SHARE * even]
        return min(whole or fitting, key=lambda end: (abs(self._tokens(first, end) - even), end))

    def _stays(self, at: int) -> bool:
        """Whether a piece goes with the one behind it: a heading always, a short lead-in where the two fit into one passage."""
        piece = self._pieces[at]
        leads = piece.leads and piece.tokens <= LONGEST_LEAD * self._room and self._tokens(at, at + 2) <= self._room
        return piece.heading or leads

    def _tokens(self, first: int, last: int) -> int:
        return self._totals[last] - self._totals[first]

    def _most(self, first: int) -> int:
        """How far the room reaches."""
        end = first + 1
        while end < len(self._pieces) and self._tokens(first, end + 1) <= self._room:
            end += 1
        return end

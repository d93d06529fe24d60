"""Whether a loaded model may go on: it is open, its threads live in this process, and somebody still waits."""

from __future__ import annotations

import os

from ..errors import BackendError, ClosedError
from .calls import current_call

__all__ = ["Usable", "go_on"]


class Usable:
    """What whoever holds a model asks before it computes. Safe to share between threads."""

    def __init__(self, name: str) -> None:
        """`name`: what errors call it, as in "this embedder was closed"."""
        self._name = name
        self._process = os.getpid()
        self.closed = False

    @property
    def inherited(self) -> bool:
        """Whether this process got it by a fork, which its threads do not survive: a call would wait for ever."""
        return os.getpid() != self._process

    def check(self) -> None:
        """Raise ClosedError, BackendError in a forked child, AbandonedError or DeadlineError where nobody waits any more."""
        if self.closed:
            raise ClosedError(f"this {self._name} was closed; create a new one")
        if self.inherited:
            raise BackendError(
                f"this {self._name} was loaded before the process forked, and does not work in the child; create one in each process, "
                'or start processes with multiprocessing.get_context("spawn")'
            )
        go_on()


def go_on() -> None:
    """Raise AbandonedError or DeadlineError where nobody waits for the rest."""
    call = current_call.get()
    if call is not None:
        call.check()

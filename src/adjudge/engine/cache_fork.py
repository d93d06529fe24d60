"""Caches stand still while the process forks: a lock held by another thread would stay held in the child for ever."""

from __future__ import annotations

import os
import threading
import weakref

__all__ = ["Guarded"]

_LIVE: weakref.WeakSet[Guarded] = weakref.WeakSet()
_held: list[Guarded] = []
_forking = threading.RLock()


class Guarded:
    """Something with a lock that nobody holds when the process forks, so that parent and child both go on."""

    def __init__(self) -> None:
        """Take part in every fork from now on."""
        self.lock = threading.RLock()  # re-entrant: a signal handler or a log handler may ask for statistics
        _LIVE.add(self)

    def before_fork(self) -> None:
        """Let go of what must not cross a fork. Called with the lock held; must not raise."""


def _hold() -> None:
    global _held
    _forking.acquire()
    _held = list(_LIVE)
    for one in _held:
        one.lock.acquire()
        one.before_fork()


def _let_go() -> None:
    global _held
    while _held:
        _held.pop().lock.release()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)

"""Objects of a native runtime that a forked child inherits: freeing them would wait for threads that only the parent has."""

from __future__ import annotations

import ctypes
import os
import weakref

__all__ = ["NativeObjects"]

_LIVE: weakref.WeakSet[NativeObjects] = weakref.WeakSet()


class NativeObjects:
    """What a backend holds of a runtime with threads of its own. In a child that the process forks it is abandoned, never freed."""

    def __init__(self, *objects: object) -> None:
        """Hold these; they are freed with this object, or by free()."""
        self._objects = list(objects)
        self._inherited = False
        _LIVE.add(self)

    @property
    def inherited(self) -> bool:
        """Whether this process got them by a fork, so that they neither work nor can be freed here."""
        return self._inherited

    def free(self) -> None:
        """Let go of them. In a forked child they stay, for as long as it lives."""
        self._objects.clear()

    def abandon(self) -> None:
        """One reference more, which nobody gives back, so that no destructor ever runs: not on collection, and not at exit."""
        self._inherited = True
        for one in self._objects:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


def _abandon_all() -> None:
    for one in list(_LIVE):
        one.abandon()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_abandon_all)

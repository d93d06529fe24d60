"""Ctrl-C for work that should not be dropped in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .console import say

__all__ = ["first_interrupt"]


@contextmanager
def first_interrupt(message: str) -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C only says `message`, and what is yielded answers True from then on; the second one interrupts as usual."""
    asked = False

    def note(_signal: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say(message)

    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers, and only it is interrupted
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)

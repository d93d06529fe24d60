"""Hangup: ends a request from outside the thread that waits for its answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["Hangup"]


class Hangup:
    """Whether a request shall end, and the answer that it has got. Safe to share between threads."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = False
        self._response: httpx.Response | None = None
        self._lock = threading.RLock()  # a signal may ask in the middle of on_line()

    def ask(self) -> None:
        """End the request: whoever reads its answer meets the end of it at once. Before there is an answer, as soon as there is one."""
        with self._lock:
            self.asked = True
            self._hang_up()

    @contextmanager
    def on_line(self, response: httpx.Response) -> Iterator[None]:
        """While the block runs, it is this response that ask() ends."""
        with self._lock:
            self._response = response
            if self.asked:
                self._hang_up()
        try:
            yield
        finally:
            with self._lock:
                self._response = None

    def _hang_up(self) -> None:
        if self._response is None or self._response.is_closed:  # read to its end: its connection may be another request's by now
            return
        line = self._response.extensions["network_stream"].get_extra_info("socket")
        # To close a socket wakes nobody who waits for it, and ssl's own shutdown() pulls the cipher out from under a reader.
        with suppress(OSError):  # the server was faster
            socket.socket.shutdown(line, socket.SHUT_RDWR)

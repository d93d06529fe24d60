"""How much work a server has taken on, in pairs, and whether there is room for more."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from .faults import ServiceFault
from .protocols.dialect import Fault

__all__ = ["Places"]

SPAN_S = 30.0
"""How far back the pace is looked at."""

LONGEST_S = 60
"""No client is sent away for longer."""


class Places:
    """A bound on the pairs that are accepted and not yet done. Safe to use from many threads."""

    def __init__(self, most: int, *, told: Callable[[int, int], None] | None = None) -> None:
        """`told`: called with (pairs, requests) whenever they change."""
        self._most = most
        self._told = told
        self._pairs = self._requests = 0
        self._done: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    @property
    def pairs(self) -> int:
        """Accepted and not yet done."""
        return self._pairs

    @property
    def requests(self) -> int:
        """Accepted and not yet done."""
        return self._requests

    def take(self, pairs: int) -> None:
        """Room for so many. Raises ServiceFault (overloaded) where there is none, with the time after which there should be."""
        with self._lock:
            if self._pairs + pairs > self._most:
                waiting, wait = self._pairs, self._seconds_for(self._pairs + pairs - self._most)
                message = f"{waiting:,} pairs are waiting, and {pairs:,} more would be over the {self._most:,} that this server takes on"
                raise ServiceFault(Fault(kind="overloaded", message=f"{message}; come back in {wait} s", retry_after=wait))
            self._pairs += pairs
            self._requests += 1
        self._tell()

    def give_back(self, pairs: int) -> None:
        """They are done, or dropped."""
        with self._lock:
            self._pairs -= pairs
            self._requests -= 1
            now = time.monotonic()
            self._done.append((now, pairs))
            while self._done[0][0] < now - SPAN_S:
                self._done.popleft()
        self._tell()

    def _seconds_for(self, pairs: int) -> int:
        """How long so many pairs take at the pace of late; a second where nothing is known."""
        if not self._done:
            return 1
        span = max(time.monotonic() - self._done[0][0], 1.0)
        pace = sum(count for _, count in self._done) / span
        return min(max(1, math.ceil(pairs / pace)), LONGEST_S) if pace > 0 else LONGEST_S

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self._pairs, self._requests)

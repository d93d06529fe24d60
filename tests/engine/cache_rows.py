"""Keys and rows that tests of the cache know by heart, and the processes that fight over its file."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from adjudge.backends.base import Floats
from adjudge.engine.cache import ScoreCache
from adjudge.engine.cache_sqlite import SqliteCache

__all__ = ["fork_and_use", "key", "keys", "known", "put", "read_on", "row", "rows", "write_for_ever", "write_some"]


def key(number: int) -> bytes:
    """The key of entry `number`, as evenly spread as real ones."""
    return blake2b(str(number).encode(), digest_size=16).digest()


def keys(numbers: Iterable[int]) -> list[bytes]:
    return [key(number) for number in numbers]


def row(number: int, outputs: int = 1) -> Floats:
    """The only right row of entry `number`."""
    return np.sin(number * np.arange(1, outputs + 1) + 1).astype(np.float32)


def rows(numbers: Sequence[int], outputs: int = 1) -> Floats:
    return np.stack([row(number, outputs) for number in numbers])


def put(cache: ScoreCache, numbers: Sequence[int], outputs: int = 1) -> None:
    cache.put(keys(numbers), rows(numbers, outputs))


def known(cache: ScoreCache, numbers: Sequence[int], outputs: int = 1) -> set[int]:
    """Which entries the cache knows. Fails where it knows one wrongly."""
    found = cache.get(keys(numbers))
    assert len(found) == len(numbers)
    for number, values in zip(numbers, found, strict=True):
        if values is not None:
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values, row(number, outputs))
    return {number for number, values in zip(numbers, found, strict=True) if values is not None}


def write_some(path: Path, first: int, count: int, answer: Connection) -> None:
    """A process: write `count` entries from `first` on, in transactions of 50, and tell how often something went wrong."""
    cache = SqliteCache(path, wait_s=60)
    for begin in range(first, first + count, 50):
        put(cache, range(begin, begin + 50))
    faults = cache.statistics().last_fault
    cache.close()
    answer.send(faults)


def write_for_ever(path: Path, first: int, answer: Connection) -> None:
    """A process: write transactions of 200 entries until it is killed, telling each that is done."""
    cache = SqliteCache(path, wait_s=60)
    while True:
        put(cache, range(first, first + 200))
        first += 200
        answer.send(first)


def read_on(path: Path, numbers: Sequence[int], answer: Connection) -> None:
    """A process: read until every entry is there, and tell how often something went wrong."""
    cache = SqliteCache(path, wait_s=60)
    while len(known(cache, numbers)) < len(numbers):
        time.sleep(0.01)
    faults = cache.statistics().last_fault
    cache.close()
    answer.send(faults)


def fork_and_use(path: Path) -> None:
    """A process that forks with the file open and a thread writing; both sides use the cache, and part in several ways."""
    cache = SqliteCache(path, wait_s=60)
    put(cache, range(100))
    stop = threading.Event()
    thread = threading.Thread(target=_write_until, args=(cache, stop))
    thread.start()
    for child, leave in enumerate([_exit, _close, _die, _exit, _close, _die]):
        numbers = range(1000 * child + 1000, 1000 * child + 1050)
        pid = os.fork()
        if pid == 0:
            good = known(cache, range(100)) == set(range(100))
            put(cache, numbers)
            leave(cache, good and not cache.statistics().faults)
        _, status = os.waitpid(pid, 0)
        assert status == (signal.SIGKILL if leave is _die else 0), status
        assert known(cache, numbers) == set(numbers)
    stop.set()
    thread.join()
    assert cache.statistics().faults == 0, cache.statistics()
    cache.close()


def _write_until(cache: ScoreCache, stop: threading.Event) -> None:
    first = 10_000
    while not stop.is_set():
        put(cache, range(first, first + 20))
        first += 20


def _exit(_cache: ScoreCache, good: bool) -> None:
    os._exit(0 if good else 1)


def _close(cache: ScoreCache, good: bool) -> None:
    cache.close()
    os._exit(0 if good else 1)


def _die(_cache: ScoreCache, good: bool) -> None:
    if good:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(1)

"""Scores that were computed before: what a cache is, the one in memory, and what a caller may ask for."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ..backends.base import Floats
from ..errors import ConfigError
from .cache_fork import Guarded
from .cache_keys import identity, pair_key

__all__ = ["CacheStatistics", "MemoryCache", "ScoreCache", "finite_rows", "identity", "open_cache", "pair_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatistics:
    """What a cache holds, and what it met since it was made."""

    where: str  # "memory", or the file's path
    entries: int = 0
    bytes: int = 0  # in memory, or of the file and its log
    hits: int = 0  # keys that were asked for and known
    misses: int = 0  # keys that were asked for and not known
    evicted: int = 0  # entries given up to stay within the bound
    faults: int = 0  # times that the file could not be used and a request went on without it
    last_fault: str = ""  # why, the last time

    @property
    def hit_rate(self) -> float:
        """Share of the keys asked for that were known, 0..1; 0 where none was asked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


@runtime_checkable
class ScoreCache(Protocol):
    """Remembers rows of a model's outputs by key. Safe to use from many threads; never the reason that a request fails."""

    def get(self, keys: Sequence[bytes]) -> list[Floats | None]:
        """One row (outputs,) float32 a key, not to be written to; None where it is not known."""
        ...

    def put(self, keys: Sequence[bytes], rows: Floats) -> None:
        """Remember `rows`, (keys, outputs) float32. A key that is known keeps its row; rows with NaN or infinity are left out."""
        ...

    def statistics(self) -> CacheStatistics:
        """What it holds and what it met."""
        ...

    def close(self) -> None:
        """Let go of everything. Later calls find nothing and keep nothing. Safe to call twice."""
        ...


class MemoryCache(Guarded, ScoreCache):
    """Remembers up to `max_entries` rows; the one that was not used for longest makes room."""

    def __init__(self, max_entries: int = 100_000) -> None:
        """An entry takes about 200 bytes. Raises ConfigError unless `max_entries` is a whole number of 1 or more."""
        if isinstance(max_entries, bool) or not isinstance(max_entries, int) or max_entries < 1:
            raise ConfigError(f"a cache in memory needs a whole number of entries, 1 or more, not {max_entries!r}; None means no cache")
        self._most = max_entries
        self._rows: OrderedDict[bytes, bytes] = OrderedDict()  # bytes, because a view of an array would keep all of it alive
        self._bytes = 0
        self._hits = self._misses = self._evicted = 0
        self._closed = False
        super().__init__()

    def get(self, keys: Sequence[bytes]) -> list[Floats | None]:
        """One row a key, None where it is not known."""
        with self.lock:
            found = [self._rows.get(key) for key in keys]
            for key, row in zip(keys, found, strict=True):
                if row is not None:
                    self._rows.move_to_end(key)
            hits = len(found) - found.count(None)
            self._hits += hits
            self._misses += len(found) - hits
        return [None if row is None else np.frombuffer(row, "<f4").astype(np.float32, copy=False) for row in found]

    def put(self, keys: Sequence[bytes], rows: Floats) -> None:
        """Remember `rows`, (keys, outputs); those with NaN or infinity are left out."""
        fresh = finite_rows(keys, rows)
        with self.lock:
            if self._closed:
                return
            for key, row in fresh.items():
                if self._rows.setdefault(key, row) is row:
                    self._bytes += sys.getsizeof(key) + sys.getsizeof(row)
                else:
                    self._rows.move_to_end(key)
                if len(self._rows) > self._most:
                    gone = self._rows.popitem(last=False)
                    self._bytes -= sum(map(sys.getsizeof, gone))
                    self._evicted += 1

    def statistics(self) -> CacheStatistics:
        """What it holds and what it met."""
        with self.lock:
            return CacheStatistics(
                where="memory",
                entries=len(self._rows),
                bytes=self._bytes + sys.getsizeof(self._rows),
                hits=self._hits,
                misses=self._misses,
                evicted=self._evicted,
            )

    def close(self) -> None:
        """Forget everything. Later calls find nothing and keep nothing. Safe to call twice."""
        with self.lock:
            self._closed = True
            self._rows.clear()
            self._bytes = 0


def open_cache(value: str | Path | int | ScoreCache | None) -> ScoreCache | None:
    """The cache that a caller asked for.

    None or False: none. True or "memory": in memory; a whole number: in memory, with so many entries. A path: an SQLite file. A cache
    of your own making stays yours: whoever opens one here closes it, whoever hands one in keeps it. Raises ConfigError for the rest.
    """
    if value is None or value is False:
        return None
    if value is True or (isinstance(value, str) and value == "memory"):
        return MemoryCache()
    if isinstance(value, int):
        return MemoryCache(value)
    if isinstance(value, str | Path):
        from .cache_sqlite import SqliteCache  # here, because most programs never load SQLite

        return SqliteCache(value)
    if isinstance(value, ScoreCache) and not isinstance(value, type):
        return value
    raise ConfigError(
        f'cache must be True or "memory", a number of entries, the path of a file, a ScoreCache, or None for no cache, not {value!r}'
    )


def finite_rows(keys: Sequence[bytes], rows: Floats) -> dict[bytes, bytes]:
    """{key: little-endian float32 bytes} of the rows, (keys, outputs), that hold no NaN and no infinity."""
    values = np.asarray(rows, "<f4")
    found: dict[bytes, bytes] = {}
    for key, row, finite in zip(keys, values, np.isfinite(values).all(axis=1), strict=True):
        if finite:
            found.setdefault(key, row.tobytes())
    return found

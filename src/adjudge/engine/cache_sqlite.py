"""The score cache in an SQLite file, shared by threads and processes. Whatever happens to the file, requests go on without it."""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from ..backends.base import Floats
from ..errors import ConfigError
from .cache import CacheStatistics, ScoreCache, finite_rows
from .cache_faults import DamagedError, ForeignError, Kind, ReplacedError, kind_of
from .cache_file import FileId, connect, file_id, file_sizes, prepare, set_aside, wears_our_mark
from .cache_fork import Guarded
from .cache_table import count_entries, read_rows, write_rows

__all__ = ["SqliteCache"]

logger = logging.getLogger("adjudge")

T = TypeVar("T")

LEAST_BYTES = 2**20
_MOST_NOTED = 1024  # entries read since the last write, before they are written down for their own sake
_PAUSES_S: Mapping[Kind, float] = {"damaged": 0.0, "replaced": 0.0, "locked": 1.0, "foreign": 30.0, "unusable": 30.0}
"""Before the file is tried again."""

_SAID: Mapping[Kind, str] = {
    "damaged": "the score cache {path} is damaged: {reason}",
    "foreign": "scores are not cached, and {path} is left alone: {reason}. Give the cache a path of its own",
    "locked": "the score cache {path} is locked by another process: {reason}. Going on without it for a moment",
    "replaced": "the score cache {path} is begun anew: {reason}",
    "unusable": "the score cache {path} cannot be used: {reason}. Going on without it, and trying again from time to time",
}


class SqliteCache(Guarded, ScoreCache):
    """Remembers in a file, which is opened when it is first needed. Safe across threads, processes and forks.

    The file holds hashes and numbers, no text. It should lie on a local disk: SQLite's log does not work over a network. What was not
    used for longest is evicted, nearly: a use is written down only when the entry is among the older half.
    """

    def __init__(self, path: str | Path, *, max_bytes: int = 256 * 2**20, wait_s: float = 0.1) -> None:
        """`max_bytes`: of the file; SQLite's log beside it takes a few MB more while it is open. `wait_s`: for another process's lock.

        Raises ConfigError for settings that cannot be meant. A file that cannot be used is a fault that is counted, not an error.
        """
        self.path = _checked_path(path)
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < LEAST_BYTES:
            raise ConfigError(f"max_bytes of a cache file must be a whole number of {LEAST_BYTES} or more, not {max_bytes!r}")
        if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s < math.inf:
            raise ConfigError(f"wait_s must be a finite number of seconds, 0 or more, not {wait_s!r}")
        self._most_bytes = max_bytes
        self._wait_s = float(wait_s)
        self._connection: sqlite3.Connection | None = None
        self._file: FileId | None = None
        self._was_ours = False  # what lies at our path was opened and found good
        self._closed = False
        self._noted: set[bytes] = set()  # entries whose use is still to be written down
        self._hits = self._misses = self._evicted = self._faults = 0
        self._last_fault = ""
        self._told: set[Kind] = set()
        self._readable_from = self._writable_from = 0.0
        super().__init__()

    def get(self, keys: Sequence[bytes]) -> list[Floats | None]:
        """One row a key, None where it is not known or the file cannot be read."""
        found: dict[bytes, Floats] = {}
        if keys:
            found = self._attempt(lambda connection: self._read(connection, keys), nothing=found)
        rows = [found.get(key) for key in keys]
        with self.lock:
            hits = sum(row is not None for row in rows)
            self._hits += hits
            self._misses += len(rows) - hits
            due = len(self._noted) >= _MOST_NOTED
        if due:
            self._flush()
        return rows

    def put(self, keys: Sequence[bytes], rows: Floats) -> None:
        """Remember `rows`, (keys, outputs), in one transaction; those with NaN or infinity are left out."""
        fresh = finite_rows(keys, rows)
        if fresh:
            self._attempt(lambda connection: self._write(connection, fresh), nothing=None, writing=True)

    def statistics(self) -> CacheStatistics:
        """What the file holds, and what this object met since it was made. Entries are 0 while the file cannot be used."""
        entries = self._attempt(count_entries, nothing=0)
        with self.lock:
            return CacheStatistics(
                where=str(self.path),
                entries=entries,
                bytes=file_sizes(self.path),
                hits=self._hits,
                misses=self._misses,
                evicted=self._evicted,
                faults=self._faults,
                last_fault=self._last_fault,
            )

    def close(self) -> None:
        """Write down what was used and close the file. Later calls find nothing and keep nothing. Safe to call twice."""
        self._flush()
        with self.lock:
            self._closed = True
            self._disconnect()

    def before_fork(self) -> None:
        """Close the file, because no SQLite connection may be seen by two processes. Parent and child open it again for themselves."""
        self._disconnect()

    def _attempt(self, work: Callable[[sqlite3.Connection], T], *, nothing: T, writing: bool = False) -> T:
        """What `work` gives back, or `nothing` where the file cannot be used: the reason is counted, and told once."""
        with self.lock:
            ready = self._writable_from if writing else self._readable_from
            if self._closed or time.monotonic() < ready:
                return nothing
            try:
                return work(self._connected())
            except (sqlite3.Error, OSError, DamagedError, ForeignError, ReplacedError) as exc:
                kind, message = self._fault(exc, writing=writing)
            told = kind in self._told
            self._told.add(kind)
        if not told:  # outside the lock, because a log handler may do anything
            logger.warning("%s (said once; the cache's statistics count every fault)", message)
        return nothing

    def _read(self, connection: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, Floats]:
        found, aged = read_rows(connection, keys)
        if len(self._noted) < 4 * _MOST_NOTED:  # more only where they cannot be written down
            self._noted |= aged
        return found

    def _write(self, connection: sqlite3.Connection, fresh: dict[bytes, bytes]) -> None:
        self._evicted += write_rows(connection, fresh, used=self._noted, most_bytes=self._most_bytes)
        self._noted.clear()

    def _flush(self) -> None:
        if self._noted:
            self._attempt(lambda connection: self._write(connection, {}), nothing=None, writing=True)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None:
            if file_id(self.path) != self._file:
                raise ReplacedError("it was deleted or replaced while it was in use")
            return self._connection
        with ExitStack() as on_failure:
            connection = connect(self.path, wait_s=self._wait_s)
            on_failure.callback(connection.close)
            self._file = file_id(self.path)
            prepare(connection)
            on_failure.pop_all()
        self._connection = connection
        self._was_ours = True
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _fault(self, error: Exception, *, writing: bool) -> tuple[Kind, str]:
        """Count it, let go of the file, set it aside where it is ours and damaged, and decide when to try again."""
        kind, reason = kind_of(error), str(error)
        if kind != "locked":
            self._disconnect()
        if kind == "damaged":
            kind, reason = self._set_aside(reason)
        self._was_ours &= kind in ("locked", "unusable")
        self._faults += 1
        self._last_fault = _SAID[kind].format(path=self.path, reason=reason)
        self._writable_from = time.monotonic() + _PAUSES_S[kind]
        if not (writing and kind == "locked"):  # who cannot write may still read
            self._readable_from = self._writable_from
        return kind, self._last_fault

    def _set_aside(self, reason: str) -> tuple[Kind, str]:
        """Only what is surely ours: somebody may have given the path of a file that is dear to them."""
        if not (self._was_ours or wears_our_mark(self.path)):
            return "foreign", reason
        try:
            if file_id(self.path) != self._file:  # another process has set it aside already
                return "replaced", reason
            aside = set_aside(self.path)
        except OSError as exc:
            return "unusable", f"{reason}; it could not be set aside: {exc}"
        return "damaged", f"{reason}. It was set aside as {aside}, and a new one is begun"


def _checked_path(path: str | Path) -> Path:
    """The path made absolute, links followed, so that it stays the same file whatever the folder a program goes to."""
    text = str(path) if isinstance(path, str | Path) else ""
    if not text.strip() or "\0" in text or text == ":memory:":
        raise ConfigError(f'a cache file needs the path of a file, not {path!r}; for a cache in memory say "memory"')
    try:
        return Path(os.path.realpath(Path(text).expanduser()))
    except (OSError, RuntimeError, ValueError) as exc:  # ~nobody, no current folder
        raise ConfigError(f"a cache file needs the path of a file, not {path!r}: {exc}") from exc

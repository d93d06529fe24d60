"""What a cache file holds: rows by key, each with the tick of its last use. A tick is one transaction that wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple
from zlib import crc32

import numpy as np

from ..backends.base import Floats
from .cache_faults import DamagedError
from .cache_file import transaction

__all__ = ["count_entries", "read_rows", "write_rows"]

_CHUNK, _STEP = 256, 32  # keys of one SELECT, and the step of their number: few different statements, which SQLite remembers
_FIRST_PAGES = 16 * 4096  # bytes that the file takes before its first entry, with some to spare
_SPARE, _SPARE_SHARE = 32 * 1024, 16  # bytes evicted beyond need, at most 1/16 of the budget, so that not every write must evict
_MOST_EVICTED = 4096  # entries a write beyond those it needs, so that no request pays alone for a bound that was lowered
_PAGES_FREED = 256  # pages a write given back to the disk, for the same reason
_LEAST_CHARGE = 64
_LIMIT = 2**60  # no count comes near it, and sums of what lies below fit into SQLite's integers


class _State(NamedTuple):
    entries: int
    bytes: int  # what the entries are charged
    tick: int
    evicted: int = 0


def read_rows(connection: sqlite3.Connection, keys: Sequence[bytes]) -> tuple[dict[bytes, Floats], set[bytes]]:
    """The rows that are known, and those keys among them whose use should be written down: the older half, by the tick of last use.

    The rest was used lately enough: writing every use down would make each read a write.
    """
    tick = _state(connection).tick
    oldest = connection.execute("SELECT min(used) FROM scores").fetchone()[0]
    aged = tick if oldest is None else (_tick(oldest) + tick) / 2
    found: dict[bytes, Floats] = {}
    old: set[bytes] = set()
    for chunk in _chunks(list(dict.fromkeys(keys))):
        marks = ",".join("?" * len(chunk))
        for key, packed, used in connection.execute(f"SELECT key, row, used FROM scores WHERE key IN ({marks})", chunk):
            found[key] = _unpack(key, packed)
            if _tick(used) < aged:
                old.add(key)
    return found, old


def write_rows(connection: sqlite3.Connection, fresh: Mapping[bytes, bytes], *, used: Collection[bytes], most_bytes: int) -> int:
    """Note that `used` were used, make room, write `fresh` (equally long rows), all in one transaction. Gives how many were evicted.

    `most_bytes`: of the file. Keys that are known keep their rows.
    """
    with transaction(connection):
        state = _state(connection)
        tick = state.tick + 1
        connection.executemany("UPDATE scores SET used = ? WHERE key = ?", [(tick, key) for key in sorted(used)])
        # in the order of the keys, so that neighbours in the file are written together
        packed = sorted((key, _pack(key, row), tick) for key, row in fresh.items())
        if packed:
            state = _insert(connection, state, packed, budget=most_bytes - _FIRST_PAGES)
        values = (state.entries, state.bytes, tick)
        connection.execute("UPDATE state SET entries = ?, bytes = ?, tick = ? WHERE id = 0", values)
    _shrink(connection, most_bytes)
    return state.evicted


def count_entries(connection: sqlite3.Connection) -> int:
    """How many rows are known."""
    return _state(connection).entries


def _state(connection: sqlite3.Connection) -> _State:
    values = connection.execute("SELECT entries, bytes, tick FROM state WHERE id = 0").fetchone()
    if values is None or not all(isinstance(value, int) and 0 <= value < _LIMIT for value in values):
        raise DamagedError(f"its state is {values}")
    return _State(*values)


def _tick(value: object) -> int:
    if not isinstance(value, int):
        raise DamagedError(f"it holds an entry that was last used at {value!r}")
    return value


def _insert(connection: sqlite3.Connection, state: _State, packed: list[tuple[bytes, bytes, int]], *, budget: int) -> _State:
    """Write (key, packed row, tick) after making room for them. What is more than the whole budget is left out."""
    charge = _charge(len(packed[0][0]), len(packed[0][1]))
    packed = packed[: budget // charge]
    evicted = freed = 0
    need = state.bytes + charge * len(packed) - budget
    if need > 0:
        spare = min(_SPARE, budget // _SPARE_SHARE)
        evicted, freed = _evict(connection, need, spare=spare, most=_MOST_EVICTED + 4 * len(packed))
    added = connection.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?)", packed).rowcount
    return _State(state.entries + added - evicted, state.bytes + charge * added - freed, state.tick, evicted)


def _evict(connection: sqlite3.Connection, need: int, *, spare: int, most: int) -> tuple[int, int]:
    """Delete what was not used for longest until `need` and `spare` bytes are free, or `most` entries gone: (entries, bytes) that went."""
    most = min((need + spare) // _LEAST_CHARGE + 1, most)
    going: list[tuple[bytes]] = []
    freed = 0
    for key, *lengths in connection.execute("SELECT key, length(key), length(row) FROM scores ORDER BY used LIMIT ?", (most,)):
        if freed >= need + spare:
            break
        going.append((key,))
        freed += _charge(*lengths)
    if freed < need and len(going) < most:
        raise DamagedError("its state counts entries that are not there")
    connection.executemany("DELETE FROM scores WHERE key = ?", going)
    return len(going), freed


def _shrink(connection: sqlite3.Connection, most_bytes: int) -> None:
    """Give pages that hold nothing back to the disk where the file is too large, as it is after its bound was lowered."""
    (size,), (pages,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_size", "page_count"))
    if size * pages > most_bytes:
        with suppress(sqlite3.OperationalError):  # locked again: the next write will do it
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_FREED})")  # execute() would free a single page


def _charge(key: int, packed: int) -> int:
    """Bytes that an entry may take in the file: it stands in the table, its key once more in the index, and pages are not full."""
    # the state of the file is a sum of these: another formula needs another layout
    return 3 * (packed + 2 * key + 20) // 2


def _pack(key: bytes, row: bytes) -> bytes:
    """The row behind a checksum of key and row: SQLite does not notice when a disk turns a bit."""
    return crc32(row, crc32(key)).to_bytes(4, "little") + row


def _unpack(key: object, packed: object) -> Floats:
    if not isinstance(key, bytes) or not isinstance(packed, bytes) or len(packed) < 8 or len(packed) % 4:
        raise DamagedError("it holds an entry that is no row of numbers")
    row = packed[4:]
    if packed != _pack(key, row):
        raise DamagedError("it holds an entry whose checksum is wrong")
    return np.frombuffer(row, "<f4").astype(np.float32, copy=False)


def _chunks(keys: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Runs of keys whose number is a multiple of _STEP; the last is filled up with one of its own."""
    for first in range(0, len(keys), _CHUNK):
        chunk = list(keys[first : first + _CHUNK])
        yield chunk + chunk[-1:] * (-len(chunk) % _STEP)

"""The SQLite file of a cache: how it is laid out, opened, checked, and set aside when it is damaged."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from .cache_faults import DamagedError, ForeignError

__all__ = ["FileId", "connect", "file_id", "file_sizes", "prepare", "set_aside", "transaction", "wears_our_mark"]

FileId: TypeAlias = tuple[int, int]

_MARK = b"adjC"
"""PRAGMA application_id, bytes 68 to 71 of the file: tells whose database it is without opening it."""

_LAYOUT = 1
"""PRAGMA user_version. Another number: written by an adjudge that keeps its scores otherwise."""

_SCHEMA = (
    "CREATE TABLE scores (key BLOB PRIMARY KEY, row BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX scores_used ON scores (used)",
    "CREATE TABLE state (id INTEGER PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL, tick INTEGER NOT NULL)",
)
_SETTINGS = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",  # a mapped file that somebody cuts short kills the process
    "secure_delete = OFF",  # hashes and numbers are no secret, and some systems have it on
    "synchronous = NORMAL",
    f"journal_size_limit = {4 * 2**20}",
)
_MAGIC = b"SQLite format 3\0"
_MOST_ASIDE = 9


def connect(path: Path, *, wait_s: float) -> sqlite3.Connection:
    """Open or make the file; what it holds is not looked at yet. Statements wait up to `wait_s` for another's lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ForeignError("it is no plain file")
    return sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)  # the caller's lock guards it


def prepare(connection: sqlite3.Connection) -> None:
    """Lay out an empty file, check any other. Raises ForeignError, DamagedError or sqlite3.Error."""
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    if _is_empty(connection):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # so that the file can shrink when its bound is lowered
        with transaction(connection):
            if _is_empty(connection):  # another process may have been faster
                _lay_out(connection)
    _check(connection)
    if _first(connection, "PRAGMA journal_mode") != "wal":
        with suppress(sqlite3.OperationalError):  # in use at this moment: then whoever opens it next turns the log on
            connection.execute("PRAGMA journal_mode = WAL")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return _first(connection, "SELECT count(*) FROM sqlite_master") == 0 and _first(connection, "PRAGMA application_id") == 0


def _lay_out(connection: sqlite3.Connection) -> None:
    """Inside a transaction, the mark too: a process that is killed here leaves an empty file."""
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO state VALUES (0, 0, 0, 0)")
    connection.execute(f"PRAGMA application_id = {int.from_bytes(_MARK, 'big')}")
    connection.execute(f"PRAGMA user_version = {_LAYOUT}")


def _check(connection: sqlite3.Connection) -> None:
    if _first(connection, "PRAGMA application_id") != int.from_bytes(_MARK, "big"):
        raise ForeignError("it is the SQLite database of another program")
    layout = _first(connection, "PRAGMA user_version")
    if layout != _LAYOUT:
        raise ForeignError(f"it was written by another version of adjudge (layout {layout}; this version has layout {_LAYOUT})")
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if found != set(_SCHEMA):
        raise DamagedError("its tables are not those of a score cache")


def _first(connection: sqlite3.Connection, question: str) -> object:
    row = connection.execute(question).fetchone()
    return None if row is None else row[0]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is written inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    with ExitStack() as on_failure:
        on_failure.callback(_roll_back, connection)
        yield
        connection.execute("COMMIT")
        on_failure.pop_all()


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


def file_id(path: Path) -> FileId | None:
    """What stays the same while the file is the same; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def file_sizes(path: Path) -> int:
    """Bytes of the file and its log."""
    total = 0
    for part in (path, _beside(path, "-wal")):
        with suppress(OSError):
            total += part.stat().st_size
    return total


def wears_our_mark(path: Path) -> bool:
    """Whether the file begins as a score cache does, as far as it goes. One that does not may be anyone's."""
    try:
        with path.open("rb") as file:
            head = file.read(68 + len(_MARK))
    except OSError:
        return False
    return _MAGIC.startswith(head[:16]) and _MARK.startswith(head[68:])


def set_aside(path: Path) -> Path:
    """Rename a damaged file, and its log with it, to FILE.corrupt (FILE.corrupt-2, ...). Raises OSError where it cannot be."""
    numbers = ("", *(f"-{n}" for n in range(2, _MOST_ASIDE + 1)))
    free = [target for n in numbers if not (target := _beside(path, f".corrupt{n}")).exists()]
    if not free:
        raise FileExistsError(f"{_MOST_ASIDE} damaged caches lie beside it already; look at the disk, then delete them")
    for suffix in ("-shm", "-wal", ""):  # the file last: as long as it stands, nobody begins a new one beside the old log
        with suppress(FileNotFoundError):
            os.rename(_beside(path, suffix), _beside(free[0], suffix))
    return free[0]


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)

"""What can be wrong with a cache file, and how one tells."""

from __future__ import annotations

import sqlite3
from typing import Literal, TypeAlias

__all__ = ["DamagedError", "ForeignError", "Kind", "ReplacedError", "kind_of"]

Kind: TypeAlias = Literal["damaged", "foreign", "locked", "replaced", "unusable"]

_KINDS: dict[int, Kind] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_ERROR: "damaged",  # a table or column that was there when the file was opened is gone
    sqlite3.SQLITE_CONSTRAINT: "damaged",
    sqlite3.SQLITE_MISMATCH: "damaged",
}


class DamagedError(Exception):
    """The file holds what no cache ever wrote."""


class ForeignError(Exception):
    """The path leads to something that is no score cache of this adjudge, so it is left alone."""


class ReplacedError(Exception):
    """The file at the path is not the one that was opened."""


def kind_of(error: Exception) -> Kind:
    """What is wrong with a file that raised `error`."""
    if isinstance(error, ForeignError):
        return "foreign"
    if isinstance(error, DamagedError):
        return "damaged"
    if isinstance(error, ReplacedError):
        return "replaced"
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # an OSError, or Python's own: a text that is no UTF-8, where no text belongs
        return "damaged" if isinstance(error, sqlite3.OperationalError) else "unusable"
    return _KINDS.get(code & 0xFF, "unusable")  # the low byte is the kind, the rest its detail

"""The bytes of a file, or why there are none."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from .formats import Format
from .source import Reason, Skipped

__all__ = ["BROKEN", "File"]

BROKEN = (OSError, EOFError, zlib.error)
"""What reading may raise: the system's errors, and those of broken .gz files."""

BLOCK = 1 << 20
"""Bytes that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to be read."""

    path: Path
    name: str
    format: Format

    def read(self, limit: int) -> bytes | Skipped:
        """All bytes, unpacked where it ends in .gz; at most `limit`."""
        try:
            with self.open() as stream:
                data = stream.read(limit + 1)
        except BROKEN as exc:
            return self.failed(exc)
        if len(data) > limit:
            return self.skipped("too_large", f"has more than {limit:,} bytes; cut it, or raise max_bytes")
        return data if data.strip() else self.skipped("empty", "holds nothing")

    def open(self) -> BinaryIO:
        """The bytes as a stream, unpacked where it ends in .gz."""
        if self.path.suffix.lower() == ".gz":
            return cast(BinaryIO, gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def blocks(self) -> Iterator[bytes]:
        """The bytes, BLOCK at a time. Raises what is in BROKEN."""
        with self.open() as stream:
            while data := stream.read(BLOCK):
                yield data

    def skipped(self, reason: Reason, message: str) -> Skipped:
        """This file as one that was not read."""
        return Skipped(source=self.name, reason=reason, message=message)

    def failed(self, exc: Exception) -> Skipped:
        """This file as one that a `BROKEN` error kept from being read."""
        if isinstance(exc, FileNotFoundError):
            return self.skipped("missing", "is not there any more")
        if isinstance(exc, OSError) and not isinstance(exc, gzip.BadGzipFile):
            return self.skipped("denied", f"cannot be read: {exc.strerror or exc}")
        return self.skipped("damaged", f"is no sound .gz file: {exc}")

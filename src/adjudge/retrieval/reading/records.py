"""What jsonl and csv have in common: records, and lines that are read one at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .encoding import Decoded, NotText, decode, marked, whole_characters
from .file import BROKEN, File
from .source import Reason, Skipped

__all__ = ["LOST", "LOST_NOTE", "BadRecord", "Line", "Record", "find_encoding", "read_lines"]

LOST = "\ufffd"
LOST_NOTE = "holds U+FFFD, which stands for bytes that could not be read"


@dataclass(frozen=True, slots=True)
class Record:
    """A row and its fields."""

    number: int  # from 1, empty lines and the line of column names not counted
    line: int  # in the file, from 1
    fields: Mapping[str, Any]  # as they are written
    values: Mapping[str, Any]  # the same; of csv with numbers in columns that hold nothing else
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A row that cannot be used."""

    number: int
    line: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its break; too long ones are empty."""

    text: str
    too_long: bool = False


def find_encoding(file: File) -> Decoded | Skipped:
    """The encoding of a file, from the first part of it that is not ASCII; the text is of no use."""
    try:
        sample = _sample(file.blocks())
    except BROKEN as exc:
        return file.failed(exc)
    if not sample:
        return file.skipped("empty", "holds nothing")
    encoding = marked(sample)
    if encoding is not None:
        return Decoded("", encoding)
    found = decode(sample)
    return file.skipped(found.reason, found.message) if isinstance(found, NotText) else found


def _sample(blocks: Iterator[bytes]) -> bytes:
    """The first block that is not ASCII, and the next, for a character between them; else the last that is not blank, b"" if none."""
    sample = before = b""
    for block in blocks:
        if not block.isascii():
            sample = before[-1:] + block + next(blocks, b"")  # what follows a byte of text is no byte order mark
            return whole_characters(sample) if next(blocks, b"") else sample
        before = block
        sample = block if block.strip() else sample
    return sample


def read_lines(file: File, encoding: str, limit: int, *, newline: str) -> Iterator[Line]:
    """The lines, with what is not in the encoding replaced by U+FFFD. Raises what is in BROKEN."""
    ends = ("\n", "\r") if newline == "" else "\n"
    with file.open() as stream, io.TextIOWrapper(stream, encoding, errors="replace", newline=newline) as lines:
        while line := lines.readline(limit + 1):
            if len(line) <= limit:
                yield Line(line)
                continue
            while line and not line.endswith(ends):
                line = lines.readline(limit + 1)
            yield Line("", too_long=True)

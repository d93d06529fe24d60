"""JSONL and TSV files, plain or gzipped, a line at a time."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError

__all__ = ["decode", "numbered_lines", "text_of"]


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, numbered from 1, without a byte order mark. Raises InputError where the file cannot be read."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if content.strip():
                    yield number, content
    except (OSError, EOFError, ValueError, zlib.error) as exc:  # ValueError: NUL in the name
        raise InputError(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc


def text_of(line: bytes) -> str:
    """The line as text. Raises InputError where it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InputError(f"not UTF-8 (byte {exc.start} of the line); save the file in that encoding") from exc


def decode(line: bytes) -> Any:
    """The JSON value of a line. Raises InputError with what is wrong with it."""
    try:
        return json.loads(text_of(line))
    except json.JSONDecodeError as exc:
        raise InputError(f"not JSON ({exc.msg} at character {exc.pos}); each line must be one object") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, brackets nested thousands deep
        raise InputError(f"not JSON that can be read ({exc})") from exc

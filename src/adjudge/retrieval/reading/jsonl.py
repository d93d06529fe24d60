"""JSON Lines: an object, or a string, on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .file import BROKEN, File
from .records import LOST, LOST_NOTE, BadRecord, Record, find_encoding, read_lines
from .settings import ReadConfig
from .source import Skipped

__all__ = ["jsonl_records"]


def jsonl_records(file: File, config: ReadConfig) -> Iterator[Record | BadRecord | Skipped]:
    """One for each line with something on it; a Skipped where the file itself cannot be read (on)."""
    encoding = find_encoding(file)
    if isinstance(encoding, Skipped):
        yield encoding
        return
    number = 0
    try:
        for at, line in enumerate(read_lines(file, encoding.encoding, config.max_bytes, newline="\n"), 1):
            if line.too_long:
                number += 1
                yield BadRecord(number, at, "too_large", f"has more than {config.max_bytes:,} characters; cut it, or raise max_bytes")
            elif line.text.strip():
                number += 1
                notes = (*(encoding.notes if number == 1 else ()), *((LOST_NOTE,) if LOST in line.text else ()))
                yield _record(line.text, number, at, notes)
    except BROKEN as exc:
        yield file.failed(exc)


def _record(text: str, number: int, at: int, notes: tuple[str, ...]) -> Record | BadRecord:
    try:
        value: Any = json.loads(text, parse_constant=lambda _: None)  # NaN and Infinity are no JSON, and written all the same
    except json.JSONDecodeError as exc:
        return BadRecord(number, at, "bad_row", f"is not JSON ({exc.msg} at character {exc.pos}); each line must be one object")
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, brackets nested thousands deep
        return BadRecord(number, at, "bad_row", f"is not JSON that can be read ({exc})")
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, dict):
        return BadRecord(number, at, "bad_row", f"holds a JSON {type(value).__name__}; each line must be an object or a string")
    return Record(number, at, value, value, notes)

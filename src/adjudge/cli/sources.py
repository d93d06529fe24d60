"""Files, folders and standard input as text, each with a name and a format."""

from __future__ import annotations

import codecs
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import InputError

__all__ = ["ENDINGS", "STDIN", "InputFormat", "Source", "decode", "read_sources", "stdin_waits"]

logger = logging.getLogger("adjudge.cli")

InputFormat: TypeAlias = Literal["auto", "text", "lines", "json", "jsonl", "csv", "tsv"]

STDIN = "-"

ENDINGS: dict[str, InputFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv"}
"""How a file's name says what it is; any other file is "text": one document."""

_IN_FOLDERS = {".txt", ".md", ".rst", ".text"}
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True)
class Source:
    """One input, read."""

    name: str  # what messages and results call it: the path as given, "stdin"
    format: InputFormat  # never "auto"
    text: str


def read_sources(paths: Sequence[str], asked: InputFormat, *, piped: InputFormat) -> Iterator[Source]:
    """Each file, every text file below each folder, and standard input for "-", whose format is `piped` unless `asked`.

    Raises InputError for what cannot be read.
    """
    for given in paths:
        if given == STDIN:
            yield Source("stdin", piped if asked == "auto" else asked, decode(_read_stdin(), "stdin"))
            continue
        for path in _files(given):
            ending = ENDINGS.get(path.suffix.lower(), "text")
            yield Source(str(path), ending if asked == "auto" else asked, decode(_read(path), str(path)))


def stdin_waits() -> bool:
    """Whether something is piped into this process: standard input is there and is no terminal."""
    return sys.stdin is not None and not sys.stdin.closed and not sys.stdin.isatty()


def decode(data: bytes, name: str) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so. What is neither is replaced, and said so once."""
    encoding = next((e for mark, e in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        text = data.decode(encoding, errors="replace")
        logger.warning("%s is not valid %s (first at byte %d): what cannot be read became \ufffd", name, encoding.upper(), exc.start)
        return text


def _read_stdin() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise InputError('standard input is closed, so "-" cannot be read')
    return sys.stdin.buffer.read()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as exc:  # ValueError: NUL in the name
        raise InputError(f"cannot read {path}: {_reason(exc)}") from exc


def _files(given: str) -> list[Path]:
    path = Path(given)
    try:
        if not path.is_dir():
            return [path]
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _IN_FOLDERS and p.is_file() and not _hidden(p, path))
    except (OSError, ValueError) as exc:
        raise InputError(f"cannot read {given}: {_reason(exc)}") from exc
    if not found:
        raise InputError(f"the folder {given} holds no text files ({', '.join(sorted(_IN_FOLDERS))}); name other files one by one")
    return found


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _reason(exc: OSError | ValueError) -> str:
    return exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)

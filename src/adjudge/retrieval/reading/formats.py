"""Which files are read, and as what: by their endings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

__all__ = ["ENDINGS", "ROWS", "UNPACKED", "Format", "format_of"]

Format: TypeAlias = Literal["text", "markdown", "html", "pdf", "docx", "jsonl", "csv"]

ENDINGS: dict[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
"""How a file's name says what it is; all but .pdf and .docx may have .gz behind it."""

ROWS: frozenset[Format] = frozenset({"jsonl", "csv"})
"""Read a row at a time, however large the file is."""

UNPACKED: frozenset[Format] = frozenset({"pdf", "docx"})
"""Compressed inside already; no .gz is looked through."""


def format_of(path: Path) -> Format | None:
    """By the name alone, in small or capital letters; None for an ending that no reader knows."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packed = suffixes[-1:] == [".gz"]
    found = ENDINGS.get("".join(suffixes[-2:-1] if packed else suffixes[-1:]))
    return None if packed and found in UNPACKED else found

"""What reading gives: files that were found, texts with their structure, and what was passed over, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ..base import Scalar
from .formats import Format

__all__ = ["Block", "BlockKind", "FoundFile", "Reason", "Skipped", "Source"]

BlockKind: TypeAlias = Literal["heading", "prose", "code", "table"]
"""Prose is a paragraph or a list entry. Code and tables are kept whole where they fit."""

Reason: TypeAlias = Literal[
    "missing",  # no such file or folder, or gone between the walk and the reading
    "denied",  # the operating system refused
    "special",  # a socket, a pipe, a device
    "link",  # a symbolic link that was not followed
    "format",  # an ending that none of the readers knows
    "too_large",  # more bytes than are read at once
    "binary",  # no text at all
    "encoding",  # text in an encoding that could not be told
    "encrypted",  # needs a password
    "damaged",  # not what its ending says, or broken
    "bad_row",  # one row of a file; the others were read
    "empty",  # nothing in it
    "no_text",  # pictures only: a scanned PDF
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that can be read: read_source(found.path, found.root)."""

    path: Path
    root: Path  # the folder that was named; with several, the one that they have in common
    name: str  # POSIX path below the root; `source` of its chunks, but for the "#3" of rows
    format: Format
    size: int  # bytes
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file, or a row of one, that was not read; the others are."""

    source: str  # "reports/2021.pdf", "rows.jsonl#3"
    reason: Reason
    message: str  # what was found and what to do, a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """source.text[start:end]: one heading, paragraph, list entry, code block or table, without the white space around it."""

    start: int
    end: int
    kind: BlockKind
    level: int = 0  # of a heading: 1 is the outermost
    title: str = ""  # of a heading, without its marks
    page: int = 0  # where the format has pages, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One text that was read: a file, or a row of one."""

    name: str  # "guide/install.md", "rows.jsonl#3"
    format: Format
    text: str  # line breaks are "\n"; no lone surrogates
    blocks: tuple[Block, ...]  # in order, apart; all but white space is in one of them
    metadata: Mapping[str, Scalar] = field(default_factory=dict)  # title, language, columns of the row
    notes: tuple[str, ...] = ()  # what was not as it should be and was read all the same, a sentence each

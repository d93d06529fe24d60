"""What a source holds, one record after another: strings, or mappings from field to value."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ..csv_rows import csv_rows
from ..errors import InputError
from .sources import Source

__all__ = ["Record", "records"]

csv.field_size_limit(2**31 - 1)  # the default, 128 KiB a field, refuses long documents


@dataclass(frozen=True, slots=True)
class Record:
    """One line, row or file."""

    place: str  # "docs.jsonl:3", or the file's name where it is one document
    value: Any  # a string, a dict, or whatever else the JSON held


def records(source: Source) -> Iterator[Record]:
    """Every record. Raises InputError, with the place, for what is not of the source's format."""
    if source.format == "text":
        yield Record(source.name, source.text)
    elif source.format == "lines":
        for number, line in _lines(source.text):
            yield Record(f"{source.name}:{number}", line)
    elif source.format == "jsonl":
        for number, line in _lines(source.text):
            yield Record(f"{source.name}:{number}", _json(line, f"{source.name}, line {number}"))
    elif source.format == "json":
        yield from _array(source)
    else:
        yield from _table(source, "\t" if source.format == "tsv" else ",")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with something in them, numbered from 1. Not splitlines(), which also cuts at U+2028 and form feeds inside a text."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _array(source: Source) -> Iterator[Record]:
    value = _json(source.text, source.name)
    if not isinstance(value, list):
        raise InputError(f"{source.name} holds a JSON {type(value).__name__}, not an array; for one object a line use --input-format jsonl")
    for index, item in enumerate(value):
        yield Record(f"{source.name}[{index}]", item)


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)  # NaN and Infinity are no JSON; what is written in their place is null
    except (ValueError, RecursionError) as exc:
        raise InputError(f"{place} is not JSON: {exc}") from exc


def _table(source: Source, delimiter: str) -> Iterator[Record]:
    rows = csv_rows(source.text, delimiter, lambda line: f"{source.name}, line {line}")
    _, names = next(rows, (0, []))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{source.name} has the column {twice[0]!r} {names.count(twice[0])} times; rename all but one")
    for line, cells in rows:
        if len(cells) > len(names):
            raise InputError(
                f"{source.name}, line {line} has {len(cells)} cells under {len(names)} column names; quote cells that hold the separator"
            )
        yield Record(f"{source.name}:{line}", dict(zip_longest(names, cells)))

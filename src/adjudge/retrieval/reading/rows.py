"""Rows of jsonl and csv files as sources: one text for each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..base import Scalar
from .compose import Composer
from .encoding import clean
from .file import File
from .formats import Format
from .jsonl import jsonl_records
from .names import name_of_row
from .plain import plain_blocks
from .records import BadRecord, Record
from .settings import ReadConfig
from .source import Skipped, Source
from .table import table_records

__all__ = ["TEXT_FIELDS", "read_rows"]

TEXT_FIELDS = ("text", "passage", "content", "body", "document")
"""Where a row's text is looked for, unless a field is named."""

_INT64 = 1 << 63


def read_rows(file: File, config: ReadConfig) -> Iterator[Source | Skipped]:
    """A source for each row, in order, as the file is read; rows that cannot be used, and what stopped the reading, as Skipped."""
    records = jsonl_records(file, config) if file.format == "jsonl" else table_records(file, config)
    rows = 0
    for record in records:
        if isinstance(record, Skipped):
            yield record
            return
        rows += 1
        name = name_of_row(file.name, record.number)
        found = record if isinstance(record, BadRecord) else _source(name, file.format, record, config)
        if isinstance(found, BadRecord):
            yield Skipped(source=name, reason=found.reason, message=f"line {found.line}: {found.message}")
        else:
            yield found
    if not rows:
        yield file.skipped("empty", "holds no rows")


def _source(name: str, format_: Format, record: Record, config: ReadConfig) -> Source | BadRecord:
    fields = record.fields
    field = _text_field(fields, config)
    if field is not None and field not in fields:
        known = ", ".join(list(fields)[:12])
        return BadRecord(record.number, record.line, "bad_row", f"has no field {field!r}; it has: {known}")
    body = _as_lines(fields) if field is None else _as_text(fields[field])
    title_field = "title" if config.title_field is None else config.title_field
    title = _as_text(fields.get(title_field)).strip() if title_field != field and field is not None else ""
    if not body.strip() and not title:
        return BadRecord(record.number, record.line, "empty", "holds no text")
    composer = Composer()
    composer.add(title, "heading", level=1)
    composer.extend(body, plain_blocks(body), levels=1 if title else 0)
    left_out = () if field is None else (field,)
    return Source(
        name=name,
        format=format_,
        text=composer.text(),
        blocks=tuple(composer.blocks),
        metadata=_metadata(record.values, left_out),
        notes=record.notes,
    )


def _text_field(fields: Mapping[str, Any], config: ReadConfig) -> str | None:
    """None: the whole row is the text."""
    if config.text_field is not None:
        return config.text_field
    return next((name for name in TEXT_FIELDS if isinstance(fields.get(name), str) and fields[name].strip()), None)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _as_lines(fields: Mapping[str, Any]) -> str:
    """ "name: value" for each field that has one."""
    lines = ((name, _as_text(value).strip()) for name, value in fields.items())
    return "\n".join(f"{clean(name)}: {value}" for name, value in lines if value)


def _metadata(fields: Mapping[str, Any], left_out: tuple[str, ...]) -> Mapping[str, Scalar]:
    """The other fields; those of an object named "metadata" stand beside them. Lists and objects are kept as JSON."""
    inner = fields.get("metadata")
    merged = {**inner, **{k: v for k, v in fields.items() if k != "metadata"}} if isinstance(inner, dict) else fields
    found: dict[str, Scalar] = {}
    for name, value in merged.items():
        scalar = _scalar(value)
        if name not in left_out and scalar is not None:
            found[clean(name)] = scalar
    return found


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or (isinstance(value, int) and -_INT64 <= value < _INT64):
        return value
    text = _as_text(value).strip()
    return text if text else None

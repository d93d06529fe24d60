"""The documents of one `adjudge rank`: from arguments, files and standard input."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..types import Document, DocumentLike, Ranking
from .records import Record, records
from .sources import STDIN, InputFormat, Source, read_sources, stdin_waits

__all__ = ["Candidates", "ReadConfig", "read_candidates"]

logger = logging.getLogger("adjudge.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """How files and standard input are read."""

    format: InputFormat = "auto"
    text_field: str = "text"
    id_field: str = "id"


@dataclass(frozen=True, slots=True)
class Candidates:
    """Documents, and where each came from: documents[i] stood at places[i], "" for an argument."""

    documents: tuple[DocumentLike, ...]
    places: tuple[str, ...]
    text_field: str

    def explain(self, ranking: Ranking) -> Ranking:
        """The same ranking, its refusals naming the field that was looked for."""
        refused = (
            replace(r, message=f"document {r.index} has no field {self.text_field!r}; --field names the one that holds the text")
            if r.reason == "bad_mapping"
            else r
            for r in ranking.refused
        )
        return replace(ranking, refused=tuple(refused))


def read_candidates(arguments: Sequence[str], files: Sequence[str], config: ReadConfig) -> Candidates:
    """Arguments first, then files in the order given. Without either, standard input.

    Raises InputError when there is nothing to judge or a file cannot be read.
    """
    found: list[tuple[str, DocumentLike]] = [("", Document(text)) for text in arguments if text != STDIN]
    _hint_at_files(arguments)
    paths = [*([STDIN] if STDIN in arguments else []), *files]
    if not arguments and not files:
        if not stdin_waits():
            raise InputError("there are no documents: give them as arguments, with --file, or on standard input")
        paths = [STDIN]
    for source in read_sources(paths, config.format, piped="lines"):
        before = len(found)
        found.extend(_documents(source, config))
        if len(found) == before:
            logger.warning("%s holds no documents", source.name)
    if not found:
        raise InputError(f"there are no documents in {', '.join('standard input' if p == STDIN else p for p in paths)}")
    if len(found) == 1 and len(paths) == 1:
        _hint_at_lines(source)
    return Candidates(tuple(d for _, d in found), tuple(place for place, _ in found), config.text_field)


def _documents(source: Source, config: ReadConfig) -> Iterator[tuple[str, DocumentLike]]:
    missing: tuple[str, list[str]] | None = None
    some = False
    for record in records(source):
        has_text = not isinstance(record.value, dict) or config.text_field in record.value
        some = some or has_text
        if not has_text and missing is None:
            missing = (record.place, sorted(map(str, record.value)))
        yield record.place, _document(record, source, config)
    if missing is not None and not some:
        fields = ", ".join(missing[1][:12]) or "none"
        raise InputError(f"{source.name} has no field {config.text_field!r}; it has: {fields}. Choose with --field")


def _document(record: Record, source: Source, config: ReadConfig) -> DocumentLike:
    value = record.value
    if isinstance(value, dict):
        return _from_fields(value, config)
    name = source.name if source.format == "text" else None
    return Document(value, name)  # whatever is no text is refused by the engine, and the others go on


def _from_fields(fields: dict[str, Any], config: ReadConfig) -> DocumentLike:
    if config.text_field not in fields:
        return {key: value for key, value in fields.items() if key != "text"}
    rest = {key: value for key, value in fields.items() if key not in (config.text_field, config.id_field, "metadata")}
    metadata = fields.get("metadata")
    if isinstance(metadata, dict):
        rest = metadata | rest
    elif metadata is not None:
        rest["metadata"] = metadata
    identity = fields.get(config.id_field)
    return Document(fields[config.text_field], None if identity is None else str(identity), rest)


def _hint_at_files(arguments: Sequence[str]) -> None:
    """Say so when an argument is the name of a file, which `--file *.txt` makes of all but the first."""
    for text in arguments:
        if text != STDIN and _names_a_file(text):
            logger.warning("%r is judged as a text, though a file has that name; --file reads files, one for each --file", text)
            return


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # longer than any name, or NUL inside
        return False


def _hint_at_lines(source: Source) -> None:
    lines = source.text.count("\n")
    if source.format == "text" and lines > 1:
        logger.warning("%s is one document of %d lines; --input-format lines makes a document of each line", source.name, lines)

"""The pairs of one `adjudge score`: from two arguments, from files, or from standard input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from .records import Record, records
from .sources import STDIN, InputFormat, read_sources, stdin_waits

__all__ = ["Pair", "PairConfig", "read_pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConfig:
    """How files and standard input are read."""

    format: InputFormat = "auto"
    query_field: str = "query"
    passage_field: str | None = None  # None: "passage", else "text"
    id_field: str = "id"


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a passage, and where they stood ("" for arguments)."""

    query: str
    passage: str
    id: str | None
    place: str


def read_pairs(query: str | None, passage: str | None, files: Sequence[str], config: PairConfig) -> list[Pair]:
    """The pair of the arguments, then those of the files. Without either, standard input, one JSON object a line.

    A record that is no pair is an InputError that names its place.
    """
    if config.format in ("text", "lines"):
        raise InputError(f"pairs cannot be read from {config.format}; use jsonl, json, csv or tsv")
    if query == STDIN and passage is None:
        query, files = None, [STDIN, *files]
    if query is not None and passage is None:
        raise InputError("a query needs a passage: adjudge score QUERY PASSAGE. For many pairs use --file or standard input")
    found = [] if query is None or passage is None else [Pair(query, passage, None, "")]
    if not found and not files:
        if not stdin_waits():
            raise InputError("there are no pairs: give QUERY and PASSAGE, --file, or JSON lines on standard input")
        files = [STDIN]
    for source in read_sources(files, config.format, piped="jsonl"):
        if source.format == "text":
            raise InputError(f"{source.name} has no ending that tells its form; name it: --input-format jsonl, json, csv or tsv")
        found.extend(_pair(record, config) for record in records(source))
    if not found:
        raise InputError(f"there are no pairs in {', '.join('standard input' if f == STDIN else f for f in files)}")
    return found


def _pair(record: Record, config: PairConfig) -> Pair:
    value = record.value
    if isinstance(value, list) and len(value) == 2:
        value = {config.query_field: value[0], config.passage_field or "passage": value[1]}
    if not isinstance(value, dict):
        raise InputError(
            f"{record.place} is a JSON {type(value).__name__}; an object with a query and a passage, or [query, passage], is needed"
        )
    passage_field = config.passage_field
    if passage_field is None:
        passage_field = "passage" if "passage" in value else "text"
    query, passage = (_text(value, name, option, record.place) for name, option in _wanted(config, passage_field))
    identity = value.get(config.id_field)
    return Pair(query, passage, None if identity is None else str(identity), record.place)


def _wanted(config: PairConfig, passage_field: str) -> tuple[tuple[str, str], ...]:
    return (config.query_field, "--query-field"), (passage_field, "--passage-field")


def _text(fields: dict[str, object], name: str, option: str, place: str) -> str:
    if name not in fields:
        raise InputError(
            f"{place} has no field {name!r}; it has: {', '.join(sorted(map(str, fields))[:12]) or 'none'}. Choose with {option}"
        )
    value = fields[name]
    if not isinstance(value, str):
        raise InputError(f"{place}: the field {name!r} must be a text, not {type(value).__name__}")
    return value

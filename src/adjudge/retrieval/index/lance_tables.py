"""The two tables of an index in LanceDB: their columns, and rows to and from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtraError
from ..reading.chunk import Chunk
from .base import IndexedSource
from .filters import KINDS, by_kind
from .lance_published import PASSAGES, SOURCES
from .passages import metadata_of, terms_of

__all__ = [
    "LEAST_TO_TRAIN",
    "add_search_indices",
    "add_vector_index",
    "connect",
    "create_tables",
    "passage_rows",
    "passage_schema",
    "source_rows",
    "to_sources",
]

LEAST_TO_TRAIN = 1024
"""Product quantisation learns 256 centres; LanceDB refuses to with fewer vectors than that."""


def connect(folder: Path) -> Any:
    """The database in `folder`. Raises MissingExtraError without LanceDB."""
    try:
        import lancedb
    except ImportError:
        raise MissingExtraError(package="lancedb", extra="search", what="an index on disk") from None
    return lancedb.connect(folder)


def create_tables(database: Any, dimensions: int) -> tuple[Any, Any]:
    """Both tables, empty, with a full-text index that grows with them."""
    from lancedb.index import FTS

    passages = database.create_table(PASSAGES, schema=passage_schema(dimensions))
    plain: dict[str, Any] = {
        "lower_case": False,
        "stem": False,
        "remove_stop_words": False,
        "ascii_folding": False,
        "max_token_length": None,
    }
    passages.create_index("terms", config=FTS(base_tokenizer="whitespace", **plain))
    return passages, database.create_table(SOURCES, schema=_source_schema())


def passage_schema(dimensions: int) -> Any:
    """A row a passage."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    columns = {"id": text, "key": text, "source": text, "position": number, "start_at": number, "end_at": number}
    columns |= {"headings": pa.list_(text), "text": text, "terms": text, "metadata": text}
    columns |= dict.fromkeys(KINDS, pa.json_()) | {"vector": pa.list_(pa.float32(), dimensions)}
    return pa.schema(columns)


def passage_rows(key: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> Any:
    """An Arrow table of passages. `vectors`: (chunks, dimensions)."""
    import pyarrow as pa

    rows = [_row(key, chunk) for chunk in chunks]
    schema = passage_schema(vectors.shape[1])
    held = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).reshape(-1)), vectors.shape[1])
    columns = [_column([row[field.name] for row in rows], field) for field in list(schema)[:-1]]
    return pa.Table.from_arrays([*columns, held], schema=schema)


def source_rows(sources: Sequence[IndexedSource]) -> Any:
    """An Arrow table of sources."""
    import pyarrow as pa

    return pa.Table.from_pylist([{"key": source.key} | asdict(source) for source in sources], schema=_source_schema())


def to_sources(table: Any) -> dict[str, IndexedSource]:
    """All sources of the table, by key."""
    names = [field.name for field in fields(IndexedSource)]
    found = (IndexedSource(**row) for row in table.search().select(names).to_arrow().to_pylist())
    return {source.key: source for source in found}


def add_vector_index(passages: Any, dimensions: int) -> None:
    """An approximate index over the vectors, if there is none yet: cells (IVF), one bit a dimension in them (RabitQ, Gao and Long 2024).

    Product quantisation finds the same and takes minutes where this takes seconds (docs/experiments.md). RabitQ needs multiples of 8
    dimensions; vectors of others are kept whole in their cells.
    """
    from lancedb.index import IvfFlat, IvfRq

    if any(index.columns == ["vector"] for index in passages.list_indices()):
        return
    kind = IvfFlat if dimensions % 8 else IvfRq
    passages.create_index("vector", config=kind(distance_type="cosine"))


def add_search_indices(passages: Any) -> None:
    """Indices for looking passages up by id and by source, if there are none yet."""
    from lancedb.index import BTree

    known = {column for index in passages.list_indices() for column in index.columns}
    for column in ("id", "key"):
        if column not in known:
            passages.create_index(column, config=BTree())


def _source_schema() -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    columns = {"key": text, "source": text, "part": number, "last": pa.bool_(), "size": number, "modified_ns": number}
    return pa.schema(columns | {"digest": text, "chunks": number})


def _row(key: str, chunk: Chunk) -> Mapping[str, Any]:
    metadata = metadata_of(chunk)
    kinds = {kind: json.dumps(part, ensure_ascii=False) for kind, part in by_kind(metadata).items()}
    place = {"start_at": chunk.start, "end_at": chunk.end, "position": chunk.position, "headings": list(chunk.headings)}
    texts = {"text": chunk.text, "terms": " ".join(terms_of(chunk)), "metadata": json.dumps(metadata, ensure_ascii=False)}
    return {"id": chunk.id, "key": key, "source": chunk.source} | place | texts | kinds


def _column(values: list[Any], field: Any) -> Any:
    import pyarrow as pa

    if field.name in KINDS:
        return pa.ExtensionArray.from_storage(field.type, pa.array(values, field.type.storage_type))
    return pa.array(values, field.type)

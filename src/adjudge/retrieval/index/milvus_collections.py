"""The two collections of an index in Milvus: passages, and what is known about them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import AdjudgeError, IndexDamagedError, IndexNotFoundError, InputError
from ..reading.chunk import Chunk
from .base import IndexedSource, IndexFacts
from .filters import KINDS, by_kind, milvus_list
from .passages import metadata_of, terms_of
from .stored_facts import stored_facts

__all__ = ["STRONG", "Collections", "State", "coded", "create_collections", "passage_rows", "source_id", "source_row", "waiting_row"]

MOST_BYTES = 65_535
"""Of a text in Milvus."""

MOST_ROWS = 16_384
"""Of one answer; more come page by page."""

STRONG: Mapping[str, Any] = {"consistency_level": "Strong"}
"""What was written before is read, on whichever node it landed."""

_PLAIN = re.compile(r"(?!zz)[a-z0-9]+")
_STATE, _FACTS, _SOURCE, _WAITING = "state", "facts", "source", "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What readers may see: passages up to this batch, but for those of `replaced` sources that an earlier batch brought."""

    batch: int = 0
    replaced: tuple[str, ...] = ()

    def shows(self, key: str, batch: int) -> bool:
        """Whether what this batch brought of a source may be seen."""
        return batch <= self.batch and not (key in self.replaced and batch < self.batch)

    def condition(self) -> str:
        """The same, as Milvus has it."""
        seen = f"batch <= {self.batch}"
        if not self.replaced:
            return seen
        return f"{seen} and not (key in {milvus_list(self.replaced)} and batch < {self.batch})"


class Collections:
    """A client, and the names of the two collections of one index."""

    def __init__(self, client: Any, name: str) -> None:
        """Raises nothing: whether there is such an index is asked with exists()."""
        self.client = client
        self.passages = name
        self.known = f"{name}_known"

    def exists(self) -> bool:
        """Whether the index was made to its end."""
        return self._load() and bool(self._get(_FACTS))

    def drop(self) -> None:
        """Throw the index away, what is left of one too."""
        for name in (self.known, self.passages):  # the facts go first: what is half gone is no index
            if self.client.has_collection(name):
                self.client.drop_collection(name)

    def facts(self) -> IndexFacts:
        """What it is made with. Raises IndexNotFoundError."""
        held = self._get(_FACTS) if self._load() else []
        if not held:
            raise IndexNotFoundError(f"Milvus holds no finished index called {self.passages!r}; make one with `adjudge index build`")
        place = f"the index {self.passages!r} in Milvus"
        try:
            return stored_facts(json.loads(held[0]["body"]), place)
        except (TypeError, KeyError, ValueError, RecursionError) as exc:
            if isinstance(exc, AdjudgeError):
                raise
            raise IndexDamagedError(f"{place} is not what adjudge wrote there ({exc!r}); build it again with --rebuild") from exc

    def state(self) -> State:
        """What may be seen now."""
        held = json.loads(self._get(_STATE)[0]["body"])
        return State(batch=held["batch"], replaced=tuple(held["replaced"]))

    def publish(self, state: State) -> None:
        """Let it be seen, all at once: Milvus replaces a single row as a whole."""
        self.put([_known(_STATE, state.batch, asdict(state))])

    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows of the second collection."""
        for first in range(0, len(rows), 500):
            self.client.upsert(self.known, list(rows[first : first + 500]))

    def sources(self) -> list[tuple[IndexedSource, int]]:
        """All records of sources with the batch that brought them, older ones first: a key may have one that waits beside its own."""
        return sorted(self._records(_SOURCE, _WAITING), key=lambda record: record[1])

    def settle(self, published: int) -> None:
        """Let records that waited take the place of the old ones where their batch was published, and throw the others away."""
        waiting = self._records(_WAITING)
        self.put([source_row(source, batch) for source, batch in waiting if batch <= published])
        for first in range(0, len(waiting), 200):
            self.client.delete(self.known, ids=[_waiting_id(source.key) for source, _ in waiting[first : first + 200]])

    def _records(self, *kinds: str) -> list[tuple[IndexedSource, int]]:
        rows = self.rows(self.known, f"kind in {milvus_list(kinds)}", ["body", "batch"])  # in one answer: settle() moves them
        return [(IndexedSource(**json.loads(row["body"])), int(row["batch"])) for row in rows]

    def rows(self, collection: str, condition: str, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """All rows that a condition lets through."""
        wanted = {"filter": condition, "output_fields": list(fields), **STRONG}
        few = self.client.query(collection, limit=MOST_ROWS, **wanted)
        if len(few) < MOST_ROWS:
            yield from few
            return
        pages = self.client.query_iterator(collection, batch_size=1000, **wanted)
        try:
            while page := pages.next():
                yield from page
        finally:
            pages.close()

    def _load(self) -> bool:
        """Both into Milvus's memory, if they are there: it answers from nowhere else."""
        if not all(self.client.has_collection(name) for name in (self.known, self.passages)):
            return False
        for name in (self.known, self.passages):
            self.client.load_collection(name)
        return True

    def _get(self, kind: str) -> list[Mapping[str, Any]]:
        return list(self.client.query(self.known, filter=f'id == "{kind}"', output_fields=["body", "batch"], limit=1, **STRONG))


def create_collections(collections: Collections, facts: IndexFacts) -> None:
    """Make both, empty; the facts are written last, and make it an index."""
    client = collections.client
    client.create_collection(collections.passages, schema=_passage_schema(client, facts.dimensions), index_params=_passage_indices(client))
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    _texts(schema, id=128, kind=16, body=MOST_BYTES)
    _numbers(schema, "batch")
    _vector(schema, "unused", 2)  # Milvus takes no collection without vectors
    indices = client.prepare_index_params()
    indices.add_index("unused", index_type="FLAT", metric_type="L2")
    client.create_collection(collections.known, schema=schema, index_params=indices)
    collections.publish(State())
    collections.put([_known(_FACTS, 0, asdict(facts))])


def source_row(source: IndexedSource, batch: int) -> dict[str, Any]:
    """A source as a row of the second collection."""
    return _known(_SOURCE, batch, asdict(source), source_id(source.key))


def waiting_row(source: IndexedSource, batch: int) -> dict[str, Any]:
    """The same until its batch is published, beside the old record, which counts until then."""
    return _known(_WAITING, batch, asdict(source), _waiting_id(source.key))


def _waiting_id(key: str) -> str:
    return f"waiting {source_id(key)}"


def source_id(key: str) -> str:
    """Names may be longer than what Milvus takes for an id."""
    return hashlib.sha256(key.encode()).hexdigest()


def passage_rows(key: str, batch: int, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Chunks as rows of the first collection. Raises InputError for one that Milvus cannot hold whole."""
    return [_row(key, batch, chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)]


def coded(terms: Sequence[str]) -> str:
    """Terms in letters and digits only, so that every analyser of every Milvus leaves them as they are; different ones stay different."""
    return " ".join(term if _PLAIN.fullmatch(term) else "zz" + _base32(term) for term in terms)


def _base32(term: str) -> str:
    return base64.b32encode(term.encode()).decode("ascii").rstrip("=").lower()


def _passage_schema(client: Any, dimensions: int) -> Any:
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    _texts(schema, row=600, id=512, key=8192, source=8192, text=MOST_BYTES, metadata=MOST_BYTES, headings=MOST_BYTES)
    _numbers(schema, "batch", "position", "start_at", "end_at")
    for kind in KINDS:
        schema.add_field(kind, DataType.JSON)
    schema.add_field("terms", DataType.VARCHAR, max_length=MOST_BYTES, enable_analyzer=True, analyzer_params={"tokenizer": "standard"})
    schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
    _vector(schema, "vector", dimensions)
    schema.add_function(Function("bm25", FunctionType.BM25, input_field_names=["terms"], output_field_names=["words"]))
    return schema


def _passage_indices(client: Any) -> Any:
    indices = client.prepare_index_params()
    indices.add_index("vector", index_type="AUTOINDEX", metric_type="COSINE")
    indices.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={"bm25_k1": 1.2, "bm25_b": 0.75})
    return indices


def _texts(schema: Any, **most: int) -> None:
    from pymilvus import DataType

    for position, (name, length) in enumerate(most.items()):
        schema.add_field(name, DataType.VARCHAR, max_length=length, is_primary=position == 0)


def _numbers(schema: Any, *names: str) -> None:
    from pymilvus import DataType

    for name in names:
        schema.add_field(name, DataType.INT64)


def _vector(schema: Any, name: str, dimensions: int) -> None:
    from pymilvus import DataType

    schema.add_field(name, DataType.FLOAT_VECTOR, dim=dimensions)


def _known(kind: str, batch: int, body: Mapping[str, Any], row_id: str | None = None) -> dict[str, Any]:
    held = {"id": kind if row_id is None else row_id, "kind": kind, "batch": batch, "unused": [0.0, 0.0]}
    return held | {"body": json.dumps(body, ensure_ascii=False)}


def _row(key: str, batch: int, chunk: Chunk, vector: NDArray[np.float32]) -> dict[str, Any]:
    metadata = metadata_of(chunk)
    texts = {"text": chunk.text, "terms": coded(terms_of(chunk)), "metadata": json.dumps(metadata, ensure_ascii=False)}
    texts["headings"] = json.dumps(chunk.headings, ensure_ascii=False)
    for name, text in texts.items():
        if len(text.encode()) > MOST_BYTES:
            said = f"the {name} of {chunk.source!r}, passage {chunk.position}, has {len(text.encode()):,} bytes"
            raise InputError(f"{said}, and Milvus holds {MOST_BYTES:,} of one; cut passages smaller (--max-tokens)")
    place = {"source": chunk.source, "position": chunk.position, "start_at": chunk.start, "end_at": chunk.end}
    row = f"{batch}:{chunk.id}"  # the old and the new one of a replaced passage stand side by side until the new one is published
    return {"row": row, "id": chunk.id, "key": key, "batch": batch, "vector": vector.tolist()} | place | texts | by_kind(metadata)

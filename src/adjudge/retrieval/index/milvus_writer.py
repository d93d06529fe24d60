"""Writing to an index in Milvus, which has no transactions: one row says which batches count, and is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ClosedError, InputError
from ..reading.chunk import Chunk
from .base import ANN_FROM, IndexedSource, IndexFacts
from .filters import milvus_list
from .lock import WriterLock
from .milvus_collections import Collections, State, create_collections, passage_rows, source_id, waiting_row
from .milvus_lease import Lease
from .milvus_uri import MilvusAddress
from .passages import require_vectors

__all__ = ["MilvusWriter", "create_milvus"]

ROWS_AT_ONCE = 500
"""A message to Milvus holds 64 MiB."""

KEYS_AT_ONCE = 200
"""In one expression."""

CHANGED = "changed"
"""Digest of a source whose passages were written by a writer that died: unlike every other, so that it is read again."""


def create_milvus(collections: Collections, facts: IndexFacts, address: MilvusAddress, *, rebuild: bool) -> None:
    """Make an empty index, unless there is one. `rebuild`: throw away what is there."""
    lock = _file_lock(address)
    try:
        if collections.exists() and not rebuild:
            return
        if collections.exists():
            lease = _lease(collections, address)  # refuses where somebody writes
            if lease is not None:
                lease.release()
        collections.drop()
        create_collections(collections, facts)
    finally:
        if lock is not None:
            lock.release()


class MilvusWriter:
    """The writer of a MilvusIndex."""

    def __init__(self, collections: Collections, facts: IndexFacts, address: MilvusAddress) -> None:
        """Become the only writer, and take back what a writer that died left unpublished."""
        self._held, self._facts = collections, facts
        self._closed = False
        self._file_lock = _file_lock(address)
        self._lease: Lease | None = None
        with ExitStack() as undo:
            undo.callback(self.close)
            self._lease = _lease(collections, address)
            self._begin()
            undo.pop_all()

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        return dict(self._sources)

    def remove(self, keys: Sequence[str]) -> None:
        """Take sources and their passages out."""
        self._require_writing()
        known = [key for key in keys if key in self._sources or key in self._unrecorded]
        self._delete([key for key in known if key in self._added], f"batch == {self._batch}")
        holders: tuple[dict[str, Any], ...] = (self._sources, self._recorded, self._unrecorded, self._added)
        for key in known:
            self._gone[key] = None
            for held in holders:
                held.pop(key, None)

    def add(self, key: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        """More passages of a source."""
        self._require_writing()
        rows = passage_rows(key, self._batch, chunks, require_vectors(chunks, vectors, self._facts.dimensions))
        for first in range(0, len(rows), ROWS_AT_ONCE):
            self._held.client.upsert(self._held.passages, rows[first : first + ROWS_AT_ONCE])
        if rows:
            self._unrecorded[key] = self._added[key] = None

    def record(self, source: IndexedSource) -> None:
        """All passages of this source were added."""
        self._require_writing()
        self._sources[source.key] = self._recorded[source.key] = source
        self._unrecorded.pop(source.key, None)

    def commit(self) -> None:
        """Publish all that was done since the last commit."""
        self._require_writing()
        if self._unrecorded:
            raise InputError(f"{next(iter(self._unrecorded))!r} has passages and no record, so it is not whole")
        if not (self._recorded or self._gone):
            return
        self._held.put([waiting_row(source, self._batch) for source in self._recorded.values()])
        self._publish(State(batch=self._batch, replaced=tuple(self._gone)))

    def optimise(self, *, ann_from: int = ANN_FROM) -> None:
        """Commit; Milvus keeps its indices up to date by itself. `ann_from` means nothing here: AUTOINDEX decides."""
        self.commit()
        self._held.client.flush(self._held.passages)

    def close(self) -> None:
        """Let others write. Safe to call twice."""
        self._closed = True
        if self._lease is not None:
            self._lease.release()
        if self._file_lock is not None:
            self._file_lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self) -> None:
        state = self._held.state()
        self._held.client.delete(self._held.passages, filter=f"batch > {state.batch}")
        self._sources: dict[str, IndexedSource] = {}
        self._held.settle(state.batch)
        for source, batch in self._held.sources():
            if batch > state.batch:  # written in the old one's place, as versions before this one did
                self._sources[source.key] = replace(source, digest=CHANGED, size=-1)
            elif state.shows(source.key, batch):
                self._sources[source.key] = source
        self._start_batch(state.batch)
        if state.replaced:
            for key in state.replaced:
                self._gone[key] = None
            self._clean(state)

    def _start_batch(self, published: int) -> None:
        self._batch = published + 1
        self._recorded: dict[str, IndexedSource] = {}
        self._unrecorded: dict[str, None] = {}  # keys with passages that no record() has spoken of yet
        self._added: dict[str, None] = {}
        self._gone: dict[str, None] = {}

    def _publish(self, state: State) -> None:
        self._held.publish(state)
        self._clean(state)

    def _clean(self, state: State) -> None:
        """Delete what the published state has replaced, and start the next batch."""
        self._delete(list(self._gone), f"batch < {state.batch}")
        forgotten = [source_id(key) for key in self._gone if key not in self._sources]
        for first in range(0, len(forgotten), KEYS_AT_ONCE):
            self._held.client.delete(self._held.known, ids=forgotten[first : first + KEYS_AT_ONCE])
        self._held.settle(state.batch)
        if state.replaced:
            self._held.publish(State(batch=state.batch))
        self._start_batch(state.batch)

    def _delete(self, keys: Sequence[str], condition: str) -> None:
        for first in range(0, len(keys), KEYS_AT_ONCE):
            named = milvus_list(keys[first : first + KEYS_AT_ONCE])
            self._held.client.delete(self._held.passages, filter=f"key in {named} and {condition}")

    def _require_writing(self) -> None:
        if self._closed:
            raise ClosedError("this writer was closed; ask the index for another one")
        if self._lease is not None:
            self._lease.require()


def _file_lock(address: MilvusAddress) -> WriterLock | None:
    """For Milvus in a file, the operating system knows whether a writer lives."""
    return None if address.file is None else WriterLock(address.file.with_name(f"{address.file.name}.lock"), what=str(address))


def _lease(collections: Collections, address: MilvusAddress) -> Lease | None:
    return Lease(collections, what=str(address)) if address.file is None else None

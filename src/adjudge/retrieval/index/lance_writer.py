"""Writing to an index in LanceDB: rows pile up in new versions of its tables, and count from the moment they are published."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ClosedError, ConfigError, IndexDamagedError, IndexNotFoundError, InputError
from ..reading.chunk import Chunk
from .base import ANN_FROM, IndexedSource, IndexFacts
from .filters import quoted
from .folders import no_place
from .lance_published import FILE_NAME, PASSAGES, REBUILD, SOURCES, Published, files_below, publish, read_published, without_files
from .lance_tables import (
    LEAST_TO_TRAIN,
    add_search_indices,
    add_vector_index,
    connect,
    create_tables,
    passage_rows,
    source_rows,
    to_sources,
)
from .lock import WriterLock
from .passages import require_vectors

__all__ = ["LanceWriter", "create_lance"]

ROWS_AT_ONCE = 8192
"""Passages that are written together: fewer make many small files, more need more memory."""

KEYS_AT_ONCE = 500

KEEP = timedelta(minutes=5)
"""How long files of replaced states stay for readers that are in the middle of a question."""

LOCK = "writer.lock"


def create_lance(folder: Path, facts: IndexFacts, *, rebuild: bool) -> None:
    """Make an empty index in `folder`, unless there is one. `rebuild`: throw away what is there, also where it is damaged.

    Raises ConfigError for a folder that holds anything else, and for what is no folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if rebuild or not (folder / FILE_NAME).exists():
            _require_ours(folder)
    except OSError as exc:
        raise no_place(folder, exc) from exc
    lock = WriterLock(folder / LOCK, what=f"the index in {folder}")
    try:
        if not rebuild and _finished(folder):
            return
        publish(folder, Published(facts=facts))  # from here on a crash leaves a build that can be begun again
        for name in (PASSAGES, SOURCES):
            shutil.rmtree(folder / f"{name}.lance", ignore_errors=True)
        passages, sources = create_tables(connect(folder), facts.dimensions)
        publish(folder, Published(facts=facts, passages=passages.version, sources=sources.version, files=files_below(folder)))
    finally:
        lock.release()


class LanceWriter:
    """The writer of a LanceIndex."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, and take back what a writer that died left unpublished."""
        self._folder = folder
        self._lock = WriterLock(folder / LOCK, what=f"the index in {folder}")
        self._closed = False
        with ExitStack() as undo:
            undo.callback(self.close)
            self._begin()
            undo.pop_all()

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        return dict(self._sources)

    def remove(self, keys: Sequence[str]) -> None:
        """Take sources and their passages out."""
        self._require_open()
        known = [key for key in keys if key in self._sources or key in self._unrecorded]
        holders: tuple[dict[str, Any], ...] = (self._sources, self._recorded, self._unrecorded, self._rows)
        for key in known:
            self._gone[key] = self._doomed[key] = None
            for held in holders:
                held.pop(key, None)

    def add(self, key: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        """More passages of a source."""
        self._require_open()
        checked = require_vectors(chunks, vectors, self._facts.dimensions)
        if chunks:
            self._rows.setdefault(key, []).append(passage_rows(key, chunks, checked))
            self._unrecorded[key] = None
        if sum(table.num_rows for tables in self._rows.values() for table in tables) >= ROWS_AT_ONCE:
            self._write()

    def record(self, source: IndexedSource) -> None:
        """All passages of this source were added."""
        self._require_open()
        self._sources[source.key] = self._recorded[source.key] = source
        self._unrecorded.pop(source.key, None)

    def commit(self) -> None:
        """Publish all that was done since the last commit."""
        self._require_open()
        if self._unrecorded:
            raise InputError(f"{next(iter(self._unrecorded))!r} has passages and no record, so it is not whole")
        self._write()
        if not self._changed:
            return
        _delete(self._source_table, [*self._gone, *self._recorded])
        if self._recorded:
            self._source_table.add(source_rows(list(self._recorded.values())))
        self._publish()

    def optimise(self, *, ann_from: int = ANN_FROM) -> None:
        """Join small files, bring the full-text and vector indices up to date, delete what no reader can need."""
        self.commit()
        if self._passages.count_rows() >= max(ann_from, LEAST_TO_TRAIN):
            add_vector_index(self._passages, self._facts.dimensions)
            add_search_indices(self._passages)
        for table in (self._passages, self._source_table):
            table.optimize()
        publish(self._folder, without_files(self._state()))
        for table in (self._passages, self._source_table):
            table.optimize(cleanup_older_than=KEEP, delete_unverified=True)  # we hold the lock: nobody else has unverified files
        self._publish()

    def close(self) -> None:
        """Let others write. Safe to call twice."""
        self._closed = True
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _begin(self) -> None:
        published = read_published(self._folder)
        self._facts = published.facts
        database = connect(self._folder)
        self._passages = _restored(database, PASSAGES, published.passages, self._folder)
        self._source_table = _restored(database, SOURCES, published.sources, self._folder)
        self._sources = to_sources(self._source_table)
        self._rows: dict[str, list[Any]] = {}  # passages that are not in the table yet, by key
        self._doomed: dict[str, None] = {}  # keys whose passages are to go from it, before those above come
        self._recorded: dict[str, IndexedSource] = {}
        self._unrecorded: dict[str, None] = {}  # keys with passages that no record() has spoken of yet
        self._gone: dict[str, None] = {}
        if self._changed:
            self._publish()

    @property
    def _changed(self) -> bool:
        """Whether the tables are not in the state that is published."""
        published = read_published(self._folder)
        versions = (self._passages.version, self._source_table.version)
        return bool(self._recorded or self._gone) or (published.passages, published.sources) != versions

    def _write(self) -> None:
        import pyarrow as pa

        _delete(self._passages, list(self._doomed))
        self._doomed.clear()
        if self._rows:
            self._passages.add(pa.concat_tables([table for tables in self._rows.values() for table in tables]))
            self._rows.clear()

    def _state(self) -> Published:
        versions = {"passages": self._passages.version, "sources": self._source_table.version}
        return Published(facts=self._facts, files=files_below(self._folder), **versions)

    def _publish(self) -> None:
        publish(self._folder, self._state())
        self._recorded.clear()
        self._gone.clear()

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError("this writer was closed; ask the index for another one")


def _restored(database: Any, name: str, version: int | None, folder: Path) -> Any:
    """The table in the state that was published."""
    try:
        table = database.open_table(name)
        if version is None:
            raise IndexDamagedError(f"the index in {folder} was never finished; {REBUILD}")
        if table.version != version:
            table.checkout(version)
            table.restore()
    except (RuntimeError, OSError, ValueError) as exc:
        raise IndexDamagedError(f"the index in {folder} cannot be opened ({str(exc)[:200]}); {REBUILD}") from exc
    return table


def _delete(table: Any, keys: Sequence[str]) -> None:
    for first in range(0, len(keys), KEYS_AT_ONCE):
        table.delete(f"key IN ({', '.join(map(quoted, keys[first : first + KEYS_AT_ONCE]))})")


def _finished(folder: Path) -> bool:
    """Whether there is an index; False for one whose making was broken off."""
    try:
        return read_published(folder).passages is not None
    except IndexNotFoundError:
        return False


def _require_ours(folder: Path) -> None:
    """Refuse a folder with anything that no index put there: it was named by mistake, and is not to be mixed with ours."""
    ours = {FILE_NAME, f"{PASSAGES}.lance", f"{SOURCES}.lance"}
    others = sorted(path.name for path in folder.iterdir() if path.name not in ours and not path.name.startswith((LOCK, "adjudge-index.")))
    if others:
        raise ConfigError(f"{folder} holds other files ({', '.join(others[:3])}); name a new or empty folder for the index")

"""An index in a folder, by LanceDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...engine.tokenise import clean
from ...errors import AdjudgeError, ClosedError, IndexDamagedError, IndexNotFoundError, InputError
from ..base import Candidate, Where
from ..lexical import words
from .base import IndexedSource, IndexFacts
from .filters import lance_filter, quoted
from .lance_published import FILE_NAME, PASSAGES, REBUILD, SOURCES, Published, read_published, require_files
from .lance_tables import connect, to_sources
from .lance_writer import LanceWriter
from .passages import candidates, require_k, require_vector

__all__ = ["LanceIndex", "refine_factor"]

PROBES, REFINE, LEAST_REFINED = 32, 8, 400
"""Of an approximate search: cells of the vector index that are looked into, how many times k vectors are compared exactly, and how many at
least: among a million, the ten nearest are not surely among the 80 that look nearest (recall 0.86, of 400 0.998; docs/experiments.md)."""

SHOWN = ["id", "text", "source", "headings", "start_at", "end_at", "metadata"]

_Found = TypeVar("_Found")


def refine_factor(k: int) -> int:
    """How many times k vectors an approximate search compares exactly."""
    return max(REFINE, -(-LEAST_REFINED // k))


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The tables as they were when they were last published."""

    stamp: tuple[int, int]  # of the file that says so
    published: Published
    passages: Any
    sources: Any


class LanceIndex:
    """Passages in a folder. Each question is answered from the state that was published last, by whichever process."""

    def __init__(self, folder: str | Path) -> None:
        """Open the index in `folder`. Raises IndexNotFoundError, IndexDamagedError, MissingExtraError."""
        self.folder = Path(folder)
        self._require_files()
        self._database = connect(self.folder)
        self._lock = threading.Lock()
        self._closed = False
        self._held: _Snapshot | None = None
        self._now()

    @property
    def facts(self) -> IndexFacts:
        """What it is made with."""
        return self._now().published.facts

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        return self._ask(lambda now: to_sources(now.sources))

    def count(self, *, where: Where | None = None) -> int:
        """Passages, or those of them that `where` lets through."""
        condition = _condition(where)
        return self._ask(lambda now: int(now.passages.count_rows(condition)))

    def by_vector(self, vector: NDArray[np.float32], k: int, *, where: Where | None = None) -> list[Candidate]:
        """The nearest by cosine, exactly in a small index, nearly so in one with a vector index."""
        require_k(k)
        wanted, condition = require_vector(vector, self.facts.dimensions), _condition(where)

        def search(now: _Snapshot) -> list[Candidate]:
            query = now.passages.search(wanted, vector_column_name="vector").distance_type("cosine")
            query = query.nprobes(PROBES).refine_factor(refine_factor(k))
            return _candidates(query, k, condition, lambda row: 1.0 - row["_distance"], "_distance")

        return self._ask(search)

    def by_words(self, query: str, k: int, *, where: Where | None = None) -> list[Candidate]:
        """The best by BM25 (k1 = 1.2, b = 0.75) over `lexical.words`."""
        require_k(k)
        terms, condition = " ".join(words(query)), _condition(where)
        if not terms:
            return []

        def search(now: _Snapshot) -> list[Candidate]:
            from lancedb.query import MatchQuery

            match: Any = MatchQuery  # mypy does not see that pydantic gives its other fields defaults
            found = now.passages.search(match(terms, "terms"), query_type="fts")
            return _candidates(found, k, condition, lambda row: row["_score"], "_score")

        return self._ask(search)

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """(ids, dimensions) stored vectors, row i for id i."""
        named = [clean(one) for one in ids]
        wanted = list(dict.fromkeys(named))
        if not wanted:
            return np.empty((0, self.facts.dimensions), np.float32)
        condition = f"id IN ({', '.join(map(quoted, wanted))})"
        rows = self._ask(lambda now: now.passages.search().where(condition).select(["id", "vector"]).limit(len(wanted)).to_arrow())
        found = dict(zip(rows["id"].to_pylist(), rows["vector"].to_pylist(), strict=True))
        missing = [wanted_id for wanted_id in wanted if wanted_id not in found]
        if missing:
            raise InputError(f"{len(missing)} of {len(wanted)} passages are not in the index; the first: {missing[0]!r}")
        return np.array([found[wanted_id] for wanted_id in named], np.float32)

    def writer(self) -> LanceWriter:
        """The one who may change it. Raises IndexLockedError while there is another, in this process or elsewhere."""
        if self._closed:
            raise ClosedError("this index was closed; open it again")
        return LanceWriter(self.folder)

    def check(self) -> None:
        """Read everything once. Raises IndexDamagedError for what cannot be read."""
        self._require_files()

        def read(now: _Snapshot) -> None:
            rows = sum(batch.num_rows for batch in now.passages.search().to_batches())
            recorded = sum(source.chunks for source in to_sources(now.sources).values())
            if not rows == recorded == now.passages.count_rows():
                raise IndexDamagedError(f"{self.folder} should hold {recorded:,} passages, and {rows:,} can be read; {REBUILD}")

        self._ask(read)

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""
        self._closed = True
        self._held = None

    def _require_files(self) -> None:
        """Look for the files of what is published; once more where a writer published something else, and deleted files, meanwhile."""
        published = read_published(self.folder)
        while True:
            try:
                require_files(self.folder, published)
                return
            except IndexDamagedError:
                before, published = published, read_published(self.folder)
                if published == before:
                    raise

    def _ask(self, question: Callable[[_Snapshot], _Found]) -> _Found:
        """The answer from the state of now; asked again where that state was replaced, and its files deleted, in the meantime."""
        now = self._now()
        while True:
            try:
                return question(now)
            except AdjudgeError:
                raise
            except (RuntimeError, OSError, ValueError) as exc:  # what LanceDB raises for a file it cannot read
                before, now = now, self._now()
                if now is before:
                    raise IndexDamagedError(f"the index in {self.folder} cannot be read ({_first_line(exc)}); {REBUILD}") from exc

    def _now(self) -> _Snapshot:
        if self._closed:
            raise ClosedError("this index was closed; open it again")
        held, stamp = self._held, _stamp(self.folder)
        if held is not None and held.stamp == stamp:
            return held
        with self._lock:
            self._held = now = self._open(stamp)
        return now

    def _open(self, stamp: tuple[int, int]) -> _Snapshot:
        published = read_published(self.folder)
        if published.passages is None or published.sources is None:
            raise IndexNotFoundError(f"the first build of the index in {self.folder} has not ended; run it again")
        try:
            passages, sources = (self._database.open_table(name) for name in (PASSAGES, SOURCES))
            passages.checkout(published.passages)
            sources.checkout(published.sources)
        except (RuntimeError, OSError, ValueError) as exc:
            raise IndexDamagedError(f"the index in {self.folder} cannot be opened ({_first_line(exc)}); {REBUILD}") from exc
        return _Snapshot(stamp, published, passages, sources)


def _candidates(query: Any, k: int, condition: str | None, score: Callable[[Mapping[str, Any]], float], column: str) -> list[Candidate]:
    if condition is not None:
        query = query.where(condition)
    rows = query.select([*SHOWN, column]).limit(k).to_arrow().to_pylist()
    return candidates((row | {"start": row["start_at"], "end": row["end_at"]}, score(row)) for row in rows)


def _condition(where: Where | None) -> str | None:
    """SQL with U+FFFD for halves of characters, as what is stored has it."""
    condition = lance_filter(where)
    return None if condition is None else clean(condition)


def _stamp(folder: Path) -> tuple[int, int]:
    try:
        facts = (folder / FILE_NAME).stat()
    except OSError:
        return (0, 0)  # read_published says what is wrong
    return (facts.st_mtime_ns, facts.st_ino)


def _first_line(exc: Exception) -> str:
    return str(exc).split("\n", 1)[0][:200]

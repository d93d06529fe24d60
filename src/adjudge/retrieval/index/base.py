"""What every index can do, whatever database it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..base import Candidate, Where
from ..reading.chunk import Chunk

__all__ = ["ANN_FROM", "Index", "IndexFacts", "IndexedSource", "Writer"]


ANN_FROM = 100_000
"""Passages from which on a vector index pays: below, comparing all vectors takes milliseconds, and misses none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedSource:
    """A file, or a part of a large one, as it was when it was read: what has not changed is not read again.

    Only files of rows have several parts, so that a build that is killed in the middle of a million rows goes on from there.
    """

    source: str  # the file's name
    part: int = 0  # the how-manieth of the file, from 0
    last: bool = True  # no part comes after it: the file was read to its end
    size: int  # bytes of the whole file
    modified_ns: int
    digest: str  # SHA-256 of the part's passages as they were cut, with all that is stored of them
    chunks: int

    @property
    def key(self) -> str:
        """What the store calls it: no two parts of no two files share one."""
        return f"{self.source}\t{self.part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFacts:
    """What an index is made with; stored in it, and compared before it is added to or asked with vectors."""

    model: str  # the bi-encoder's name and revision: vectors of two models cannot be compared
    revision: str
    dimensions: int
    splitting: Mapping[str, int | str]  # the settings that passages were cut by
    fingerprint: str = ""  # SHA-256 of the weights of a model without a revision, one in a plain folder
    format: int = 1  # of the store itself


class Writer(Protocol):
    """Changes to an index, one writer at a time. Readers see none of them before commit(), and a crash takes all since the last one."""

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        ...

    def remove(self, keys: Sequence[str]) -> None:
        """Take sources and their passages out. Keys that are not there are passed over."""
        ...

    def add(self, key: str, chunks: Sequence[Chunk], vectors: NDArray[np.float32]) -> None:
        """More passages of a source. What it had before stays, unless it was removed first. `vectors`: (chunks, dimensions)."""
        ...

    def record(self, source: IndexedSource) -> None:
        """All passages of this source were added."""
        ...

    def commit(self) -> None:
        """Show readers all that was done since the last commit, at once, and keep it."""
        ...

    def optimise(self, *, ann_from: int = ANN_FROM) -> None:
        """Commit, bring the full-text and vector indices up to date, give back space. Without it all is found too, more slowly.

        `ann_from`: passages from which on vectors are searched approximately.
        """
        ...

    def close(self) -> None:
        """Let others write. What was not committed is lost."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Index(Protocol):
    """Passages with their vectors and words. Readers, from several threads and processes, see what was committed when they asked."""

    @property
    def facts(self) -> IndexFacts:
        """What it is made with."""
        ...

    def sources(self) -> Mapping[str, IndexedSource]:
        """All that is indexed, by key."""
        ...

    def count(self, *, where: Where | None = None) -> int:
        """Passages, or those of them that `where` lets through."""
        ...

    def by_vector(self, vector: NDArray[np.float32], k: int, *, where: Where | None = None) -> list[Candidate]:
        """The nearest by cosine; scores are cosines.

        Candidates' documents carry text, id, and as metadata: source, headings, start, end and their own.
        Metadata of a passage's own that is called like one of these four has a "_" behind its name.
        """
        ...

    def by_words(self, query: str, k: int, *, where: Where | None = None) -> list[Candidate]:
        """The best by BM25 over `lexical.words`, Chinese included. A passage without a word of the query is not among them."""
        ...

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """(ids, dimensions) stored vectors, row i for id i. Raises InputError for an id that is not there."""
        ...

    def writer(self) -> Writer:
        """The one who may change it. Raises IndexLockedError while there is another, in this process or elsewhere."""
        ...

    def check(self) -> None:
        """Read everything once. Raises IndexDamagedError for what cannot be read."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...

"""A passage as a row of a database: what both stores keep of a chunk, and the candidate that comes back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError, InputError
from ...types import Document
from ..base import Candidate, Scalar
from ..lexical import words
from ..reading.chunk import Chunk

__all__ = ["RESERVED", "candidates", "digest", "indexed_text", "metadata_of", "require_k", "require_vector", "require_vectors", "terms_of"]

RESERVED = ("source", "headings", "start", "end")
"""Metadata that every passage has."""


def indexed_text(chunk: Chunk) -> str:
    """What is embedded, and whose words are found: the text under those of its headings that it does not hold itself.

    A section called "On Windows" says of what in the headings above it.
    """
    above = [heading for heading in chunk.headings if heading not in chunk.text]
    return "\n".join([*above, chunk.text])


def terms_of(chunk: Chunk) -> list[str]:
    """The words it is found by, as `lexical.words` cuts them."""
    return words(indexed_text(chunk))


def metadata_of(chunk: Chunk) -> dict[str, Scalar]:
    """A chunk's own metadata; names that every passage has are taken, and get a "_"."""
    return {f"{name}_" if name in RESERVED else name: value for name, value in chunk.metadata.items()}


def digest(chunks: Iterable[Chunk]) -> str:
    """SHA-256 of all that is stored of these passages, but for their vectors."""
    hashed = hashlib.sha256()
    for chunk in chunks:
        facts = [chunk.id, chunk.text, chunk.source, chunk.position, chunk.start, chunk.end, chunk.headings, dict(chunk.metadata)]
        hashed.update(json.dumps(facts, sort_keys=True).encode() + b"\n")
    return hashed.hexdigest()


def candidates(rows: Iterable[tuple[Mapping[str, Any], float]]) -> list[Candidate]:
    """Rows with their scores as candidates: the best first, ties by id, so that a search can be repeated."""
    ordered = sorted(rows, key=lambda row: (-row[1], str(row[0]["id"])))
    return [Candidate(document=_document(row), score=float(score), rank=rank) for rank, (row, score) in enumerate(ordered, 1)]


def _document(row: Mapping[str, Any]) -> Document:
    found = {"source": row["source"], "headings": tuple(row["headings"]), "start": int(row["start"]), "end": int(row["end"])}
    return Document(text=row["text"], id=row["id"], metadata=found | json.loads(row["metadata"]))


def require_k(k: int) -> None:
    """Raise ConfigError for a number of passages that cannot be asked for."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ConfigError(f"k={k!r}: ask for at least one passage")


def require_vector(vector: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """The query's vector, checked. Raises InputError for another shape, or numbers that are none."""
    checked = np.asarray(vector, np.float32)
    if checked.shape != (dimensions,):
        raise InputError(f"the query's vector has the shape {checked.shape}, and the index holds vectors of {dimensions} numbers")
    if not np.isfinite(checked).all() or not checked.any():
        raise InputError("the query's vector holds NaN or infinity, or nothing but zeros, which have no direction")
    return checked


def require_vectors(chunks: Sequence[Chunk], vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """Vectors for `chunks`, checked in the same way."""
    checked = np.asarray(vectors, np.float32)
    if checked.shape != (len(chunks), dimensions):
        raise InputError(f"{len(chunks)} passages need vectors of the shape ({len(chunks)}, {dimensions}), not {checked.shape}")
    if not np.isfinite(checked).all() or not checked.any(axis=1).all():
        raise InputError("a passage's vector holds NaN or infinity, or nothing but zeros, which have no direction")
    return checked

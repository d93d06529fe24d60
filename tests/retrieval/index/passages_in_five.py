"""Passages in five languages, with vectors that need no model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from adjudge.retrieval.base import Scalar
from adjudge.retrieval.index.base import Index, IndexedSource, IndexFacts, Writer
from adjudge.retrieval.index.passages import digest
from adjudge.retrieval.reading.chunk import Chunk

__all__ = ["DIMENSIONS", "FACTS", "LIBRARY", "chunk", "fill", "library", "put", "recorded", "vector"]

DIMENSIONS = 16
FACTS = IndexFacts(model="words", revision="1", dimensions=DIMENSIONS, splitting={"max_tokens": 256})

LIBRARY: Mapping[str, Sequence[tuple[str, Mapping[str, Scalar]]]] = {
    "zoo/熊猫.md": [
        ("大熊猫主要以竹子为食，每天吃十几公斤。", {"lang": "zh", "year": 2020, "checked": True}),
        ("熊猫的爪子上有一个伪拇指，用来握住竹竿。", {"lang": "zh", "year": 2021, "checked": False}),
    ],
    "zoo/panda.md": [("A giant panda eats up to fourteen kilograms of bamboo a day.", {"lang": "en", "year": 2020.5, "checked": True})],
    "cocina/paella.txt": [("La paella lleva arroz, azafrán y caldo; el arroz no se remueve.", {"lang": "es", "year": "2020"})],
    "musée/d'Orsay.txt": [("Le musée d'Orsay, à Paris, se trouve dans une ancienne gare.", {"lang": "fr", 'it\'s "odd"\\': "y\n'e\"s\\"})],
    "физика/свет.txt": [("Скорость света в вакууме равна 299 792 458 метрам в секунду.", {"lang": "ru", "year": -3})],
    "empty metadata.txt": [("Nothing is known about this text, but its words.", {})],
}


def vector(text: str) -> np.ndarray:
    """(DIMENSIONS,) of length 1, the same for the same text."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    drawn = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)
    return drawn / np.linalg.norm(drawn)


def chunk(source: str, position: int, text: str, metadata: Mapping[str, Scalar] | None = None, headings: tuple[str, ...] = ()) -> Chunk:
    held = {} if metadata is None else metadata
    start = 100 * position
    return Chunk(
        id=f"{source}:{position}",
        text=text,
        source=source,
        position=position,
        start=start,
        end=start + len(text),
        headings=headings,
        metadata=held,
    )


def library() -> Iterator[tuple[str, list[Chunk]]]:
    for source, passages in LIBRARY.items():
        yield source, [chunk(source, position, text, metadata) for position, (text, metadata) in enumerate(passages)]


def recorded(source: str, chunks: Sequence[Chunk], **facts: int | bool) -> IndexedSource:
    return IndexedSource(source=source, size=1, modified_ns=2, digest=digest(chunks), chunks=len(chunks), **facts)  # type: ignore[arg-type]


def put(writer: Writer, source: str, chunks: Sequence[Chunk]) -> None:
    """In the place of what the source had."""
    record = recorded(source, chunks)
    writer.remove([record.key])
    writer.add(record.key, chunks, np.array([vector(one.text) for one in chunks], np.float32).reshape(len(chunks), DIMENSIONS))
    writer.record(record)


def fill(index: Index) -> None:
    """The whole library, in one commit."""
    with index.writer() as writer:
        for source, chunks in library():
            put(writer, source, chunks)
        writer.commit()

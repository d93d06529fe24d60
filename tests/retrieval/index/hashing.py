"""A bi-encoder without weights: a text's vector is drawn from its hash. For everything about an index but what it finds by meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from adjudge.retrieval.dense import Embeddings, Kind
from adjudge.types import Timings
from tests.retrieval.index.passages_in_five import DIMENSIONS, vector

__all__ = ["Hashing"]


@dataclass
class Hashing:
    """Counts what it is asked for, and can be told to fail."""

    revision: str = "1"
    name: str = "hashing"
    folder: Path = Path("nowhere")
    texts: list[str] = field(default_factory=list)
    fails_at: int | None = None
    longest: int = 10_000

    @property
    def model(self) -> Any:
        weights = SimpleNamespace(files=lambda: (self.folder / "encoder.safetensors",))
        tokenizer = self.folder / "tokenizer.json"
        return SimpleNamespace(name=self.name, revision=self.revision, folder=self.folder, weights=weights, tokenizer_file=tokenizer)

    @property
    def size(self) -> int:
        return DIMENSIONS

    def embed_detailed(self, texts: Iterable[str], *, kind: Kind) -> Embeddings:
        given = list(texts)
        self.texts += given
        if self.fails_at is not None and len(self.texts) >= self.fails_at:
            raise RuntimeError("told to fail")
        vectors = np.array([vector(text) for text in given], np.float32).reshape(len(given), DIMENSIONS)
        cut = tuple(position for position, text in enumerate(given) if len(text) > self.longest)
        return Embeddings(vectors=vectors, truncated=cut, tokens=len(given), timings=Timings())

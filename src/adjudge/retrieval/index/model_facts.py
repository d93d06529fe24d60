"""Which bi-encoder an index was made with: vectors of two models cannot be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from ...errors import IndexMismatchError
from ...models.exported import exported_files
from ...models.files import EMBEDDED
from ...models.model import Model
from ..dense import Embeddings, Kind
from ..reading import ReadConfig, SplitConfig
from .base import IndexFacts

__all__ = ["BiEncoder", "facts_of", "require_same_model", "require_same_splitting"]

_FIRST_EMBEDDED = "c6fbd67191b65436f30325cccdbcee749a83f00968735d2c7f864994b97ee701"
"""The bi-encoder of the embedded model's first editions, whose indexes name the edition only: a new judge makes no new vectors."""


class BiEncoder(Protocol):
    """What makes the vectors: an Embedder, or anything with its shape."""

    model: Model

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        ...

    def embed_detailed(self, texts: Iterable[str], *, kind: Kind) -> Embeddings:
        """Unit vectors."""
        ...


def facts_of(encoder: BiEncoder, reading: ReadConfig, splitting: SplitConfig) -> IndexFacts:
    """What an index made with `encoder` and these settings says of itself."""
    fields: Mapping[str, str | None] = {"text_field": reading.text_field, "title_field": reading.title_field}
    settings: dict[str, int | str] = {"max_tokens": splitting.max_tokens, "min_tokens": splitting.min_tokens}
    settings |= {name: value for name, value in fields.items() if value is not None}
    model = encoder.model
    name = str(Path(model.name).absolute()) if model.folder == Path(model.name) else model.name
    return IndexFacts(model=name, revision=model.revision, dimensions=encoder.size, splitting=settings, fingerprint=_fingerprint(model))


def require_same_model(facts: IndexFacts, encoder: BiEncoder) -> None:
    """Raise IndexMismatchError where the index was made with another bi-encoder. A folder may have moved; what is in it decides."""
    model = encoder.model
    if facts.dimensions != encoder.size or not _same(facts, model):
        made, given = _described(facts.model, facts.revision), _described(model.name, model.revision)
        raise IndexMismatchError(
            f"the index was made with {made}, and this is {given}: their vectors cannot be compared. "
            "Give the model it was made with, or make the index anew (adjudge index build PATHS --index INDEX --rebuild)"
        )


def require_same_splitting(held: IndexFacts, wanted: IndexFacts) -> None:
    """Raise IndexMismatchError where passages were cut in another way: half of an index in each would compare unlike with unlike."""
    if dict(held.splitting) == dict(wanted.splitting):
        return
    names = sorted(name for name in {*held.splitting, *wanted.splitting} if held.splitting.get(name) != wanted.splitting.get(name))
    differ = "; ".join(f"{name} was {held.splitting.get(name, 'not set')}, now {wanted.splitting.get(name, 'not set')}" for name in names)
    raise IndexMismatchError(f"the passages of this index were cut in another way ({differ}). Give the same settings, or --rebuild")


def _same(facts: IndexFacts, model: Model) -> bool:
    made = facts.fingerprint or (_FIRST_EMBEDDED if facts.model == EMBEDDED else "")
    if made:
        return made == _fingerprint(model)
    return (facts.model, facts.revision) == (model.name, model.revision)


def _fingerprint(model: Model) -> str:
    """Of what makes the vectors; of a folder that holds a judge too, the bi-encoder's files. "" where a commit of the hub says as much."""
    if model.revision and model.name != EMBEDDED:
        return ""
    hashed = hashlib.sha256()
    weights = model.weights.files() or exported_files(model.folder).values()
    for path in sorted({*weights, model.tokenizer_file}):
        with path.open("rb") as file:
            hashed.update(hashlib.file_digest(file, "sha256").digest())
    return hashed.hexdigest()


def _described(name: str, revision: str) -> str:
    return f"{name} ({revision})" if revision else name

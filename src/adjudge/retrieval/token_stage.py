"""What sparse search and late interaction share: an encoder reads every text token by token, and a store scores them all at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import ClassVar, Protocol, Self

from ..backends.base import Floats
from ..errors import ConfigError
from ..types import DocumentLike
from .base import Retriever, Where
from .corpus import Corpus, Search, Stage, best, check_depth, identity
from .token_encoder import TokenEncoder, TokenStates

__all__ = ["DEPTH", "TokenStage", "TokenStore"]

DEPTH = 200
"""How many documents of an earlier stage are read token by token, unless another number is asked for."""

_CUT = "the query is longer than the encoder reads; its end does not count"


class TokenStore(Protocol):
    """Texts that were read token by token."""

    def scores(self, query: TokenStates) -> Floats:
        """(texts,) float32, one score a text; -inf for one that is no hit."""
        ...


class TokenStage(Stage, ABC):
    """A first stage that scores by tokens: over documents in memory, or as a second look at what another stage found."""

    default_name: ClassVar[str]

    @classmethod
    @abstractmethod
    def store(cls, encoder: TokenEncoder, texts: Sequence[str]) -> TokenStore:
        """Read `texts`. Raises UnsupportedModelError for a model without the head that this takes."""

    @classmethod
    def from_documents(cls, documents: Iterable[DocumentLike], encoder: TokenEncoder | None = None, *, name: str | None = None) -> Self:
        """Read all of `documents` now and hold what is needed in memory; every search scores all of them.

        `encoder`: None loads the shipped one, which close() then frees.
        """
        corpus = Corpus.of(documents)
        reader = TokenEncoder() if encoder is None else encoder
        store, called = cls.store(reader, corpus.texts), cls._called(name)

        def find(query: str, k: int, where: Where | None) -> Search:
            asked, encode_ms = _read(reader, query)
            began = perf_counter()
            scores = store.scores(asked)
            found = corpus.candidates(best(scores, k, corpus.allowed(where)), scores)
            timings = {"encode": encode_ms, called: (perf_counter() - began) * 1e3}
            return Search(found=found, timings=timings, warnings=_warnings(asked))

        return cls(called, find, close=reader.close if encoder is None else None, refused=corpus.refused)

    @classmethod
    def from_retriever(cls, first: Retriever, encoder: TokenEncoder | None = None, *, depth: int = DEPTH, name: str | None = None) -> Self:
        """Score the `depth` best documents of another first stage, reading their texts at every search: it costs about what a judge costs.

        Documents that `first` does not find are not found here either. `first` stays yours to close.
        """
        check_depth("depth", depth)
        called = cls._called(name)
        if called == first.name:
            raise ConfigError(f"both stages are named {called!r}; give this one another name")
        reader = TokenEncoder() if encoder is None else encoder
        cls.store(reader, [])  # a model that cannot do this is refused now, not at the first query

        def find(query: str, k: int, where: Where | None) -> Search:
            earlier = first.retrieve(query, max(k, depth), where=where)
            asked, encode_ms = _read(reader, query)
            began = perf_counter()
            documents = [candidate.document for candidate in earlier.candidates]
            scores = cls.store(reader, [document.text for document in documents]).scores(asked)
            return Search(
                found=[(documents[at], float(scores[at])) for at in best(scores, k, None)],
                timings={**earlier.timings, "encode": encode_ms, called: (perf_counter() - began) * 1e3},
                warnings=(*earlier.warnings, *_warnings(asked)),
                earlier={identity(candidate.document): candidate for candidate in earlier.candidates},
            )

        return cls(called, find, close=reader.close if encoder is None else None)

    @classmethod
    def _called(cls, name: str | None) -> str:
        return cls.default_name if name is None else name


def _read(encoder: TokenEncoder, query: str) -> tuple[TokenStates, float]:
    began = perf_counter()
    asked = next(encoder.encode([query], kind="query"))
    return asked, (perf_counter() - began) * 1e3


def _warnings(asked: TokenStates) -> tuple[str, ...]:
    return (_CUT,) if asked.truncated else ()

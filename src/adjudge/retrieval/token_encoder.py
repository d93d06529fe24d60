"""TokenEncoder: texts to the encoder's last hidden states, one a token, and what the model makes of these."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack, get_args

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats, Ints, Traits
from ..backends.loader import open_backend
from ..config import Options
from ..engine.batches import plan_batches
from ..engine.tokenise import Tokeniser
from ..engine.usable import Usable, go_on
from ..errors import BackendMemoryError, ClosedError, ConfigError, InputError, InvalidLogitsError, UnsupportedModelError
from ..models.token_heads import COLBERT, SPARSE, load_token_model
from ..reranker import engine_config
from ..types import Timings
from .dense import Embeddings, Kind
from .token_rows import Frame, TokenRow

__all__ = ["TokenEncoder", "TokenStates", "TokenWeights"]

logger = logging.getLogger("adjudge")

BLOCK_TEXTS = 64
"""Texts computed together. Hidden states are large (512 tokens x 384 units: 0.8 MB a text), so few are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStates:
    """One text as the encoder sees it."""

    ids: Ints  # (tokens,) special tokens and prefix included
    states: Floats  # (tokens, hidden size) last hidden states
    own: NDArray[np.bool_]  # (tokens,) False for special tokens and for the model's prefix ("query: ")
    truncated: bool = False  # the text is longer than the model; its end is not here


@dataclass(frozen=True, slots=True)
class TokenWeights:
    """A text as a bag of tokens, each id once."""

    ids: Ints  # (distinct tokens,) rising
    weights: Floats  # (distinct tokens,) above 0


class TokenEncoder:
    """An encoder read token by token: for late interaction (`vectors`), sparse search (`weights`) and one vector a text (`pooled`).

    Safe to share between threads. Use it as a context manager, or call close(), to free the model.
    """

    def __init__(self, model: str | Path = "embedded", **options: Unpack[Options]) -> None:
        """Load "embedded" (shipped), a folder in adjudge's own form, or a bge-m3 folder whose heads are safetensors.

        `options`: those of Reranker that choose backend, precision, threads, lengths and batches.
        """
        refused = sorted(set(options) - {"backend", "device", "precision", "threads", "max_length", "max_batch_tokens", "max_batch_pairs"})
        if refused:
            raise ConfigError(f"TokenEncoder() has no option {', '.join(refused)}; it knows those of backend, lengths and batches")
        config = engine_config(options)
        self._heads = load_token_model(model, config.source)
        self.model = self._heads.model
        if config.max_length is not None and config.max_length > self.model.max_length:
            raise ConfigError(f"max_length={config.max_length} is more than the {self.model.max_length} tokens that {self.model.name} has")
        self.max_length = self.model.max_length if config.max_length is None else config.max_length
        self._tokeniser = Tokeniser(self.model)
        self._frame, self._specials = Frame(self._tokeniser), np.array(sorted(self._tokeniser.special_ids), np.int32)
        self._backend = open_backend(self.model, config.backend)
        self._batches = config.batches
        self._pool = ThreadPoolExecutor(max(1, self.traits.parallel), thread_name_prefix="adjudge-tokens")
        self._usable = Usable("encoder")
        logger.info("loaded the encoder of %s on %s, token by token", self.model.name, self.traits.backend)

    @property
    def traits(self) -> Traits:
        """What runs it: backend, device, precision."""
        return self._backend.traits

    @property
    def size(self) -> int:
        """Numbers in a pooled vector."""
        return self.model.spec.hidden_size

    def require_vectors(self) -> None:
        """Raise UnsupportedModelError where the model's tokens have no vectors that were made to be compared."""
        if self._heads.m3 and self._heads.colbert is None:
            raise UnsupportedModelError(f"{self.model.name} has no {COLBERT}, so its tokens have no vectors to be compared by")

    def require_weights(self) -> None:
        """Raise UnsupportedModelError where the model has no sparse head."""
        if self._heads.sparse is None:
            raise UnsupportedModelError(f"{self.model.name} has no {SPARSE}, which weighs tokens for sparse search; bge-m3 has one")

    def encode(self, texts: Iterable[str], *, kind: Kind) -> Iterator[TokenStates]:
        """The states of each text, in order, computed in blocks as they are asked for. A longer text is cut, and says so.

        A text's states do not depend on what it is computed with, beyond the rounding of the precision that runs.
        Raises InputError for anything but texts, ClosedError after close(), BackendError in a forked child.
        """
        self._usable.check()
        if kind not in get_args(Kind):
            raise InputError(f"kind must be {' or '.join(map(repr, get_args(Kind)))}, not {kind!r}")
        return self._blocks(_accept(texts), self.model.prompts.get(kind, ""))

    def vectors(self, states: TokenStates) -> Floats:
        """(tokens, size) unit vectors of the tokens that count in late interaction.

        Those of the text itself; for bge-m3, as it was trained, every token but the first, through its colbert_linear.
        """
        self.require_vectors()
        if self._heads.colbert is None:
            return _unit(states.states[states.own])
        return _unit(self._heads.colbert(states.states[1:]))

    def weights(self, states: TokenStates) -> TokenWeights:
        """The text's distinct tokens with their largest weight each, where that is above 0.

        Raises UnsupportedModelError without a sparse head.
        """
        self.require_weights()
        assert self._heads.sparse is not None
        found = self._heads.sparse(states.states[states.own])[:, 0]
        ids = states.ids[states.own]
        counted = (found > 0) & ~np.isin(ids, self._specials)
        distinct, places = np.unique(ids[counted], return_inverse=True)
        largest = np.zeros(len(distinct), np.float32)
        np.maximum.at(largest, places, found[counted])
        return TokenWeights(distinct.astype(np.int32), largest)

    def pooled(self, states: TokenStates) -> Floats:
        """(size,) the text's one vector, of length 1, as the bi-encoder makes it."""
        chosen = states.states[:1] if self._heads.pool == "first" else states.states
        return np.asarray(_unit(chosen.mean(axis=0, keepdims=True))[0], np.float32)

    def embed_detailed(self, texts: Iterable[str], *, kind: Kind) -> Embeddings:
        """One vector a text, as Embedder gives them: so a DenseRetriever can use bge-m3."""
        began = time.perf_counter()
        vectors, truncated, tokens = [], [], 0
        for position, states in enumerate(self.encode(texts, kind=kind)):
            vectors.append(self.pooled(states))
            tokens += len(states.ids)
            if states.truncated:
                truncated.append(position)
        total = (time.perf_counter() - began) * 1e3
        stacked = np.stack(vectors) if vectors else np.zeros((0, self.size), np.float32)
        timings = Timings(forward_ms=total, total_ms=total)
        return Embeddings(vectors=stacked, truncated=tuple(truncated), tokens=tokens, timings=timings)

    def close(self) -> None:
        """Free the model. Batches that are being computed finish; a call that has more to do, and every later one, raises ClosedError.

        Safe to call twice. In a child that the process forked, what the parent loaded is left alone.
        """
        self._usable.closed = True
        if self._usable.inherited:
            return
        self._pool.shutdown(wait=True)
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _blocks(self, texts: Sequence[str], prefix: str) -> Iterator[TokenStates]:
        for first in range(0, len(texts), BLOCK_TEXTS):
            self._usable.check()
            rows = self._frame.rows(texts[first : first + BLOCK_TEXTS], prefix=prefix, max_length=self.max_length)
            for row, states in zip(rows, self._compute(rows), strict=True):
                yield TokenStates(ids=row.ids.ids, states=states, own=row.own, truncated=row.truncated)

    def _compute(self, rows: Sequence[TokenRow]) -> list[Floats]:
        """Each row's (tokens, hidden size)."""
        plan = plan_batches(
            [len(row.own) for row in rows],
            max_tokens=self.traits.batch_tokens if self._batches.max_batch_tokens is None else self._batches.max_batch_tokens,
            max_rows=self._batches.max_batch_pairs,
            padding_free=self.traits.padding_free,
        )
        try:
            futures = [self._pool.submit(self._forward, [rows[i] for i in batch]) for batch in plan]
        except RuntimeError as exc:  # the pool takes no more work
            raise ClosedError("this encoder was closed while it was used; create a new one") from exc
        found: dict[int, Floats] = {}
        try:
            for batch, future in zip(plan, futures, strict=True):
                found.update(zip(batch, future.result(), strict=True))
                go_on()
        finally:
            for future in futures:
                future.cancel()
        return [found[i] for i in range(len(rows))]

    def _forward(self, rows: Sequence[TokenRow]) -> list[Floats]:
        """One batch, taken apart again; when memory runs out, its halves."""
        try:
            batch = self._tokeniser.batch([row.ids for row in rows])
            states = self._backend.forward(batch)
        except BackendMemoryError:
            if len(rows) == 1:
                raise
            logger.warning("memory ran out on a batch of %d texts; trying its halves", len(rows))
            half = len(rows) // 2
            return [*self._forward(rows[:half]), *self._forward(rows[half:])]
        if not np.isfinite(states).all():
            raise InvalidLogitsError("the encoder returned NaN or infinity; its weights or this precision overflow. Try precision='f32'")
        return np.split(states, np.cumsum(batch.lengths)[:-1])


def _accept(texts: object) -> list[str]:
    if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
        raise InputError(f"texts must be a list of strings, not a single {type(texts).__name__}; put it into a list")
    checked = list(texts)
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            raise InputError(f"text {index} must be a string, not {type(text).__name__}")
    return checked


def _unit(vectors: Floats) -> Floats:
    """Rows of length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)

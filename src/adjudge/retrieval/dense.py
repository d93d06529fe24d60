"""Embedder: texts to vectors with the bi-encoder that shares the judge's embedding table."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias, Unpack, get_args

import numpy as np

from ..backends.base import Floats, Traits
from ..backends.loader import open_backend
from ..config import EngineConfig, Options
from ..engine.batches import plan_batches
from ..engine.tokenise import PairIds, Tokeniser
from ..engine.usable import Usable, go_on
from ..errors import BackendMemoryError, ClosedError, ConfigError, InputError, InvalidLogitsError
from ..models.load import load_encoder
from ..models.model import Model
from ..reranker import engine_config
from ..types import Timings

__all__ = ["Embedder", "Embeddings", "Kind"]

logger = logging.getLogger("adjudge")

Kind: TypeAlias = Literal["query", "document"]
"""What a text is. The bi-encoder reads questions and passages with different prefixes."""

BLOCK_TEXTS = 1024
"""Texts encoded and sorted together, as in the engine: full batches, and a million texts never all in memory as ids."""

NO_LIMIT = sys.maxsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Vectors, and an account of what it took to make them."""

    vectors: Floats  # (texts, size) float32, each of length 1
    truncated: tuple[int, ...]  # positions of texts longer than the model; their ends are not in their vectors
    tokens: int  # tokens computed, prefixes and special tokens included
    timings: Timings


class Embedder:
    """A bi-encoder: one vector a text, to be compared by dot product. For the first stage of a search; the judge is for the second.

    Safe to share between threads. Use it as a context manager, or call close(), to free the model.
    """

    def __init__(self, model: str | Path = "embedded", **options: Unpack[Options]) -> None:
        """Load the bi-encoder of "embedded" (shipped, no download) or of a folder in adjudge's own form (with an adjudge.json).

        `options`: those of Reranker, `windows` apart: a text has one vector, so a long one is cut, and said to be.
        Raises ModelError, BackendError or ConfigError, each saying what to do.
        """
        began = time.perf_counter()
        config = _config(options)
        self.model: Model = load_encoder(model, config.source)
        self.max_length = _max_length(self.model, config)
        self._tokeniser = Tokeniser(self.model)
        self._backend = open_backend(self.model, config.backend)
        self._batches = config.batches
        self._pool = ThreadPoolExecutor(max(1, self.traits.parallel), thread_name_prefix="adjudge-embed")
        self._lock = threading.Lock()
        self._truncated = 0
        self._usable = Usable("embedder")
        self.load_ms = (time.perf_counter() - began) * 1e3
        logger.info("loaded the bi-encoder of %s on %s in %.0f ms", self.model.name, self.traits.backend, self.load_ms)

    @property
    def traits(self) -> Traits:
        """What runs it: backend, device, precision, and what was decided for you."""
        return self._backend.traits

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return self.model.spec.head.outputs

    @property
    def truncated(self) -> int:
        """How many texts were cut since this embedder was made."""
        return self._truncated

    def embed(self, texts: Iterable[str], *, kind: Kind) -> Floats:
        """(texts, size) float32, row i for text i, each of length 1. No texts give (0, size).

        A text longer than `max_length` tokens is cut: a warning is logged, `truncated` counts it, and embed_detailed() names it.
        Raises InputError for anything but texts, ClosedError after close(), BackendError in a forked child.
        """
        return self.embed_detailed(texts, kind=kind).vectors

    def embed_detailed(self, texts: Iterable[str], *, kind: Kind) -> Embeddings:
        """What embed() gives, and which texts were cut, how many tokens were computed, and how long it took."""
        began = time.perf_counter()
        checked, prefix = _accept(texts), self._prefix(kind)
        vectors = np.empty((len(checked), self.size), np.float32)
        truncated: list[int] = []
        tokens, tokenising = 0, 0.0
        for first in range(0, len(checked), BLOCK_TEXTS):
            self._usable.check()
            mark = time.perf_counter()
            rows, cut = self._encode([prefix + text for text in checked[first : first + BLOCK_TEXTS]])
            tokenising += time.perf_counter() - mark
            truncated.extend(first + i for i in cut)
            tokens += sum(len(row.ids) for row in rows)
            vectors[first : first + len(rows)] = self._compute(rows)
        self._report(truncated, len(checked))
        total = time.perf_counter() - began
        timings = Timings(tokenise_ms=tokenising * 1e3, forward_ms=(total - tokenising) * 1e3, total_ms=total * 1e3)
        return Embeddings(vectors=vectors, truncated=tuple(truncated), tokens=tokens, timings=timings)

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

    def __repr__(self) -> str:
        t = self.traits
        return f"Embedder({self.model.name!r}, backend={t.backend!r}, device={t.device!r}, precision={t.precision!r}, size={self.size})"

    def _prefix(self, kind: object) -> str:
        self._usable.check()
        if kind not in get_args(Kind):
            raise InputError(f"kind must be {' or '.join(map(repr, get_args(Kind)))}, not {kind!r}")
        return self.model.prompts.get(str(kind), "")

    def _encode(self, texts: Sequence[str]) -> tuple[list[PairIds], list[int]]:
        """Ids of each text, and the positions of those that had to be cut."""
        rows = []
        for text in texts:
            go_on()
            rows.append(self._tokeniser.single(text, max_length=NO_LIMIT))
        cut = [i for i, row in enumerate(rows) if len(row.ids) > self.max_length]
        for i in cut:
            rows[i] = self._tokeniser.single(texts[i], max_length=self.max_length)
        return rows, cut

    def _compute(self, rows: Sequence[PairIds]) -> Floats:
        plan = plan_batches(
            [len(row.ids) for row in rows],
            max_tokens=self.traits.batch_tokens if self._batches.max_batch_tokens is None else self._batches.max_batch_tokens,
            max_rows=self._batches.max_batch_pairs,
            padding_free=self.traits.padding_free,
        )
        vectors = np.empty((len(rows), self.size), np.float32)
        futures: list[Future[Floats]] = []
        try:
            for batch in plan:
                futures.append(self._pool.submit(self._forward, [rows[i] for i in batch]))
            for batch, future in zip(plan, futures, strict=True):
                vectors[batch] = _finite(future.result())
                go_on()
        except RuntimeError as exc:
            if not self._usable.closed:
                raise
            raise ClosedError("this embedder was closed while it was used; create a new one") from exc
        finally:
            for future in futures:
                future.cancel()
        return vectors

    def _forward(self, rows: Sequence[PairIds]) -> Floats:
        """One batch; when memory runs out, its halves."""
        try:
            return self._backend.forward(self._tokeniser.batch(rows))
        except BackendMemoryError:
            if len(rows) == 1:
                raise
            logger.warning("memory ran out on a batch of %d texts; trying its halves", len(rows))
            half = len(rows) // 2
            return np.concatenate([self._forward(rows[:half]), self._forward(rows[half:])])

    def _report(self, truncated: Sequence[int], texts: int) -> None:
        if not truncated:
            return
        with self._lock:
            self._truncated += len(truncated)
        message = "%d of %d texts have more than %d tokens; what lies behind is not in their vectors (the first: text %d)"
        logger.warning(message, len(truncated), texts, self.max_length, truncated[0])


def _accept(texts: object) -> list[str]:
    if isinstance(texts, (str, bytes, Mapping)) or not isinstance(texts, Iterable):
        raise InputError(f"texts must be a list of strings, not a single {type(texts).__name__}; put it into a list")
    checked: list[str] = []
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {index} must be a string, not {type(text).__name__}")
        checked.append(text)
    return checked


def _config(options: Options) -> EngineConfig:
    known = sorted(set(Options.__annotations__) - {"windows"})
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(f"Embedder() has no option {', '.join(unknown)}; it knows {', '.join(known)}")
    return engine_config(options)


def _max_length(model: Model, config: EngineConfig) -> int:
    if config.max_length is None:
        return model.max_length
    if config.max_length > model.max_length:
        raise ConfigError(f"max_length={config.max_length} is more than the {model.max_length} tokens that {model.name} has")
    return config.max_length


def _finite(vectors: Floats) -> Floats:
    if not np.isfinite(vectors).all():
        raise InvalidLogitsError("the bi-encoder returned NaN or infinity; its weights or this precision overflow. Try precision='f32'")
    return vectors

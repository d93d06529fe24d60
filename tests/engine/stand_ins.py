"""What tests of the engine run on: models of which only the tokenizer is real, and the fake backend with one thing that goes wrong."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from adjudge.backends.base import DOCUMENT, Batch, Floats
from adjudge.backends.fake import FakeBackend
from adjudge.config import BatchConfig, EngineConfig, WindowConfig
from adjudge.engine.engine import Engine
from adjudge.engine.tokenise import Tokeniser
from adjudge.errors import BackendError, BackendMemoryError
from adjudge.models.model import Model, NamedWeights
from adjudge.models.spec import parse_spec
from adjudge.models.weights import Weights
from adjudge.reranker import Reranker
from tests.tiny_tokenizers import byte_level, unigram, word_piece

__all__ = ["FAMILIES", "Answers", "FailsAt", "Gate", "SmallMemory", "StandIn", "Told", "engine_with", "give_up", "judge_with", "model_of"]

MakeBackend: TypeAlias = Callable[[Model], FakeBackend]

_TOKENIZERS: dict[str, Callable[[Path], Any]] = {
    "bert": word_piece,
    "roberta": lambda folder: byte_level(folder, style="roberta"),
    "modernbert": lambda folder: byte_level(folder, style="modernbert"),
    "xlm-roberta": lambda folder: unigram(folder, style="xlm-roberta"),
    "deberta-v2": lambda folder: unigram(folder, style="deberta-v2"),
}
FAMILIES = tuple(_TOKENIZERS)
_PAD = {"bert": 0, "roberta": 1, "modernbert": 3, "xlm-roberta": 1, "deberta-v2": 0}
_SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}


def model_of(family: str, folder: Path, *, labels: int = 1, max_length: int = 128) -> Model:
    """A model with the tokenizer of its family and no weights."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _TOKENIZERS[family](folder).get_vocab_size()
    sizes = _SIZES | {"vocab_size": vocabulary, "num_labels": labels, "pad_token_id": _PAD[family], "max_position_embeddings": 514}
    config = sizes | {"model_type": family}
    return Model(
        name=family,
        revision="1",
        folder=folder,
        spec=parse_spec(config),
        weights=Weights([]),
        named=NamedWeights(Weights([]), {}),
        tokenizer_file=folder / "tokenizer.json",
        max_length=max_length,
        stored_precision="f32",
        config=config,
    )


class StandIn(FakeBackend):
    """The fake backend with other traits; remembers the shape of every batch it was given."""

    def __init__(self, model: Model, *, parallel: int = 1, padding_free: bool = True) -> None:
        super().__init__(model)
        self._traits = replace(self._traits, parallel=parallel, padding_free=padding_free)
        self.shapes: list[tuple[int, int]] = []
        self.tokens: list[int] = []
        self.closed = 0
        self._lock = threading.Lock()

    def forward(self, batch: Batch) -> Floats:
        with self._lock:
            self.shapes.append((batch.rows, batch.input_ids.shape[1]))
            self.tokens.append(batch.tokens)
        return super().forward(batch)

    def close(self) -> None:
        self.closed += 1
        super().close()


class FailsAt(StandIn):
    """Raises `error` on forward number `call`, counted from 1; answers all others."""

    def __init__(self, model: Model, call: int, error: BaseException | None = None, **traits: int) -> None:
        super().__init__(model, **traits)  # type: ignore[arg-type]
        self._call = call
        self._error = BackendError("the device is gone") if error is None else error
        self._calls = itertools.count(1)  # not the length of `shapes`: two streams may both have added theirs before either looks

    def forward(self, batch: Batch) -> Floats:
        number = next(self._calls)
        logits = super().forward(batch)
        if number == self._call:
            raise self._error
        return logits


class SmallMemory(StandIn):
    """Out of memory above `rows` rows."""

    def __init__(self, model: Model, rows: int, **traits: int) -> None:
        super().__init__(model, **traits)  # type: ignore[arg-type]
        self._rows = rows

    def forward(self, batch: Batch) -> Floats:
        if batch.rows > self._rows:
            raise BackendMemoryError(f"memory ran out on {batch.rows} rows")
        return super().forward(batch)


class Gate(StandIn):
    """Every forward says that it has begun, then waits until the gate is opened."""

    def __init__(self, model: Model, **traits: int) -> None:
        super().__init__(model, **traits)  # type: ignore[arg-type]
        self.begun = threading.Event()
        self.open = threading.Event()

    def forward(self, batch: Batch) -> Floats:
        self.begun.set()
        assert self.open.wait(30), "nobody opened the gate"
        return super().forward(batch)


async def give_up(call: Coroutine[Any, Any, Any], backend: Gate) -> None:
    """Cancel `call` while its first batch runs, then let the batch through. asyncio.run() waits for the thread."""
    task = asyncio.create_task(call)
    while not backend.begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    backend.open.set()


class Answers(StandIn):
    """Returns what a function makes of the fake's own logits."""

    def __init__(self, model: Model, change: Callable[[Floats], Floats], **traits: int) -> None:
        super().__init__(model, **traits)  # type: ignore[arg-type]
        self._change = change

    def forward(self, batch: Batch) -> Floats:
        return self._change(super().forward(batch))


class Told(StandIn):
    """Gives a document the logit it is told: `logits` maps the document's token ids to it."""

    logits: dict[tuple[int, ...], float]

    def forward(self, batch: Batch) -> Floats:
        super().forward(batch)
        rows = (tuple(int(i) for i in ids[segments == DOCUMENT]) for ids, segments in zip(batch.input_ids, batch.segments, strict=True))
        return np.array([[self.logits[row]] for row in rows], np.float32)

    def tell(self, engine: Engine, texts: Sequence[str], logits: Sequence[float]) -> None:
        """`logits[i]` for `texts[i]`; texts must differ in their tokens."""
        encoded = engine.tokeniser.encode(texts, short=10**9)
        self.logits = {tuple(int(i) for i in e.ids): float(x) for e, x in zip(encoded, logits, strict=True)}
        assert len(self.logits) == len(set(texts))


def engine_with(
    model: Model,
    make: MakeBackend = StandIn,
    *,
    max_length: int | None = None,
    windows: WindowConfig | None = None,
    batches: BatchConfig | None = None,
) -> Engine:
    """An engine on `model`, with a stand-in for its backend."""
    config = EngineConfig(
        max_length=max_length,
        windows=WindowConfig() if windows is None else windows,
        batches=BatchConfig() if batches is None else batches,
    )
    return Engine(model, make(model), Tokeniser(model), config)


def judge_with(patch: pytest.MonkeyPatch, model: Model, make: MakeBackend = StandIn, **options: Any) -> Reranker:
    """A Reranker on `model`, with a stand-in for its backend."""
    patch.setattr("adjudge.reranker.load_model", lambda _name, _source: model)
    patch.setattr("adjudge.reranker.open_backend", lambda loaded, _config: make(loaded))
    return Reranker(model.name, **options)

"""The contract between the engine and a backend: arrays in, logits out. Nothing here knows text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOCUMENT", "QUERY", "SPECIAL", "Backend", "Batch", "Floats", "Ints", "Traits"]

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]

SPECIAL, QUERY, DOCUMENT = 0, 1, 2
"""The values of `Batch.segments`: special token or padding, query token, document token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pairs as token ids, one row a pair, padded on the right to the longest row."""

    input_ids: Ints  # (rows, length) int32; padding holds the model's pad id
    lengths: Ints  # (rows,) int32, real tokens a row, each >= 1
    token_type_ids: Ints  # (rows, length) int32; what the tokenizer's own template says, 0 in padding and where no types are fed
    segments: Ints  # (rows, length) int32: SPECIAL, QUERY or DOCUMENT

    @property
    def rows(self) -> int:
        """How many pairs."""
        return int(self.input_ids.shape[0])

    @property
    def tokens(self) -> int:
        """Real tokens."""
        return int(self.lengths.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a loaded backend is, for results, `adjudge doctor` and the batch planner."""

    backend: str  # "openvino", "torch", "onnx", "fake"
    device: str  # "cpu", "cuda:0", "mps"
    precision: str  # what really runs: "f32", "bf16", "f16", "int8"
    outputs: int  # columns of what forward() returns
    padding_free: bool  # True: padding costs nothing, so a batch is charged its real tokens
    parallel: int  # how many forward() calls at once make good use of the device
    batch_tokens: int = 2048  # a good budget for one forward(): enough work to fill the device, little enough to share out evenly
    length_step: int = 1  # batches are padded to a multiple of this, where the model is long enough: fewer and rounder shapes
    forward_tokens: int | None = None  # one more forward() costs as much as so many tokens; None: not known, so rather padding
    notes: tuple[str, ...] = ()  # what was decided for the user and why, one sentence each


class Backend(Protocol):
    """A model that is loaded and ready."""

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        ...

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits, row i for row i of the batch. Safe to call from several threads.

        For a TokenHead (batch.tokens, outputs): the real tokens of all rows end to end, padding left out.
        Raises BackendMemoryError when memory runs out (the engine then halves the batch), BackendError otherwise.
        """
        ...

    def close(self) -> None:
        """Free what the model holds. Safe to call twice."""
        ...

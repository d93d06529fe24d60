"""Batches for backends, made without the engine: the tokenizer's own template gives ids, types and segments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from tokenizers import Encoding, Tokenizer

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL, Batch
from adjudge.models.model import Model

__all__ = ["Pairs", "batch_of", "encode", "shuffled", "take", "with_padding"]

Pairs: TypeAlias = Sequence[tuple[str, str]]

_SEGMENT = {None: SPECIAL, 0: QUERY, 1: DOCUMENT}


def encode(tokenizer_file: Path, pairs: Pairs, *, max_length: int) -> list[Encoding]:
    """Pairs as the tokenizer's own template lays them out, cut to `max_length`."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length, strategy="longest_first")
    return list(tokenizer.encode_batch(list(pairs)))


def batch_of(model: Model, pairs: Pairs) -> Batch:
    """One batch of all pairs, padded to the longest."""
    encodings = encode(model.tokenizer_file, pairs, max_length=model.max_length)
    longest = max(len(encoding.ids) for encoding in encodings)
    batch = Batch(
        input_ids=np.full((len(pairs), longest), model.spec.pad_token_id, np.int32),
        lengths=np.array([len(encoding.ids) for encoding in encodings], np.int32),
        token_type_ids=np.zeros((len(pairs), longest), np.int32),
        segments=np.full((len(pairs), longest), SPECIAL, np.int32),
    )
    for row, encoding in enumerate(encodings):
        real = slice(0, len(encoding.ids))
        batch.input_ids[row, real] = encoding.ids
        batch.token_type_ids[row, real] = encoding.type_ids
        batch.segments[row, real] = [_SEGMENT[sequence] for sequence in encoding.sequence_ids]
    return batch


def take(batch: Batch, rows: Sequence[int]) -> Batch:
    """Some rows as a batch of their own, padded to the longest of them."""
    chosen = np.asarray(rows)
    longest = int(batch.lengths[chosen].max())
    return Batch(
        input_ids=batch.input_ids[chosen, :longest],
        lengths=batch.lengths[chosen],
        token_type_ids=batch.token_type_ids[chosen, :longest],
        segments=batch.segments[chosen, :longest],
    )


def with_padding(batch: Batch, extra: int, *, pad_id: int) -> Batch:
    """The same rows with `extra` more columns of padding."""

    def widen(part: np.ndarray, value: int) -> np.ndarray:
        return np.pad(part, ((0, 0), (0, extra)), constant_values=value)

    return Batch(
        input_ids=widen(batch.input_ids, pad_id),
        lengths=batch.lengths,
        token_type_ids=widen(batch.token_type_ids, 0),
        segments=widen(batch.segments, SPECIAL),
    )


def shuffled(batch: Batch, *, seed: int) -> tuple[Batch, np.ndarray]:
    """The rows in another order, and that order: row i of the result is row order[i] of `batch`."""
    order = np.random.default_rng(seed).permutation(batch.rows)
    return take(batch, order.tolist()), order

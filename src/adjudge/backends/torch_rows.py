"""Rows of unlike length for networks of transformers: which padding they know, and which of them bear none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..models.model import Model
from ..models.spec import Family
from .base import Batch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Rows", "alike", "rows_for"]

Said = TypeVar("Said")

# BigBird turns its sparse attention off for good once it sees a short row, so it is not tried out. It reads its first column.
_KNOWN_TO_BEAR = frozenset({"big_bird"})


@dataclass(frozen=True, slots=True)
class Rows:
    """How a network is asked."""

    pad: int | None  # the network's own padding, which config.json may leave out
    alone: str  # why its rows are asked one at a time; "" where they go together

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it."""
        return (f"Pairs are computed one at a time, which is slow: {self.alone}.",) if self.alone else ()

    def ask(self, forward: Callable[[Batch], Said], batch: Batch) -> list[Said]:
        """What `forward` says of all rows in their order: of the whole batch, or of one row after the other."""
        if not self.alone:
            try:
                return [forward(self._padded(batch))]
            except ValueError:  # BART wants as many end tokens in every row, and a text may spell one
                pass
        return [forward(row) for row in _single(batch)]

    def _padded(self, batch: Batch) -> Batch:
        assert self.pad is not None, "this is a bug: rows without a padding go alone"
        real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
        return replace(batch, input_ids=np.where(real, batch.input_ids, np.int32(self.pad)))


def rows_for(network: Any, model: Model, logits: Callable[[Batch], Tensor], *, half: bool) -> Rows:
    """Try with a few rows whether padding changes what `network` says. `logits`: how it is asked; `half`: in half precision."""
    import torch

    pad: int | None = getattr(network.config, "pad_token_id", None)
    if pad is None:  # decoders find a row's end by its padding
        return Rows(pad, f"the family {model.spec.model_type!r} has no padding token here")
    together = Rows(pad, "")
    if model.spec.family is not Family.OTHER or model.spec.model_type in _KNOWN_TO_BEAR:
        return together
    batch = _probe(network.config)
    try:
        with torch.no_grad():
            company, single = logits(together._padded(batch)), torch.cat([logits(row) for row in _single(batch)])
    except torch.OutOfMemoryError:
        raise
    except (IndexError, RuntimeError, ValueError) as exc:  # nothing is known of it, and one row at a time is always right
        return Rows(pad, f"a trial with padding failed ({exc})")
    if alike(company, single, half=half):
        return together
    return Rows(pad, f"padding changes the scores of the family {model.spec.model_type!r}")


def alike(one: Tensor, other: Tensor, *, half: bool) -> bool:
    """Whether two tables of logits are the same but for rounding, which grows with the logits."""
    tolerance = 0.05 if half else 1e-3
    return bool(((one - other).abs() <= tolerance * other.abs().clamp(min=1)).all())


def _single(batch: Batch) -> Iterator[Batch]:
    for row, length in enumerate(batch.lengths):
        part = slice(row, row + 1), slice(0, int(length))
        yield Batch(
            input_ids=batch.input_ids[part],
            lengths=batch.lengths[row : row + 1],
            token_type_ids=batch.token_type_ids[part],
            segments=batch.segments[part],
        )


def _probe(config: Any) -> Batch:
    """Rows of 3 to 8 tokens, each ended by the end token where the family has one."""
    special = {getattr(config, f"{name}_token_id", None) for name in ("pad", "bos", "eos", "cls", "sep")}
    words = [number for number in range(32) if number not in special]
    lengths, end = np.array([8, 5, 3], np.int32), getattr(config, "eos_token_id", None)
    ids = np.array([words[start : start + 8] for start in (0, 5, 10)], np.int32)
    if isinstance(end, int):
        ids[np.arange(3), lengths - 1] = end
    return Batch(input_ids=ids, lengths=lengths, token_type_ids=np.zeros_like(ids), segments=np.zeros_like(ids))

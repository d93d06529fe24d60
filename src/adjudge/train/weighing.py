"""The losses of a chunk, weighed so that the chunks of a step add up to the step's own mean, however it was cut to fit the memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .feed import Chunk
from .losses import Lists, aspect_sums, distil_kl, lambda_loss, listwise_softmax, margin_mse, pairwise_logistic, pointwise_bce
from .settings import LossConfig

__all__ = ["Counts", "count", "total", "weigh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many groups (of aspects: passages) each kind of loss applies to: what its mean is taken over."""

    listwise: int  # groups with a gain above 0 beside another known one
    paired: int  # groups with two different gains
    graded: int  # groups with any gain
    taught: int  # groups with two teacher's logits
    aspects: tuple[int, ...]  # labelled passages, for each aspect


def count(chunk: Chunk) -> Counts:
    """Of one chunk."""
    known = chunk.mask & ~np.isnan(chunk.gains)
    highest = np.where(known, chunk.gains, -np.inf).max(axis=1)
    lowest = np.where(known, chunk.gains, np.inf).min(axis=1)
    return Counts(
        listwise=int(((highest > 0) & (known.sum(axis=1) > 1)).sum()),
        paired=int((highest > lowest).sum()),
        graded=int(known.any(axis=1).sum()),
        taught=int(((chunk.mask & ~np.isnan(chunk.teacher)).sum(axis=1) > 1).sum()),
        aspects=tuple(int(n) for n in (~np.isnan(chunk.aspects)).sum(axis=0)),
    )


def total(counts: Sequence[Counts]) -> Counts:
    """Of all chunks of a step."""
    return Counts(
        listwise=sum(c.listwise for c in counts),
        paired=sum(c.paired for c in counts),
        graded=sum(c.graded for c in counts),
        taught=sum(c.taught for c in counts),
        aspects=tuple(sum(column) for column in zip(*(c.aspects for c in counts), strict=True)),
    )


def weigh(lists: Lists, said: Any, labels: Any, config: LossConfig, counts: tuple[Counts, Counts]) -> Any:
    """This chunk's part of the step's loss. `said` and `labels`: (passages, aspects); `counts`: the chunk's and the step's.

    Losses of weight 0 are not computed. Each other one is a mean over what it applies to in the chunk, times the chunk's share of that.
    """
    own, step = counts
    parts: list[tuple[float, int, int, Callable[[], Any]]] = [
        (config.listwise, own.listwise, step.listwise, lambda: listwise_softmax(lists)),
        (config.pairwise, own.paired, step.paired, lambda: pairwise_logistic(lists)),
        (config.pointwise, own.graded, step.graded, lambda: pointwise_bce(lists)),
        (config.lambda_rank, own.paired, step.paired, lambda: lambda_loss(lists)),
        (config.margin_mse, own.taught, step.taught, lambda: margin_mse(lists)),
        (config.kl, own.taught, step.taught, lambda: distil_kl(lists, temperature=config.kl_temperature)),
    ]
    found: Any = lists.logits.sum() * 0.0  # so that a step that teaches nothing still has a gradient, of zero
    for weight, here, everywhere, compute in parts:
        if weight and here:
            found = found + weight * (here / everywhere) * compute()
    if config.aspects and any(own.aspects):
        labelled = said.new_tensor(step.aspects).clamp(min=1)
        found = found + config.aspects * (aspect_sums(said, labels) / labelled).sum() / sum(n > 0 for n in step.aspects)
    return found

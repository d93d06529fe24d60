"""Heads in torch: float32 logits from hidden states of whatever precision. Formulas: models/heads.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..models.heads import ClassificationHead, EmbeddingHead, MatchHead, TokenHead
from ..models.model import Model
from .base import DOCUMENT, QUERY
from .torch_device import Placement
from .torch_encoder import Tensors, activate
from .torch_packed import Packed

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Head", "build_head"]

_MASKED = -2.0
"""Stands for similarities that do not count, below every cosine; so a pair without document tokens is as bad as can be."""


class Head(Protocol):
    """Hidden states in, (rows, outputs) float32 out."""

    firsts_only: bool  # True: wants (rows, hidden), the first token of each pair; False: (tokens, hidden)

    def __call__(self, packed: Packed, hidden: Tensor) -> Tensor:
        """Score."""
        ...


def build_head(model: Model, placement: Placement) -> Head:
    """The head of `model`; its own weights are float32 in every precision, since a score is only as fine as its last step."""
    import torch

    exact = Placement(device=placement.device, dtype=torch.float32, precision="f32", notes=())
    head, tensors = model.spec.head, Tensors(model, exact)
    if isinstance(head, MatchHead):
        return _Match(head, tensors)
    if isinstance(head, EmbeddingHead):
        return _Embedding(head)
    if isinstance(head, TokenHead):
        return _Tokens()
    return _Classification(head, tensors)


class _Classification:
    def __init__(self, head: ClassificationHead, tensors: Tensors) -> None:
        self.firsts_only = head.pool == "first"
        self._activation = head.dense_activation
        self._dense = tensors.linear("head.dense")
        self._norm = tensors.norm("head.norm") if head.norm else None
        self._out = tensors.linear("head.out")

    def __call__(self, packed: Packed, hidden: Tensor) -> Tensor:
        pooled = hidden.float() if self.firsts_only else _mean(packed, hidden, None)
        x = activate(self._dense(pooled), self._activation)
        return self._out(x if self._norm is None else self._norm(x))


class _Embedding:
    def __init__(self, head: EmbeddingHead) -> None:
        self.firsts_only = head.pool == "first"
        self._normalise = head.normalise

    def __call__(self, packed: Packed, hidden: Tensor) -> Tensor:
        pooled = hidden.float() if self.firsts_only else _mean(packed, hidden, None)
        return _unit(pooled) if self._normalise else pooled


class _Tokens:
    firsts_only = False

    def __call__(self, packed: Packed, hidden: Tensor) -> Tensor:
        return hidden.float()


class _Match:
    firsts_only = False

    def __init__(self, head: MatchHead, tensors: Tensors) -> None:
        self._pooled = tensors.linear("head.pooled")
        self._aspects = tensors.linear("aspects") if head.aspects else None
        self._cosine, self._max_similarity, self._offset = (
            tensors.tensor(f"head.{part}").reshape(()) for part in ("cosine", "max_similarity", "offset")
        )

    def __call__(self, packed: Packed, hidden: Tensor) -> Tensor:
        import torch

        query, document = packed.segments == QUERY, packed.segments == DOCUMENT
        whole = (_unit(_mean(packed, hidden, query)) * _unit(_mean(packed, hidden, document))).sum(-1, keepdim=True)
        best = _best_match(packed, hidden, query, document)
        mean = _mean(packed, hidden, None)
        relevance = self._pooled(mean) + self._cosine * whole + self._max_similarity * best + self._offset
        return relevance if self._aspects is None else torch.cat([relevance, self._aspects(mean)], 1)


def _mean(packed: Packed, hidden: Tensor, chosen: Tensor | None) -> Tensor:
    """(rows, hidden) float32: the mean over each pair's chosen tokens (None: all), zeros where none is chosen."""
    means = []
    for group in packed.rectangles.groups:
        weight = group.real if chosen is None else group.real & group.padded(chosen)
        total = (group.padded(hidden).float() * weight[:, :, None]).sum(1)
        means.append(total / weight.sum(1, keepdim=True).clamp(min=1))
    return packed.rectangles.rows(means)


def _best_match(packed: Packed, hidden: Tensor, query: Tensor, document: Tensor) -> Tensor:
    """(rows, 1): for each query token its most similar document token, the mean of these cosines."""
    means, unit = [], _unit(hidden.float())
    for group in packed.rectangles.groups:
        tokens, asks, answers = group.padded(unit), group.real & group.padded(query), group.real & group.padded(document)
        best = (tokens @ tokens.transpose(1, 2)).masked_fill(~answers[:, None, :], _MASKED).amax(2)
        means.append((best * asks).sum(1, keepdim=True) / asks.sum(1, keepdim=True).clamp(min=1))
    return packed.rectangles.rows(means)


def _unit(x: Tensor) -> Tensor:
    from torch.nn.functional import normalize

    return normalize(x, dim=-1, eps=1e-12)

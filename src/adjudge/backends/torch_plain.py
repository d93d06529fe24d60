"""The plain way: padded, float32, one step after the other as in the papers. Slow, and what the fast ways are measured against."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..models.heads import ClassificationHead, EmbeddingHead, TokenHead
from ..models.model import Model
from ..models.spec import RotarySpec
from .base import DOCUMENT, QUERY, Batch, Floats
from .positions import position_ids

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["plain_logits"]


def plain_logits(model: Model, batch: Batch) -> Floats:
    """(rows, labels) float32 logits of a native family, computed on the CPU with nothing clever. Reads the weights anew each time.

    Auxiliary heads are left out.
    """
    import torch

    with torch.inference_mode():
        return _Plain(model).logits(batch)


class _Plain:
    def __init__(self, model: Model) -> None:
        self.spec = model.spec
        self.named = model.named

    def tensor(self, name: str) -> Tensor:
        import torch

        return torch.from_numpy(self.named.array(name))

    def linear(self, x: Tensor, stem: str) -> Tensor:
        out = x @ self.tensor(f"{stem}.weight").T
        return out + self.tensor(f"{stem}.bias") if f"{stem}.bias" in self.named else out

    def norm(self, x: Tensor, stem: str) -> Tensor:
        if f"{stem}.weight" not in self.named:
            return x
        centred = x - x.mean(-1, keepdim=True)
        out = centred / (centred.square().mean(-1, keepdim=True) + self.spec.norm_eps).sqrt() * self.tensor(f"{stem}.weight")
        return out + self.tensor(f"{stem}.bias") if f"{stem}.bias" in self.named else out

    def logits(self, batch: Batch) -> Floats:
        import torch

        real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
        mask = torch.from_numpy(real)
        hidden = self._bert(batch, mask) if self.spec.rotary is None else self._modernbert(batch, mask, self.spec.rotary)
        segments = torch.from_numpy(batch.segments)
        rows = [self._head(hidden[row][mask[row]], segments[row][mask[row]]) for row in range(batch.rows)]
        return (torch.cat(rows) if isinstance(self.spec.head, TokenHead) else torch.stack(rows)).numpy()

    def _bert(self, batch: Batch, mask: Tensor) -> Tensor:
        import torch

        words, places = self.tensor("word_embeddings.weight"), self.tensor("position_embeddings.weight")
        positions = torch.from_numpy(position_ids(batch.input_ids, self.spec).copy())  # torch takes no array that may not be written
        x = words[torch.from_numpy(batch.input_ids)] + places[positions]
        if "token_type_embeddings.weight" in self.named:
            x = x + self.tensor("token_type_embeddings.weight")[torch.from_numpy(batch.token_type_ids)]
        x = self.norm(x, "embeddings_norm")
        if "embeddings_projection.weight" in self.named:
            x = self.linear(x, "embeddings_projection")
        for i in range(self.spec.layers):
            at = f"layer.{i}."
            query, key, value = (self.linear(x, at + part) for part in ("query", "key", "value"))
            mixed = self._attend(query, key, value, mask[:, None, :])
            x = self.norm(x + self.linear(mixed, at + "attention_output"), at + "attention_norm")
            inner = _activate(self.linear(x, at + "intermediate"), self.spec.activation)
            x = self.norm(x + self.linear(inner, at + "output"), at + "output_norm")
        return x

    def _modernbert(self, batch: Batch, mask: Tensor, rotary: RotarySpec) -> Tensor:
        import torch

        x = self.norm(self.tensor("word_embeddings.weight")[torch.from_numpy(batch.input_ids)], "embeddings_norm")
        steps = torch.arange(mask.shape[1])
        near = (steps[:, None] - steps[None, :]).abs() <= rotary.local_window // 2
        for i in range(self.spec.layers):
            at, whole = f"layer.{i}.", i % rotary.global_every == 0
            query, key, value = self.linear(self.norm(x, at + "attention_norm"), at + "qkv").chunk(3, dim=-1)
            theta = rotary.global_theta if whole else rotary.local_theta
            seen = mask[:, None, :] if whole else mask[:, None, :] & near
            mixed = self._attend(self._rotate(query, theta), self._rotate(key, theta), value, seen)
            x = x + self.linear(mixed, at + "attention_output")
            active, gate = self.linear(self.norm(x, at + "output_norm"), at + "gated").chunk(2, dim=-1)
            x = x + self.linear(_activate(active, self.spec.activation) * gate, at + "output")
        return self.norm(x, "final_norm")

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
        """softmax(q k^T / sqrt(size)) v, one head after the other; `seen` is (rows, queries or 1, keys)."""
        import torch

        size = self.spec.hidden_size // self.spec.attention_heads
        heads = []
        for head in range(self.spec.attention_heads):
            part = slice(head * size, (head + 1) * size)
            scores = query[..., part] @ key[..., part].transpose(1, 2) / size**0.5
            heads.append(scores.masked_fill(~seen, torch.finfo(torch.float32).min).softmax(-1) @ value[..., part])
        return torch.cat(heads, dim=-1)

    def _rotate(self, x: Tensor, theta: float) -> Tensor:
        """As complex numbers: features k and k + size/2 of a head are turned by position * theta^(-2k/size)."""
        import torch

        size = self.spec.hidden_size // self.spec.attention_heads
        by_head = x.unflatten(-1, (-1, 2, size // 2))
        angle = torch.arange(x.shape[1])[:, None] * theta ** (-torch.arange(0, size, 2) / size)
        turned = torch.complex(by_head[..., 0, :], by_head[..., 1, :]) * torch.polar(torch.ones_like(angle), angle)[:, None]
        return torch.stack((turned.real, turned.imag), dim=-2).flatten(-3)

    def _head(self, hidden: Tensor, segments: Tensor) -> Tensor:
        """The head for one pair, its (tokens, hidden) states without padding."""
        head = self.spec.head
        if isinstance(head, ClassificationHead):
            pooled = hidden[0] if head.pool == "first" else hidden.mean(0)
            x = _activate(self.linear(pooled, "head.dense"), head.dense_activation)
            return self.linear(self.norm(x, "head.norm") if head.norm else x, "head.out")
        if isinstance(head, EmbeddingHead):
            pooled = hidden[0] if head.pool == "first" else hidden.mean(0)
            return pooled / pooled.norm() if head.normalise else pooled
        if isinstance(head, TokenHead):
            return hidden
        return self._match(hidden, hidden[segments == QUERY], hidden[segments == DOCUMENT])

    def _match(self, hidden: Tensor, query: Tensor, document: Tensor) -> Tensor:
        import torch

        logit = self.linear(hidden.mean(0), "head.pooled") + self.tensor("head.offset").reshape(1)
        if not len(query):
            return logit
        if not len(document):
            return logit - 2 * self.tensor("head.max_similarity").reshape(1)
        whole = torch.cosine_similarity(query.mean(0), document.mean(0), dim=0)
        met = torch.cosine_similarity(query[:, None], document[None, :], dim=-1).amax(1).mean()
        return logit + self.tensor("head.cosine").reshape(1) * whole + self.tensor("head.max_similarity").reshape(1) * met


def _activate(x: Tensor, kind: str) -> Tensor:
    import torch

    if kind == "gelu":
        return 0.5 * x * (1 + torch.erf(x / 2**0.5))
    if kind == "gelu_tanh":
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x.pow(3))))
    if kind == "silu":
        return x * torch.sigmoid(x)
    return {"relu": x.clamp(min=0), "tanh": torch.tanh(x), "none": x}[kind]

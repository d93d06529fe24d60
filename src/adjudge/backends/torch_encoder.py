"""Encoders in torch without padding: BERT-like ones and ModernBERT, straight from a checkpoint's tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..models.model import Model
from ..models.spec import RotarySpec
from .torch_device import Placement
from .torch_packed import Packed, choose_attention

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Encoder", "Linear", "Norm", "Tensors", "activate"]


class Tensors:
    """The checkpoint's tensors by canonical name, on a device, in one number format."""

    def __init__(self, model: Model, placement: Placement) -> None:
        """Read from `model`, convert to what `placement` says."""
        self._named = model.named
        self._eps = model.spec.norm_eps
        self._placement = placement

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def tensor(self, name: str) -> Tensor:
        """One tensor."""
        import torch

        return torch.from_numpy(self._named.array(name)).to(self._placement.device, self._placement.dtype)

    def linear(self, *stems: str) -> Linear:
        """One layer; several stems make one wider layer, their outputs side by side."""
        import torch

        weight = torch.cat([self.tensor(f"{stem}.weight") for stem in stems])
        if f"{stems[0]}.bias" not in self:
            return Linear(weight, None)
        return Linear(weight, torch.cat([self.tensor(f"{stem}.bias") for stem in stems]))

    def norm(self, stem: str) -> Norm:
        """A layer normalisation; without weights (ModernBERT's first) it hands its input through."""
        if f"{stem}.weight" not in self:
            return Norm(None, None, self._eps)
        bias = self.tensor(f"{stem}.bias") if f"{stem}.bias" in self else None
        return Norm(self.tensor(f"{stem}.weight"), bias, self._eps)


@dataclass(frozen=True, slots=True)
class Linear:
    """x @ weight.T + bias."""

    weight: Tensor  # (out, in)
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        from torch.nn.functional import linear

        return linear(x, self.weight, self.bias)

    def rows(self, start: int, stop: int | None) -> Linear:
        """The layer that gives only these outputs."""
        return Linear(self.weight[start:stop], None if self.bias is None else self.bias[start:stop])


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation over the last axis."""

    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """Same shape."""
        from torch.nn.functional import layer_norm

        return x if self.weight is None else layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


def activate(x: Tensor, kind: str) -> Tensor:
    """The activation that config.json names."""
    import torch
    from torch.nn.functional import gelu, silu

    if kind == "gelu_tanh":
        return gelu(x, approximate="tanh")
    kinds: dict[str, Callable[[Tensor], Tensor]] = {"gelu": gelu, "relu": torch.relu, "silu": silu, "tanh": torch.tanh, "none": lambda v: v}
    return kinds[kind](x)


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: Linear
    attention_output: Linear
    attention_norm: Norm
    widen: Linear
    output: Linear
    output_norm: Norm


class Encoder:
    """Token ids in, last hidden states out. Holds no state between calls."""

    def __init__(self, model: Model, placement: Placement) -> None:
        """Bring the weights to the device."""
        spec = model.spec
        tensors = Tensors(model, placement)
        self._spec = spec
        self._heads, self._head_size = spec.attention_heads, spec.hidden_size // spec.attention_heads
        self._attention = choose_attention(placement.device, placement.dtype, self._head_size)
        self._words = tensors.tensor("word_embeddings.weight")
        self._positions = None if spec.rotary else tensors.tensor("position_embeddings.weight")
        self._types = tensors.tensor("token_type_embeddings.weight") if "token_type_embeddings.weight" in tensors else None
        self._embeddings_norm = tensors.norm("embeddings_norm")
        self._projection = tensors.linear("embeddings_projection") if "embeddings_projection.weight" in tensors else None
        self._layers = [_layer(tensors, f"layer.{index}.", rotary=spec.rotary is not None) for index in range(spec.layers)]
        self._final_norm = tensors.norm("final_norm")

    def __call__(self, packed: Packed, *, firsts_only: bool) -> Tensor:
        """Last hidden states, (tokens, hidden); with `firsts_only` those of each pair's first token alone, (rows, hidden).

        In the last layer a head that reads only the first token needs no other token's query and feed-forward: the result is
        the same and most of that layer's work is saved.
        """
        x = self._embed(packed)
        rotary = self._spec.rotary
        run = self._bert_layer if rotary is None else partial(self._modern_layer, self._turns(packed, rotary))
        last = self._spec.layers - 1
        trim = firsts_only and self._reach(last) is None
        for index in range(last):
            x = run(packed, x, index, False)
        x = run(packed, x, last, trim)
        x = x if trim or not firsts_only else x[packed.firsts]
        return self._final_norm(x)

    def _embed(self, packed: Packed) -> Tensor:
        from torch.nn.functional import embedding

        x = embedding(packed.ids, self._words)
        if self._positions is not None:
            x = x + embedding(packed.positions, self._positions)
        if self._types is not None:
            x = x + embedding(packed.type_ids, self._types)
        x = self._embeddings_norm(x)
        return x if self._projection is None else self._projection(x)

    def _bert_layer(self, packed: Packed, x: Tensor, index: int, trim: bool) -> Tensor:
        layer = self._layers[index]
        query, key, value = self._split(layer.qkv, packed, x, trim)
        x = x[packed.firsts] if trim else x
        mixed = self._attention(packed, query, key, value, None).flatten(1)
        x = layer.attention_norm(x + layer.attention_output(mixed))
        return layer.output_norm(x + layer.output(activate(layer.widen(x), self._spec.activation)))

    def _modern_layer(self, turns: tuple[_Turn, _Turn], packed: Packed, x: Tensor, index: int, trim: bool) -> Tensor:
        layer, reach = self._layers[index], self._reach(index)
        turn = turns[0 if reach is None else 1]
        query, key, value = self._split(layer.qkv, packed, layer.attention_norm(x), trim)
        query = query if trim else turn(query)  # a first token stands at position 0, where nothing is turned
        mixed = self._attention(packed, query, turn(key), value, reach).flatten(1)
        x = (x[packed.firsts] if trim else x) + layer.attention_output(mixed)
        active, gate = layer.widen(layer.output_norm(x)).chunk(2, dim=-1)
        return x + layer.output(activate(active, self._spec.activation) * gate)

    def _turns(self, packed: Packed, rotary: RotarySpec) -> tuple[_Turn, _Turn]:
        """(for layers that see all, for layers that see a window)."""
        whole, local = (_turn(packed.positions, theta, self._head_size) for theta in (rotary.global_theta, rotary.local_theta))
        return whole, local

    def _reach(self, index: int) -> int | None:
        """Tokens seen to either side in layer `index`; None: all."""
        rotary = self._spec.rotary
        return None if rotary is None or index % rotary.global_every == 0 else rotary.local_window // 2

    def _split(self, qkv: Linear, packed: Packed, x: Tensor, trim: bool) -> tuple[Tensor, Tensor, Tensor]:
        size = self._spec.hidden_size
        if not trim:
            query, key, value = qkv(x).view(-1, 3, self._heads, self._head_size).unbind(1)
            return query, key, value
        key, value = qkv.rows(size, None)(x).view(-1, 2, self._heads, self._head_size).unbind(1)
        return qkv.rows(0, size)(x[packed.firsts]).view(-1, self._heads, self._head_size), key, value


def _layer(tensors: Tensors, at: str, *, rotary: bool) -> _Layer:
    return _Layer(
        qkv=tensors.linear(at + "qkv") if rotary else tensors.linear(at + "query", at + "key", at + "value"),
        attention_output=tensors.linear(at + "attention_output"),
        attention_norm=tensors.norm(at + "attention_norm"),
        widen=tensors.linear(at + ("gated" if rotary else "intermediate")),
        output=tensors.linear(at + "output"),
        output_norm=tensors.norm(at + "output_norm"),
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    """Rotary positions: each pair of features turned by its position's angle. Su et al., RoFormer, arXiv 2104.09864."""

    cos: Tensor  # (tokens, 1, head size / 2), float32 in every precision
    sin: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(tokens, heads, head size) -> the same."""
        import torch

        low, high = x.float().chunk(2, dim=-1)
        return torch.cat((low * self.cos - high * self.sin, high * self.cos + low * self.sin), dim=-1).to(x.dtype)


def _turn(positions: Tensor, theta: float, size: int) -> _Turn:
    import torch

    frequency = 1.0 / theta ** (torch.arange(0, size, 2, dtype=torch.float32, device=positions.device) / size)
    angle = (positions[:, None].float() * frequency)[:, None]
    return _Turn(angle.cos(), angle.sin())

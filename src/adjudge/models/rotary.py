"""ModernBERT's rotary positions: which layers look at everything, and with which base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ModelFilesError, UnsupportedModelError
from .reader import Reader

__all__ = ["RotarySpec", "parse_rotary"]

_GLOBAL, _LOCAL = "full_attention", "sliding_attention"
_THETA = {_GLOBAL: 160_000.0, _LOCAL: 10_000.0}  # transformers' own defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class RotarySpec:
    """ModernBERT only: rotary positions, and which layers look only at a window around each token."""

    global_theta: float
    local_theta: float
    local_window: int  # tokens in all, so half of it on either side
    global_every: int  # layer i attends globally when i % global_every == 0
    norm_bias: bool
    attention_bias: bool
    mlp_bias: bool


def parse_rotary(config: Mapping[str, Any], *, layers: int) -> RotarySpec:
    """Read a ModernBERT config.json as transformers 4 and 5 write it."""
    read = Reader(config)
    return RotarySpec(
        global_theta=_theta(config, _GLOBAL, old_name="global_rope_theta"),
        local_theta=_theta(config, _LOCAL, old_name="local_rope_theta"),
        local_window=read.size("local_attention", default=128),
        global_every=_global_every(read, layers),
        norm_bias=read.flag("norm_bias"),
        attention_bias=read.flag("attention_bias"),
        mlp_bias=read.flag("mlp_bias"),
    )


def _theta(config: Mapping[str, Any], layer_type: str, *, old_name: str) -> float:
    """The base of one kind of layer: transformers 5 writes rope_parameters, transformers 4 a key for each."""
    read = Reader(config)
    if read.has("rope_scaling"):
        raise UnsupportedModelError("config.json stretches the rotary positions (rope_scaling), which adjudge does not compute")
    new = Reader(Reader(read.mapping("rope_parameters")).mapping(layer_type))
    if new.text("rope_type", default="default") != "default":
        raise UnsupportedModelError(f"config.json: rope_type {new.text('rope_type')!r} is not computed by adjudge; it knows 'default'")
    if new.has("rope_theta"):
        return new.positive("rope_theta")
    if config.get(old_name, _THETA[layer_type]) is None and layer_type == _LOCAL:  # an explicit null: as in the global layers
        return _theta(config, _GLOBAL, old_name="global_rope_theta")
    return read.positive(old_name, default=_THETA[layer_type])


def _global_every(read: Reader, layers: int) -> int:
    """transformers 5 lists the kind of every layer; the graphs know the pattern "every n-th layer, from the first on"."""
    kinds = read.strings("layer_types")
    if not kinds:
        return read.size("global_attn_every_n_layers", default=3)
    if len(kinds) != layers or set(kinds) - {_GLOBAL, _LOCAL}:
        raise ModelFilesError(f"config.json: layer_types must say {_GLOBAL} or {_LOCAL} for each of {layers} layers, not {kinds[:4]}...")
    every = kinds.index(_GLOBAL, 1) if _GLOBAL in kinds[1:] else layers
    if kinds != [_LOCAL if i % every else _GLOBAL for i in range(layers)]:
        raise UnsupportedModelError(
            "config.json: layer_types has a pattern that adjudge does not compute; it knows 'every n-th layer is global'"
        )
    return every

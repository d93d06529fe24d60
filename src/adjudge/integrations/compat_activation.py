"""What CrossEncoder does to logits, and what a model's own files say about it. A file only ever names one of two functions here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..engine.scores import sigmoid
from ..errors import ConfigError
from ..models.files import read_json
from ..models.reader import Reader
from .compat_base import warn
from .compat_tensors import apply_to_tensor

__all__ = ["Activation", "Settings", "activate", "default_activation", "identity", "read_settings", "softmax"]

Array: TypeAlias = NDArray[np.float32]
Activation: TypeAlias = Callable[[Array], Array]
"""(pairs, labels) float32 in, the same shape out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What sentence-transformers stores beside a model, besides config.json."""

    activation: object = None
    prompts: Mapping[str, Any] = field(default_factory=dict)
    default_prompt_name: str | None = None


def identity(logits: Array) -> Array:
    """As they are."""
    return logits


def _sigmoid(logits: Array) -> Array:
    return sigmoid(logits).astype(np.float32)


def softmax(scores: Array) -> Array:
    """Over the labels, (pairs, labels) -> the same; the maximum taken out first."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    made: Array = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
    return made


_KNOWN: Mapping[str, Activation] = {
    "torch.nn.modules.activation.Sigmoid": _sigmoid,
    "torch.nn.Sigmoid": _sigmoid,
    "torch.nn.modules.linear.Identity": identity,
    "torch.nn.Identity": identity,
}


def read_settings(folder: Path) -> Settings:
    """config_sentence_transformers.json, which counts only beside a modules.json, as in the original."""
    path = folder / "config_sentence_transformers.json"
    if not path.is_file() or not (folder / "modules.json").is_file():
        return Settings()
    stored = read_json(path)
    read = Reader(stored, file=str(path))
    name = read.text("default_prompt_name") if read.has("default_prompt_name") else None
    return Settings(stored.get("activation_fn"), read.mapping("prompts"), name)


def default_activation(settings: Settings, config: Mapping[str, Any], *, labels: int) -> Activation:
    """What the model's files name, newest place first; else sigmoid for one label and nothing for several.

    A name that is neither Sigmoid nor Identity of torch is not looked up, since a file must not choose what is imported: a warning
    says so and the default takes its place.
    """
    fallback = _sigmoid if labels == 1 else identity
    own = config.get("sentence_transformers")
    places = (
        settings.activation,
        own.get("activation_fn") if isinstance(own, Mapping) else None,
        config.get("sbert_ce_default_activation_function"),
    )
    named = next((place for place in places if place is not None), None)
    if named is None:
        return fallback
    known = _KNOWN.get(named) if isinstance(named, str) else None
    if known is None:
        instead = "sigmoid" if labels == 1 else "no activation"
        warn(f"the model's files name the activation {named!r}, and code is not run from a file: {instead} is used; or give activation_fn")
        return fallback
    return known


def activate(activation: object, logits: Array) -> Array:
    """Apply an activation of ours, torch's Sigmoid or Identity (without torch), or any other callable on tensors (with it)."""
    if not callable(activation):
        raise ConfigError(f"activation_fn must be a function such as torch.nn.Sigmoid(), not {activation!r}")
    if activation in (identity, _sigmoid):
        made: Array = activation(logits)
        return made
    known = _KNOWN.get(f"{type(activation).__module__}.{type(activation).__qualname__}")
    return known(logits) if known is not None else apply_to_tensor(activation, logits)

"""A model that was found and understood, ready for a backend: its shape, its tensors, its tokenizer file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import Calibration
from .spec import ModelSpec
from .weights import Array, Quantised, Weights

__all__ = ["Model", "NamedWeights"]

_OLD_LEAVES = {"weight": "gamma", "bias": "beta"}


class NamedWeights:
    """Weights under canonical names (see naming.py). `stem.weight`, `stem.bias`, or a bare stem for a single number."""

    def __init__(self, weights: Weights, names: Mapping[str, str]) -> None:
        """Look up in `weights`, translating stems by `names`."""
        self._weights = weights
        self._names = dict(names)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._translate(name) in self._weights

    def tensor(self, name: str) -> Array | Quantised:
        """As stored: a view of the file, or an int8 table with its scales. The file is never written."""
        return self._weights.tensor(self._translate(name))

    def array(self, name: str) -> NDArray[np.float32]:
        """In float32."""
        return self._weights.array(self._translate(name))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor."""
        return self._weights.shape(self._translate(name))

    def _translate(self, name: str) -> str:
        stem, dot, leaf = name.rpartition(".")
        if leaf in ("weight", "bias"):
            return self._as_stored(self._names.get(stem, stem) + dot, leaf)
        return self._names.get(name, name)

    def _as_stored(self, stem: str, leaf: str) -> str:
        """Checkpoints that were made from TensorFlow's say LayerNorm.gamma and .beta."""
        old = stem + _OLD_LEAVES[leaf]
        return old if stem.endswith("LayerNorm.") and old in self._weights and stem + leaf not in self._weights else stem + leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything a backend and the engine need to know; the tensors stay on disk until they are asked for."""

    name: str  # as the caller gave it: "embedded", a hub id, a folder
    revision: str  # commit hash of the hub, edition of the embedded model, "" for a plain folder
    folder: Path
    spec: ModelSpec
    weights: Weights
    named: NamedWeights
    tokenizer_file: Path  # tokenizer.json, or an older vocabulary: models/tokenizer_files.py reads either
    max_length: int  # usable tokens a pair, the smaller of config.json and the tokenizer's own limit
    stored_precision: str  # "f32", "f16", "bf16" or "int8": what the file holds
    calibration: Calibration = field(default_factory=Calibration)
    prompts: Mapping[str, str] = field(default_factory=dict)  # bi-encoder prefixes: {"query": "query: ", ...}
    config: Mapping[str, Any] = field(default_factory=dict)  # config.json as it is
    trust_remote_code: bool = False
    token_types: bool = True  # whether the tokenizer's type ids are fed; where not, every token is of type 0

    @property
    def exported_only(self) -> bool:
        """Whether there are no tensors to read, only an exported ONNX file, which only the onnx backend runs."""
        return not self.weights.names()

"""From a logit to a probability: temperature and bias, fitted on labelled pairs, kept beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFilesError
from .files import read_json

__all__ = ["FILE_NAME", "Calibration", "read_calibration"]

FILE_NAME = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """score = sigmoid(logit / temperature + bias). The default changes nothing.

    Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On calibration of modern neural networks", 2017.
    """

    temperature: float = 1.0
    bias: float = 0.0
    fitted: bool = False

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated logits, same shape."""
        if not self.fitted:
            return logits
        return (logits / np.float32(self.temperature) + np.float32(self.bias)).astype(np.float32)


def read_calibration(folder: Path) -> Calibration:
    """The calibration stored beside a model, or the neutral one where there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        return Calibration()
    stored = read_json(path)
    temperature = _number(path, stored, "temperature", least=1e-6)
    return Calibration(temperature=temperature, bias=_number(path, stored, "bias", least=-1e6), fitted=True)


def _number(path: Path, stored: Mapping[str, Any], name: str, *, least: float) -> float:
    value = stored.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 1e6:  # NaN fails the comparison
        raise ModelFilesError(f"{path}: {name} must be a number from {least:g} to 1e+06, not {value!r}; fit it again or delete the file")
    return float(value)

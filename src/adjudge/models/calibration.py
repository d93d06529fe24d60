"""From a logit to a probability: temperature and bias, fitted on labelled pairs, kept beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFilesError, ModelNotFoundError
from .files import read_json

__all__ = ["FILE_NAME", "LARGEST_TABLE", "Calibration", "CutOff", "load_calibration", "read_calibration"]

FILE_NAME = "calibration.json"

LARGEST_TABLE = 1000
"""More cut-offs than this are no table that `adjudge calibrate` wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """What keeping everything from `score` on gave on labelled pairs. All three lie in 0..1."""

    score: float  # a calibrated probability
    precision: float  # of what was kept, the share that is relevant
    recall: float  # of what is relevant, the share that was kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """score = sigmoid(logit / temperature + bias). The default changes nothing.

    `cutoffs`: ascending in score and precision, descending in recall; empty where none were measured, or none separates.
    Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On calibration of modern neural networks", 2017.
    """

    temperature: float = 1.0
    bias: float = 0.0
    fitted: bool = False
    cutoffs: tuple[CutOff, ...] = ()

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Calibrated logits, same shape."""
        if not self.fitted:
            return logits
        return (logits / np.float32(self.temperature) + np.float32(self.bias)).astype(np.float32)


def read_calibration(folder: Path) -> Calibration:
    """The calibration stored beside a model, or the neutral one where there is none. Raises ModelFilesError for a file that is wrong."""
    path = folder / FILE_NAME
    return _read(path) if path.is_file() else Calibration()


def load_calibration(path: str | Path) -> Calibration:
    """The calibration of a file that was named, or of the folder that holds one. Raises ModelNotFoundError where there is none."""
    named = Path(path)
    file = named / FILE_NAME if named.is_dir() else named
    if not file.is_file():
        raise ModelNotFoundError(f"there is no calibration {file}; `adjudge calibrate DATA --out FOLDER` writes one")
    return _read(file)


def _read(path: Path) -> Calibration:
    stored = read_json(path, remedy="write it again with `adjudge calibrate`, or delete the file")
    return Calibration(
        temperature=_number(path, stored, "temperature", least=1e-6),
        bias=_number(path, stored, "bias", least=-1e6),
        fitted=True,
        cutoffs=_cutoffs(path, stored.get("cutoffs", [])),
    )


def _cutoffs(path: Path, stored: object) -> tuple[CutOff, ...]:
    if not isinstance(stored, list) or len(stored) > LARGEST_TABLE:
        raise ModelFilesError(f"{path}: cutoffs must be a list of at most {LARGEST_TABLE} rows; fit it again or delete the file")
    rows = tuple(_row(path, number, row) for number, row in enumerate(stored))
    for number, (low, high) in enumerate(pairwise(rows), 1):
        if not (low.score < high.score and low.precision <= high.precision and low.recall >= high.recall):
            raise ModelFilesError(
                f"{path}: cutoffs[{number}] is out of order: from row to row the score must rise, the precision must not fall and the "
                "recall must not rise; fit it again or delete the file"
            )
    return rows


def _row(path: Path, number: int, stored: object) -> CutOff:
    if not isinstance(stored, Mapping):
        raise ModelFilesError(f"{path}: cutoffs[{number}] must be an object, not {type(stored).__name__}; fit it again or delete the file")
    values = [_number(path, stored, name, least=0.0, most=1.0, place=f"cutoffs[{number}].") for name in ("score", "precision", "recall")]
    return CutOff(score=values[0], precision=values[1], recall=values[2])


def _number(path: Path, stored: Mapping[str, Any], name: str, *, least: float, most: float = 1e6, place: str = "") -> float:
    value = stored.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:  # NaN fails the comparison
        raise ModelFilesError(
            f"{path}: {place}{name} must be a number from {least:g} to {most:g}, not {value!r}; fit it again or delete the file"
        )
    return float(value)

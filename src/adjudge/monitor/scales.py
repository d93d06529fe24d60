"""The scales that a sketch counts on. Each lays its numbers on the stretch from -32 to 32, which is cut into 2,048 cells of 1/32.

    probability   log-odds             0 to 1        within 1.6 % of the odds; what is nearer than 1.3e-14 to an end lies in the last cell
    real          8 asinh(value / 8)   any           within 1/64 near 0, within 0.2 % far from it; ends at -218 and 218
    positive      natural logarithm    0 and above   within 1.6 %; below 1.3e-14 is 0, ends at 7.9e13

Log-odds for probabilities, because a reranker's scores crowd at both ends: 0.001 and 0.01 are as far apart as 0.99 and 0.999, and on a
linear scale both pairs would share a cell.
"""

from __future__ import annotations

from reprlib import repr as shown
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ConfigError, InputError
from ..types import ScoreType

__all__ = ["CELLS", "RELATIVE_ERROR", "Cells", "Scale", "cells_of", "check_scale", "numbers_of", "scale_of", "value_of"]

Scale: TypeAlias = Literal["probability", "real", "positive"]

Cells: TypeAlias = NDArray[np.int64]

_LOW, _HIGH = -32.0, 32.0
CELLS = 2048
"""Of every sketch, whatever its scale."""

_WIDTH = (_HIGH - _LOW) / CELLS
_BEND = 8.0  # where the real scale goes over from linear to logarithmic

RELATIVE_ERROR = float(np.expm1(_WIDTH / 2))
"""How far a value read back may lie from the one that went in: relative on the positive scale, of the odds on that of probabilities."""


def cells_of(values: ArrayLike, scale: Scale) -> Cells:
    """The cell of each value, 0 to CELLS - 1, same shape. Raises InputError for NaN, infinity and what the scale does not hold."""
    numbers = numbers_of(values)
    low, high = _room(scale)
    inside = (numbers >= low) & (numbers <= high)  # NaN is in no room
    if not inside.all():
        found = float(numbers[~inside].ravel()[0])
        raise InputError(f"{found!r} cannot be counted on the {scale} scale, which holds finite numbers from {low:g} to {high:g}")
    with np.errstate(divide="ignore"):  # 0 and 1 lie at infinity, and are moved into the last cells
        places = (_positions(numbers, scale) - _LOW) / _WIDTH
    return np.clip(np.floor(places), 0, CELLS - 1).astype(np.int64)


def numbers_of(values: ArrayLike) -> NDArray[np.float64]:
    """As an array. Raises InputError for what is no number, or a list of lists of different lengths."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "biufO":  # numpy would read texts and dates as well
            return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"what is counted must be numbers that a float can hold, not {shown(values)}")


def value_of(cell: int, scale: Scale) -> float:
    """The middle of a cell, as a number of the scale; 0 for the first cell of the positive one."""
    middle = _LOW + (cell + 0.5) * _WIDTH
    if scale == "real":
        return float(_BEND * np.sinh(middle / _BEND))
    if scale == "positive":
        return 0.0 if cell == 0 else float(np.exp(middle))
    return float(1.0 / (1.0 + np.exp(-middle)))


def scale_of(score_type: ScoreType) -> Scale:
    """Where scores of a type are counted."""
    return "real" if score_type == "logit" else "probability"


def check_scale(scale: str) -> None:
    """Raise ConfigError for a name that is none."""
    if scale not in get_args(Scale):
        raise ConfigError(f"scale must be one of {', '.join(get_args(Scale))}, not {scale!r}")


def _positions(numbers: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    if scale == "real":
        return np.asarray(_BEND * np.arcsinh(numbers / _BEND))
    if scale == "positive":
        return np.asarray(np.log(numbers))
    return np.asarray(np.log(numbers) - np.log1p(-numbers))


def _room(scale: Scale) -> tuple[float, float]:
    most = float(np.finfo(np.float64).max)
    return {"probability": (0.0, 1.0), "real": (-most, most), "positive": (0.0, most)}[scale]

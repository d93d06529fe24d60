"""Tiny models to be spoiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

__all__ = ["WEIGHTS", "Copy", "edit_weights"]

WEIGHTS = "model.safetensors"

Copy = Callable[..., Path]
"""The fixture `copy`: a family and more of a Tiny in, a folder of one's own out."""


def edit_weights(folder: Path, **changes: np.ndarray | None) -> None:
    """Replace tensors (dots written as __); None removes one."""
    tensors = load_file(folder / WEIGHTS) | {name.replace("__", "."): value for name, value in changes.items()}
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items() if value is not None}, folder / WEIGHTS)

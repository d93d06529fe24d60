"""The one place of the integrations that touches torch: for callers who want tensors, or bring an activation made for them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["apply_to_tensor", "to_tensor"]


def to_tensor(values: NDArray[np.float32], *, device: str) -> Tensor:
    """`values` as a float32 tensor, on `device` if that is a GPU."""
    _require("convert_to_tensor=True or convert_to_numpy=False")
    import torch

    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(device if device.startswith(("cuda", "mps")) else "cpu")


def apply_to_tensor(activation: Callable[[Any], Any], logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `activation` makes of (pairs, labels) float32 logits, back in numpy."""
    _require("an activation_fn of your own")
    import torch

    with torch.inference_mode():
        made = activation(torch.from_numpy(logits.copy()))
    if not isinstance(made, torch.Tensor) or len(made) != len(logits):
        raise ConfigError(f"activation_fn must give back a tensor with one row a pair ({len(logits)}), not {type(made).__name__}")
    return made.float().numpy(force=True)


def _require(what: str) -> None:
    if find_spec("torch") is None:
        raise MissingExtraError(package="torch", extra="torch", what=what)

"""Where training runs and in which precision."""

from __future__ import annotations

from typing import Any

from ..backends.capabilities import cpu_has_bfloat16
from ..errors import ConfigError
from .settings import TrainPrecision

__all__ = ["autocast", "choose_device", "grad_scaler", "resolve_precision"]


def choose_device(name: str) -> Any:
    """A torch device; "auto" takes a GPU where there is one. Raises ConfigError for a name that torch does not know or cannot reach."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as exc:
        raise ConfigError(f"run.device={name!r} cannot be used here ({str(exc).splitlines()[0]}); 'auto' takes what there is") from exc
    return device


def resolve_precision(precision: TrainPrecision, device: Any) -> str:
    """For "auto" bfloat16 where there are instructions for it (CUDA since Ampere, CPUs with AVX-512 BF16 or AMX), else float32."""
    import torch

    if precision != "auto":
        return precision
    fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and cpu_has_bfloat16()
    return "bf16" if fast else "f32"


def autocast(precision: TrainPrecision, device: Any) -> Any:
    """The context of a forward pass: matrix products in the chosen precision, everything else and all weights in float32."""
    import torch

    chosen = resolve_precision(precision, device)
    dtype = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}[chosen]
    return torch.autocast(device.type, dtype, enabled=chosen != "f32")


def grad_scaler(precision: TrainPrecision, device: Any) -> Any:
    """Scales the loss in float16, whose gradients would vanish; does nothing otherwise."""
    import torch

    return torch.amp.GradScaler(device.type, enabled=precision == "f16")

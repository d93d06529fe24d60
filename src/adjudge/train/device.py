"""Where training runs and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..backends.capabilities import cpu_has_bfloat16
from ..errors import BackendMemoryError, ConfigError
from .settings import TrainConfig, TrainPrecision

__all__ = ["autocast", "choose_device", "explain_memory", "grad_scaler", "resolve_precision"]


def choose_device(name: str) -> Any:
    """A torch device; "auto" takes a GPU where there is one. Raises ConfigError for a name that torch does not know or cannot reach."""
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as exc:  # torch asks for a device's own package by importing it
        reason = str(exc).partition("\n")[0]
        raise ConfigError(f"run.device={name!r} cannot be used here ({reason}); 'auto' takes what there is") from exc
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


@contextmanager
def explain_memory(config: TrainConfig) -> Iterator[None]:
    """Out of memory becomes BackendMemoryError, which says what to lower."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as exc:
        raise BackendMemoryError(_memory_message(config)) from exc
    except RuntimeError as exc:
        if "allocate memory" in str(exc) or "out of memory" in str(exc):  # the CPU and MPS allocators have no class of their own
            raise BackendMemoryError(_memory_message(config)) from exc
        raise


def _memory_message(config: TrainConfig) -> str:
    run, model, data = config.run, config.model, config.data
    return (
        f"memory ran out. Lower run.batch_tokens (now {run.batch_tokens}), data.passages ({data.passages}) or model.max_length "
        f"({model.max_length}), set model.gradient_checkpointing = true, or train adapters only ([model.lora]); "
        "the same command then goes on from the last checkpoint"
    )

"""Which device and which precision torch runs with, and why: chosen for the user, or as asked, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config import BackendConfig, Precision
from ..errors import BackendUnavailableError

if TYPE_CHECKING:
    import torch

__all__ = ["Placement", "place"]

_DEVICES = "auto, cpu, cuda, cuda:N or mps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where and in which number format the model runs."""

    device: torch.device
    dtype: torch.dtype
    precision: Precision  # the name of dtype
    notes: tuple[str, ...]


def place(config: BackendConfig) -> Placement:
    """Honour what `config` names, choose what it leaves open. Raises BackendUnavailableError for what cannot be had."""
    import torch

    device, device_notes = _device(config.device)
    precision, precision_notes = _precision(config.precision, device)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
    return Placement(device=device, dtype=dtype, precision=precision, notes=device_notes + precision_notes)


def _device(wanted: str) -> tuple[torch.device, tuple[str, ...]]:
    import torch

    if wanted == "auto":
        return _best_device()
    kind, _, index = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdecimal())):
        raise BackendUnavailableError(f"device {wanted!r} is not known to the torch backend; give {_DEVICES}")
    if kind == "cuda":
        return _cuda(wanted, int(index) if index else None), ()
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BackendUnavailableError("device='mps' was asked for, but torch sees no Apple GPU here; use device='cpu' or 'auto'")
    return torch.device(kind), ()


def _best_device() -> tuple[torch.device, tuple[str, ...]]:
    import torch

    if torch.cuda.is_available():
        device = _cuda("cuda", None)
        return device, (f"device {device}: torch sees {torch.cuda.get_device_name(device)}.",)
    if torch.backends.mps.is_available():
        return torch.device("mps"), ("device mps: torch sees an Apple GPU and no CUDA GPU.",)
    return torch.device("cpu"), ("device cpu: torch sees no GPU.",)


def _cuda(wanted: str, index: int | None) -> torch.device:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        build = "no CUDA support" if torch.version.cuda is None else f"CUDA {torch.version.cuda}"
        raise BackendUnavailableError(
            f"device={wanted!r} was asked for, but torch {torch.__version__} ({build}) sees no CUDA GPU here; use device='cpu' or 'auto'"
        )
    number = torch.cuda.current_device() if index is None else index
    if number >= count:
        raise BackendUnavailableError(f"device={wanted!r} was asked for, but there are {count} CUDA GPUs, numbered from 0")
    return torch.device("cuda", number)


def _precision(wanted: Precision, device: torch.device) -> tuple[Precision, tuple[str, ...]]:
    if wanted == "auto":
        if device.type == "cuda":
            return "f16", ("precision f16: the fastest on a CUDA GPU; the head runs in f32.",)
        return "f32", (f"precision f32: the default of torch on {device.type}.",)
    if wanted == "int8":
        raise BackendUnavailableError("the torch backend has no precision='int8'; use backend='openvino', or f32, bf16 or f16 here")
    if wanted == "f16" and device.type == "cpu":
        raise BackendUnavailableError(
            "precision='f16' on a CPU runs a hundred times slower than f32 in torch, so it is refused; use precision='bf16' or 'f32'"
        )
    if wanted == "bf16":
        return wanted, _bf16_notes(device)
    return wanted, ()


def _bf16_notes(device: torch.device) -> tuple[str, ...]:
    import torch

    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        name = torch.cuda.get_device_name(device)
        raise BackendUnavailableError(f"precision='bf16' was asked for, but {name} has no bfloat16; use precision='f16' or 'f32'")
    if device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return ("precision bf16: this CPU has no bfloat16 instructions, so f32 would be faster.",)
    return ()

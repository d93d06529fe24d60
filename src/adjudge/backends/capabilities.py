"""What the runtimes say this machine can do, asked without loading a model."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtraError
from .openvino_module import openvino_module

__all__ = ["cpu_capabilities", "cpu_has_bfloat16", "torch_devices"]


def cpu_capabilities() -> tuple[str, ...]:
    """What OpenVINO computes natively on this CPU, in its own words: "FP32", "BF16", "INT8", ...

    Raises MissingExtraError where openvino is not installed.
    """
    try:
        core = openvino_module().Core()
    except ImportError as exc:
        raise MissingExtraError(package="openvino", extra="all", what="backend='openvino'") from exc
    return tuple(str(name) for name in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def cpu_has_bfloat16() -> bool:
    """Whether bfloat16 is computed by instructions of its own (AVX-512 BF16, AMX, Arm BF16), so that it is faster than float32."""
    return find_spec("openvino") is not None and "BF16" in cpu_capabilities()


def torch_devices() -> tuple[str, ...]:
    """The GPUs that torch sees, one line each, with their memory. Imports torch, which takes seconds.

    Raises MissingExtraError where torch is not installed.
    """
    try:
        import torch
    except ImportError as exc:
        raise MissingExtraError(package="torch", extra="torch", what="backend='torch'") from exc
    if torch.cuda.is_available():
        found = (torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count()))
        return tuple(f"cuda:{i} {gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for i, gpu in enumerate(found))
    return ("mps Apple GPU",) if torch.backends.mps.is_available() else ()

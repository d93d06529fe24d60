"""What this machine's CPU can do, asked without loading a model."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["cpu_has_bfloat16"]


def cpu_has_bfloat16() -> bool:
    """Whether bfloat16 is computed by instructions of its own (AVX-512 BF16, AMX, Arm BF16), so that it is faster than float32."""
    if find_spec("openvino") is None:
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")

"""Number formats by the names that transformers has for them."""

from __future__ import annotations

from ..config import Precision
from ..errors import ConfigError

__all__ = ["precision_of"]

_PRECISIONS: dict[str, Precision] = {
    "float32": "f32",
    "float": "f32",
    "float16": "f16",
    "half": "f16",
    "bfloat16": "bf16",
    "auto": "auto",
}


def precision_of(dtype: object) -> Precision:
    """adjudge's name for a torch.dtype or its name; "auto" lets adjudge choose. Never imports torch."""
    name = str(dtype).removeprefix("torch.")
    if name not in _PRECISIONS:
        raise ConfigError(f"the dtype {dtype!r} is not known; known are {', '.join(_PRECISIONS)}")
    return _PRECISIONS[name]

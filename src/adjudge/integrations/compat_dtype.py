"""Number formats by the names that transformers has for them."""

from __future__ import annotations

from ..config import Precision
from ..errors import ConfigError

__all__ = ["by_dtype"]

_PRECISIONS: dict[str, Precision] = {
    "float32": "f32",
    "float": "f32",
    "float16": "f16",
    "half": "f16",
    "bfloat16": "bf16",
    "auto": "auto",
}


def by_dtype(dtype: object, *, precision: object) -> tuple[bool, dict[str, Precision]]:
    """Whether a torch.dtype (or its name, or None) asks for fp16, and the option of Reranker() where it asks for another format.

    "auto" lets adjudge choose. Never imports torch. Raises ConfigError where `precision`, adjudge's own option, is given as well.
    """
    if dtype is None:
        return False, {}
    if precision is not None:
        raise ConfigError(f"dtype={dtype} and precision={precision!r} were both given; give one of them")
    name = str(dtype).removeprefix("torch.")
    if name not in _PRECISIONS:
        raise ConfigError(f"the dtype {dtype!r} is not known; known are {', '.join(_PRECISIONS)}")
    chosen = _PRECISIONS[name]
    return chosen == "f16", {} if chosen == "f16" else {"precision": chosen}

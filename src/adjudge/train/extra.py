"""The packages of the extra "train", asked for before a run begins: what draws the curves at its end must not be missed only then."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtraError
from .settings import TrainConfig

__all__ = ["require_extra"]


def require_extra(config: TrainConfig) -> None:
    """Raise MissingExtraError for the first package that this run will need and that is not installed. Imports nothing."""
    needed = {"torch": "training", "transformers": "training", "matplotlib": "the picture of a training run"}
    if config.data.dev or config.data.dev_share:
        needed["ir_measures"] = "evaluation during training"
    if config.model.lora is not None:
        needed["peft"] = "model.lora"
    for module, what in needed.items():
        if find_spec(module) is None:
            raise MissingExtraError(package=module.replace("_", "-"), extra="train", what=what)

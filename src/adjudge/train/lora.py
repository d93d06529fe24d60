"""Low-rank adapters by the library peft."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from ..errors import MissingExtraError
from .settings import LoraConfig

__all__ = ["add_adapters", "merged_copy"]


def add_adapters(network: Any, config: LoraConfig) -> Any:
    """Adapters on every linear layer of the body; a classifier's own head is trained whole, as it is small and the point of it all."""
    try:
        from peft import LoraConfig as PeftConfig
        from peft import get_peft_model
    except ImportError:
        raise MissingExtraError(package="peft", extra="train", what="model.lora") from None
    head = [name for name, _ in network.named_children() if name in ("classifier", "score", "pre_classifier", "head")]
    settings = PeftConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        exclude_modules=[f"{name}.*" for name in head] if head else None,
        modules_to_save=head if head else None,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)  # peft reads what transformers has renamed
        return get_peft_model(network, settings)


def merged_copy(network: Any) -> Any:
    """The network with its adapters added into its weights, as a copy: training goes on with the original."""
    return copy.deepcopy(network).merge_and_unload()

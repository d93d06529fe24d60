"""Training: fine-tune a reranker on pairs, triples, graded lists or a teacher's scores."""

from __future__ import annotations

from .loop import train
from .outcome import Outcome
from .settings import (
    DataConfig,
    LoraConfig,
    LossConfig,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    TrainConfig,
    read_config,
)

__all__ = [
    "DataConfig",
    "LoraConfig",
    "LossConfig",
    "ModelConfig",
    "OptimiserConfig",
    "Outcome",
    "RunConfig",
    "TrainConfig",
    "read_config",
    "train",
]

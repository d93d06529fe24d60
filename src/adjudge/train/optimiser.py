"""AdamW with two learning rates, and the schedule: a pure function of the step, so that a resumed run goes on where it was."""

from __future__ import annotations

import math
from typing import Any

from .settings import OptimiserConfig
from .student import Student, trainable

__all__ = ["build_optimiser", "learning_rate", "set_learning_rate"]

_HEAD = {"head", "classifier", "pre_classifier", "score", "pooler"}
"""What stands between the encoder and the score, as families call it, and what is ours."""


def build_optimiser(student: Student, config: OptimiserConfig) -> Any:
    """Decay for matrices of the body only: norms, biases and heads are left alone, as is usual for BERT."""
    import torch

    decayed, plain, head = [], [], []
    for name, parameter in trainable(student):
        if _HEAD & set(name.split(".")):
            head.append(parameter)
        elif parameter.ndim > 1:
            decayed.append(parameter)
        else:
            plain.append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay, "factor": 1.0},
        {"params": plain, "weight_decay": 0.0, "factor": 1.0},
        {"params": head, "weight_decay": 0.0, "factor": config.head_factor},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6)


def learning_rate(step: int, steps: int, config: OptimiserConfig) -> float:
    """The rate of step `step` (from 0) of `steps`: up in a line, then down to zero in a line or a cosine, or never.

    "stable_decay" stays up and falls at the end alone (Hu et al., MiniCPM, 2024), so a run can be prolonged from before its fall.
    """
    warm = round(config.warmup * steps)
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule == "stable_decay":
        left = (steps - step) / max(1.0, config.decay * steps)
        return config.learning_rate * min(1.0, left)
    done = (step - warm) / max(1, steps - warm)
    share = 1 - done if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
    return config.learning_rate * share


def set_learning_rate(optimiser: Any, rate: float) -> None:
    """For every group, times its factor."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]

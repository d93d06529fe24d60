"""What a run came to, and its history as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Evaluation", "Outcome", "StepRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One optimiser step."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the dev groups said at a step."""

    step: int
    measures: Mapping[str, float]  # nDCG@10, RR@10, Success@1 and, per source, "nDCG@10 of NAME"
    spread: float  # standard deviation of all logits: near 0 when the model says the same of everything

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a run."""

    folder: Path  # the best model, ready for Reranker(folder), if this run left one
    left: bool  # whether it did: a run that ended before anything was measured leaves none, though an earlier run's may lie there
    steps: int
    tokens: int
    seconds: float
    best: Evaluation | None  # None where there were no dev groups
    first: Evaluation | None  # before any step, or where the run went on with other dev groups
    collapsed: bool  # stopped because scores had become one value
    curves: Path | None

"""From a backend's answer to one logit a pair, and from a logit to a score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats
from ..errors import InvalidLogitsError
from ..models.calibration import Calibration
from ..models.heads import ClassificationHead, HeadSpec
from ..types import ScoreType

__all__ = ["check_finite", "log_sum_exp", "relevance", "score_type", "sigmoid", "to_scores"]


def relevance(outputs: Floats, head: HeadSpec, config: Mapping[str, Any]) -> Floats:
    """(rows, outputs) -> (rows,) float32 logits of "relevant". Raises InvalidLogitsError for NaN or infinity.

    One output: that number. Several exclusive labels: the log-odds of the relevant one, log p - log(1 - p) under softmax, so
    that sigmoid(logit) is its softmax probability and order does not suffer where probabilities saturate.
    """
    check_finite(outputs)
    if not isinstance(head, ClassificationHead) or head.labels == 1:
        return outputs[:, 0].astype(np.float32)
    wanted = outputs[:, head.relevant].astype(np.float64)
    if _independent(config):
        return wanted.astype(np.float32)
    others = np.delete(outputs.astype(np.float64), head.relevant, axis=1)
    return (wanted - log_sum_exp(others)).astype(np.float32)


def check_finite(outputs: Floats) -> Floats:
    """(rows, outputs) handed through. Raises InvalidLogitsError for NaN or infinity."""
    if not np.isfinite(outputs).all():
        bad = int(np.flatnonzero(~np.isfinite(outputs).all(axis=1))[0])
        raise InvalidLogitsError(
            f"the model returned {outputs[bad].tolist()} for a pair; its weights or this precision overflow. "
            "Try precision='f32', or check the checkpoint"
        )
    return outputs


def log_sum_exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(sum(exp(row))), the maximum taken out first so that nothing overflows."""
    peak = values.max(axis=1)
    total: NDArray[np.float64] = peak + np.log(np.exp(values - peak[:, None]).sum(axis=1))
    return total


def sigmoid(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)) in float64, without overflow at either end."""
    x = np.asarray(logits, np.float64)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0 / (1.0 + small), small / (1.0 + small))


def to_scores(logits: Floats, calibration: Calibration, *, normalize: bool) -> NDArray[np.float64]:
    """Scores in 0..1, or the logits themselves when `normalize` is False."""
    if not normalize:
        return logits.astype(np.float64)
    return sigmoid(calibration.apply(logits))


def score_type(head: HeadSpec, config: Mapping[str, Any], calibration: Calibration, *, normalize: bool) -> ScoreType:
    """What `score` means in the result."""
    if not normalize:
        return "logit"
    if calibration.fitted:
        return "calibrated"
    exclusive = isinstance(head, ClassificationHead) and head.labels > 1 and not _independent(config)
    return "softmax" if exclusive else "sigmoid"


def _independent(config: Mapping[str, Any]) -> bool:
    """Whether several labels may be true at once, each with a sigmoid of its own."""
    return config.get("problem_type") == "multi_label_classification"

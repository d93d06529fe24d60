"""FlagEmbedding's FlagReranker with its own defaults. options: "device", "threads", "max_length"."""

from __future__ import annotations

import importlib
import math
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("FlagEmbedding", "torch", "transformers")
LOCAL = True


class _Flag:
    """FlagReranker.compute_score(), which gives logits."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        if options.get("threads") is not None:
            importlib.import_module("torch").set_num_threads(options["threads"])
        device = options.get("device") or "cpu"
        arguments = {"max_length": options["max_length"]} if options.get("max_length") is not None else {}
        self._reranker = importlib.import_module("FlagEmbedding").FlagReranker(model, devices=[device], **arguments)
        self.facts = {"model": model, "runtime": f"torch {device}", "score_type": "sigmoid"}

    def score(self, query: str, documents: list[str]) -> tuple[list[float], list[float]]:
        logits = [float(score) for score in self._reranker.compute_score([(query, document) for document in documents])]
        return [_sigmoid(logit) for logit in logits], logits


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _Flag(model, options)

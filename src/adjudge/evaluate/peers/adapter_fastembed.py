"""fastembed's TextCrossEncoder, which runs the ONNX models of its own list. options: "threads"."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("fastembed", "onnxruntime")
LOCAL = True


class _TextCrossEncoder:
    """TextCrossEncoder.rerank(), which gives logits."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        module = importlib.import_module("fastembed.rerank.cross_encoder")
        self._encoder = module.TextCrossEncoder(model_name=model, threads=options.get("threads"))
        self.facts = {"model": model, "runtime": "onnx cpu", "score_type": "logit"}

    def score(self, query: str, documents: list[str]) -> tuple[list[float], None]:
        return [float(score) for score in self._encoder.rerank(query, documents)], None


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _TextCrossEncoder(model, options)

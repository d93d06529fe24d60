"""sentence-transformers' CrossEncoder with its own defaults.

options: "backend" (torch, onnx, openvino), "device", "threads", "max_length".
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("sentence-transformers", "torch", "transformers", "optimum", "onnxruntime", "optimum-intel", "openvino")
LOCAL = True


class _CrossEncoder:
    """CrossEncoder.predict(). The order goes by its scores: what activates them is the model's own choice."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        if options.get("threads") is not None:
            importlib.import_module("torch").set_num_threads(options["threads"])
        device, backend = options.get("device") or "cpu", options.get("backend", "torch")
        arguments = {"device": device, "backend": backend}
        if options.get("max_length") is not None:
            arguments["max_length"] = options["max_length"]
        self._encoder = importlib.import_module("sentence_transformers").CrossEncoder(model, **arguments)
        activation = type(getattr(self._encoder, "activation_fn", None)).__name__
        kind = {"Sigmoid": "sigmoid", "Identity": "logit"}.get(activation, activation)
        self.facts = {"model": model, "runtime": f"{backend} {device}", "score_type": kind}

    def score(self, query: str, documents: list[str]) -> tuple[list[float], None]:
        return [float(score) for score in self._encoder.predict([(query, document) for document in documents])], None


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _CrossEncoder(model, options)

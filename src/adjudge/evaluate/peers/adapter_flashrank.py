"""FlashRank's Ranker. The model is a name of its own list, or the path of a folder that holds one of these. options: "max_length"."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("FlashRank", "onnxruntime")
LOCAL = True


class _Ranker:
    """Ranker.rerank()."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        module = importlib.import_module("flashrank")
        arguments: dict[str, Any] = {"max_length": options["max_length"]} if options.get("max_length") is not None else {}
        folder = Path(model)
        if folder.is_dir():  # it looks for cache_dir/model_name, and downloads what is not there
            self._ranker = module.Ranker(model_name=folder.name, cache_dir=str(folder.parent), **arguments)
        else:
            self._ranker = module.Ranker(model_name=model, **arguments)
        self._request = module.RerankRequest
        self.facts = {"model": model, "runtime": "onnx cpu", "score_type": "sigmoid"}

    def score(self, query: str, documents: list[str]) -> tuple[list[Any], None]:
        scores: list[Any] = [None] * len(documents)
        passages = [{"id": at, "text": text} for at, text in enumerate(documents)]
        for place, result in enumerate(self._ranker.rerank(self._request(query=query, passages=passages))):
            scores[result["id"]] = float(result.get("score", -place))  # its listwise models give an order and no scores
        return scores, None


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _Ranker(model, options)

"""Answer.AI's rerankers, with cross-encoders. options: "device", "threads"."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("rerankers", "torch", "transformers")
LOCAL = True


class _Rerankers:
    """Reranker.rank()."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        if options.get("threads") is not None:
            importlib.import_module("torch").set_num_threads(options["threads"])
        device = options.get("device") or "cpu"
        found = importlib.import_module("rerankers").Reranker(model, model_type="cross-encoder", device=device, verbose=0)
        if found is None:  # it says so when a package is missing, instead of raising
            raise RuntimeError(f"rerankers could not load {model} as a cross-encoder; its transformers extra may be missing")
        self._ranker = found
        self.facts = {"model": model, "runtime": f"torch {device}", "score_type": "logit"}

    def score(self, query: str, documents: list[str]) -> tuple[list[Any], None]:
        scores: list[Any] = [None] * len(documents)
        found = self._ranker.rank(query=query, docs=documents, doc_ids=list(range(len(documents))))
        for result in getattr(found, "results", [found]):  # for one document, it gives back the result and no list
            scores[result.document.doc_id] = float(result.score)
        return scores, None


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _Rerankers(model, options)

"""adjudge's own models.

options: those of Reranker(), "windows" as an object; and "package", the folder that holds adjudge where it is not installed.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("openvino", "tokenizers", "torch", "onnxruntime", "numpy")
LOCAL = True


class _Judge:
    """Reranker.rank()."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        from adjudge._version import __version__
        from adjudge.config import WindowConfig
        from adjudge.reranker import Reranker

        if "windows" in options:
            options["windows"] = WindowConfig(**options["windows"])
        self._judge = Reranker(model, **options)
        traits, loaded = self._judge.traits, self._judge.model
        self.warnings: list[str] = []
        self.facts = {
            "model": loaded.name,
            "revision": loaded.revision,
            "runtime": f"{traits.backend} {traits.device} {traits.precision}",
            "library": f"adjudge {__version__}",
            "score_type": "calibrated" if loaded.calibration.fitted else "sigmoid",
        }

    def score(self, query: str, documents: list[str]) -> tuple[list[Any], list[Any]]:
        ranking = self._judge.rank(query, documents)
        scores: list[Any] = [None] * len(documents)
        logits: list[Any] = [None] * len(documents)
        for result in ranking:
            scores[result.index], logits[result.index] = result.score, result.logit
        self.warnings = list(ranking.warnings)
        self.facts["score_type"] = ranking.score_type
        return scores, logits

    def close(self) -> None:
        self._judge.close()


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    package = options.pop("package", None)
    if package is not None and package not in sys.path:
        sys.path.append(package)
    return _Judge(model, options)

"""fastembed's TextCrossEncoder: an ONNX model of its own list, or a folder that holds one. options: "threads"."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

__all__ = ["LOCAL", "PACKAGES", "load"]

PACKAGES = ("fastembed", "onnxruntime")
LOCAL = True


class _TextCrossEncoder:
    """TextCrossEncoder.rerank(), which gives logits."""

    def __init__(self, model: str, options: dict[str, Any]) -> None:
        module = importlib.import_module("fastembed.rerank.cross_encoder")
        folder = Path(model)
        where = {"specific_model_path": str(_registered(module, folder))} if folder.is_dir() else {}
        name = f"local/{folder.name}" if where else model
        self._encoder = module.TextCrossEncoder(model_name=name, threads=options.get("threads"), **where)
        self.facts = {"model": model, "runtime": "onnx cpu", "score_type": "logit"}

    def score(self, query: str, documents: list[str]) -> tuple[list[float], None]:
        return [float(score) for score in self._encoder.rerank(query, documents)], None


def _registered(module: Any, folder: Path) -> Path:
    """It takes no folder that is not on its list; the source that a list entry must name is never asked."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx"))
    if not found:
        raise RuntimeError(f"{folder} holds no .onnx file, which is all that fastembed runs")
    source = importlib.import_module("fastembed.common.model_description").ModelSource(hf=f"local/{folder.name}")
    module.TextCrossEncoder.add_custom_model(model=f"local/{folder.name}", sources=source, model_file=found[0])
    return folder


def load(model: str, options: dict[str, Any]) -> Any:
    """The model, ready."""
    return _TextCrossEncoder(model, options)

"""What transformers itself answers, and the files that its models are exported to."""

from __future__ import annotations

import gc
import shutil
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from adjudge.backends.base import Batch, Floats
from tests.tiny_models import quiet

__all__ = ["export_onnx", "forget", "transformers_logits"]


def transformers_logits(folder: Path, batch: Batch) -> Floats:
    """(rows, labels) float32 logits of AutoModelForSequenceClassification on the CPU, padded, in float32."""
    import torch

    network = _network(folder)
    with torch.inference_mode():
        logits: Floats = network(**_inputs(folder, batch)).logits.numpy()
    return logits


def export_onnx(folder: Path, target: Path) -> Path:
    """A folder that holds only model.onnx (float32), config.json and the tokenizer: what an exporter leaves. Gives `target` back."""
    import torch

    target.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, target)
    names = _input_names(folder)
    axes = {name: {0: "rows", 1: "length"} for name in names} | {"logits": {0: "rows"}}
    example = {name: torch.ones(2, 16, dtype=torch.long) for name in names}
    with warnings.catch_warnings():  # the exporter that needs no further package says that it is the older one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _network(folder, "eager"),
            (),
            str(target / "model.onnx"),
            kwargs=example,
            input_names=names,
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )
    return target


def forget() -> None:
    """Let go of every model that was loaded."""
    _network.cache_clear()
    gc.collect()


@cache
def _network(folder: Path, attention: str = "sdpa") -> Any:
    from transformers import AutoModelForSequenceClassification

    with quiet():
        attention = "eager" if "deberta" in folder.name else attention
        return AutoModelForSequenceClassification.from_pretrained(folder, dtype="float32", attn_implementation=attention).eval()


def _input_names(folder: Path) -> list[str]:
    from transformers import AutoTokenizer

    names = AutoTokenizer.from_pretrained(folder).model_input_names
    return [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in names]


def _inputs(folder: Path, batch: Batch) -> dict[str, Any]:
    import torch

    real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
    arrays = {"input_ids": batch.input_ids, "attention_mask": real, "token_type_ids": batch.token_type_ids}
    return {name: torch.from_numpy(arrays[name].astype(np.int64)) for name in _input_names(folder)}

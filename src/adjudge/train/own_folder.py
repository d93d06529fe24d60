"""Folders in adjudge's own form (adjudge.json): their body for training, and a trained one written back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UnsupportedModelError
from ..models.files import MANIFEST, read_json
from ..models.model import Model
from .supervision import ASPECTS

if TYPE_CHECKING:
    from torch import Tensor

    from .student import MatchStudent

__all__ = ["head_tensors", "load_own_body", "save_own_folder"]

_TABLE = "embeddings.word_embeddings.weight"


def load_own_body(model: Model, *, dropout: float) -> Any:
    """The encoder as a transformers model in float32; int8 weights are multiplied out."""
    import torch
    from transformers import AutoConfig, AutoModel

    settings = {k: v for k, v in model.config.items() if k not in ("adjudge", "architectures", "torch_dtype", "dtype", "model_type")}
    config = AutoConfig.for_model(model.spec.model_type, **settings)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        setattr(config, name, dropout)
    network = AutoModel.from_config(config, add_pooling_layer=False)
    tensors = {n: torch.from_numpy(model.weights.array(n).copy()) for n in model.weights.names() if not n.startswith(("head.", "aspects."))}
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    lacking = [name for name in missing if not name.endswith("position_ids")]
    if lacking or unexpected:
        raise UnsupportedModelError(
            f"{model.name}: transformers' {type(network).__name__} lacks {lacking[:3]} and does not know {list(unexpected)[:3]}; "
            "only encoders with its tensor names can be trained"
        )
    return network.train()


def save_own_folder(student: MatchStudent, folder: Path) -> None:
    """Write a complete folder: the trained judge in float32, everything else (table, bi-encoder, tokenizer) as it was.

    A table that was trained too is written in float32; a frozen one is copied as it is stored.
    """
    from safetensors.torch import save_file

    source = student.model.folder
    folder.mkdir(parents=True, exist_ok=True)
    manifest = read_json(source / MANIFEST)
    network = student.network
    if hasattr(network, "merge_and_unload"):
        from .lora import merged_copy

        network = merged_copy(network)
    body = {name: tensor.detach().float().cpu().contiguous() for name, tensor in network.state_dict().items()}
    table = body.pop(_TABLE)
    trained = network.get_input_embeddings().weight.requires_grad
    shared, own = manifest["judge"]["weights"]
    for name in {shared, *manifest.get("encoder", {}).get("weights", [])} - {own}:
        shutil.copyfile(source / name, folder / name)
    if trained:  # the bi-encoder keeps its own copy of the old table
        save_file({_TABLE: table}, folder / "judge-embeddings.safetensors", metadata={"format": "pt"})
        manifest["judge"]["weights"] = ["judge-embeddings.safetensors", own]
    save_file(body | head_tensors(student), folder / own, metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "NOTICE.md"):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    manifest["edition"] = "trained"
    head = {"kind": "match", "aspects": list(ASPECTS)} if _aspects_learned(student) else {"kind": "match"}
    manifest["judge"]["head"] = head
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _aspects_learned(student: MatchStudent) -> bool:
    """Whether the auxiliary heads say anything: they begin as zeros, and stay so where no row had an aspect."""
    head: Any = student.head
    return bool(head["aspects"].weight.detach().abs().max() > 0)


def head_tensors(student: MatchStudent) -> dict[str, Tensor]:
    """Relevance and auxiliary heads under their names in the file."""
    head: Any = student.head
    found = {f"head.pooled.{part}": getattr(head["pooled"], part) for part in ("weight", "bias")}
    found |= {f"head.{part}": head["numbers"][part] for part in ("cosine", "max_similarity", "offset")}
    found |= {f"aspects.{part}": getattr(head["aspects"], part) for part in ("weight", "bias")}
    return {name: tensor.detach().float().cpu().contiguous() for name, tensor in found.items()}

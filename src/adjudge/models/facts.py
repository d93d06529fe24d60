"""What can be said of a model before it is run: for `adjudge models` and for whoever chooses one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .exported import exported_bytes, exported_files
from .files import MANIFEST, read_json
from .heads import ClassificationHead, MatchHead
from .model import Model
from .reader import Reader

__all__ = ["ModelFacts", "describe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """One model that is on this machine."""

    name: str
    revision: str
    folder: Path
    family: str
    head: str
    layers: int
    hidden_size: int
    attention_heads: int
    vocab_size: int
    max_length: int  # tokens of a pair
    parameters: int | None  # None where only an exported file is there, whose numbers are not counted
    precision: str  # as stored
    bytes: int
    calibrated: bool
    backends: tuple[str, ...]  # those that run it
    licence: str  # "" where the folder does not say
    languages: tuple[str, ...]  # () where the folder does not say


def describe(model: Model) -> ModelFacts:
    """The facts of a loaded model. Tensors are counted, not read."""
    spec = model.spec
    own = read_json(model.folder / MANIFEST) if (model.folder / MANIFEST).is_file() else {}
    return ModelFacts(
        name=model.name,
        revision=model.revision,
        folder=model.folder,
        family=spec.model_type,
        head=_head(model),
        layers=spec.layers,
        hidden_size=spec.hidden_size,
        attention_heads=spec.attention_heads,
        vocab_size=spec.vocab_size,
        max_length=model.max_length,
        parameters=None if model.exported_only else model.weights.parameters(),
        precision=model.stored_precision,
        bytes=_bytes(model),
        calibrated=model.calibration.fitted,
        backends=_backends(model),
        licence=_licence(model.folder, own),
        languages=tuple(Reader(own, file=MANIFEST).strings("languages")),
    )


def _bytes(model: Model) -> int:
    if not model.exported_only:
        return model.weights.bytes()
    return exported_bytes(exported_files(model.folder)[model.stored_precision])


def _backends(model: Model) -> tuple[str, ...]:
    if model.exported_only:
        return ("onnx",)
    return ("openvino", "torch") if model.spec.native else ("torch",)


def _head(model: Model) -> str:
    head = model.spec.head
    if isinstance(head, MatchHead):
        return "match (pooled, cosine and best-match similarity)"
    if not isinstance(head, ClassificationHead):
        return "embedding"
    if head.labels == 1:
        return "classification, one label"
    names = Reader(model.config).mapping("id2label")
    return f"classification, {head.labels} labels, of which {names.get(str(head.relevant), head.relevant)!r} means relevant"


def _licence(folder: Path, own: Mapping[str, Any]) -> str:
    """From the manifest, else from the header of the model card, where hub models have it."""
    if own:
        return Reader(own, file=MANIFEST).text("licence")
    card = folder / "README.md"
    if not card.is_file():
        return ""
    header = re.match(r"---\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    found = re.search(r"^license:[ \t]*(\S+)", header[1], re.MULTILINE) if header else None
    return found[1].strip("\"'") if found else ""

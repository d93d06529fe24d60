"""Sequence classifiers of transformers: loaded for training, given a new head where asked, and saved."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backends.torch_foreign import quiet
from ..config import SourceConfig
from ..errors import ConfigError, ModelFilesError, NotARerankerError, UnsupportedModelError
from ..models.checks import refuse_remote_code
from ..models.files import CONFIG, find_model, read_json
from ..models.model import Model

if TYPE_CHECKING:
    from .settings import ModelConfig
    from .student import Student

__all__ = ["ASPECT_FILE", "load_classifier", "load_fresh", "save_classifier"]

ASPECT_FILE = "aspects.safetensors"


def load_classifier(model: Model, *, dropout: float) -> Any:
    """The whole classifier in float32. Raises NotARerankerError where transformers would have made up a part of it."""
    network, lacking = _pretrained(model.folder, model.name, dropout, {})
    if lacking:
        raise NotARerankerError(
            f"{model.name} lacks {', '.join(lacking[:4])}; they would be random numbers. For a new head say model.new_head = true"
        )
    return network


def load_fresh(config: ModelConfig) -> tuple[Model, Any]:
    """A body with a new head of one label, saved once as a reranker of its own so that everything else finds what it expects.

    Raises ConfigError where it has such a head already, ModelFilesError where a part of the body itself is missing.
    """
    from ..models.load import load_model

    found = find_model(config.base, SourceConfig(revision=config.revision))
    refuse_remote_code(read_json(found.folder / CONFIG), found.name, trusted=False)
    network, lacking = _pretrained(found.folder, found.name, config.dropout, {"num_labels": 1})
    _check_body(network, lacking, found.name)
    folder = Path(tempfile.mkdtemp(prefix="adjudge-new-head-"))
    weakref.finalize(network, shutil.rmtree, folder, ignore_errors=True)  # a whole model: it must not outlive the run
    with quiet():
        network.save_pretrained(folder)
    _copy_tokenizer(found.folder, folder)
    return load_model(folder), network


def save_classifier(student: Student, folder: Path) -> None:
    """As transformers writes it, adapters merged, with the tokenizer's files and the auxiliary heads beside it."""
    from safetensors.torch import save_file

    network = student.network
    if hasattr(network, "merge_and_unload"):
        from .lora import merged_copy

        network = merged_copy(network)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        network.save_pretrained(folder)
    _copy_tokenizer(student.model.folder, folder)
    config = read_json(folder / CONFIG)
    config |= {key: value for key, value in student.model.config.items() if key == "adjudge"}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    heads = {f"aspects.{name}": tensor.detach().float().cpu() for name, tensor in student.head["aspects"].state_dict().items()}  # type: ignore[index]
    save_file(heads, folder / ASPECT_FILE, metadata={"format": "pt"})


def _pretrained(folder: Path, name: str, dropout: float, options: dict[str, Any]) -> tuple[Any, list[str]]:
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, **options)
        for key, value in config.to_dict().items():  # each family has names of its own; None stands for "as the others"
            if ("dropout" in key or key.endswith("_pdrop")) and isinstance(value, int | float):
                setattr(config, key, dropout)
        with quiet():
            network, info = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # they are told as lacking below
                output_loading_info=True,
            )
    except (ValueError, KeyError, ImportError, AttributeError) as exc:
        raise UnsupportedModelError(f"{name}: transformers cannot load it for training ({exc})") from exc
    except OSError as exc:
        raise ModelFilesError(f"{name}: transformers cannot read {folder} ({exc})") from exc
    lacking = sorted({*info.get("missing_keys", ()), *(key[0] for key in info.get("mismatched_keys", ()))})
    return network.train(), lacking


def _check_body(network: Any, lacking: list[str], name: str) -> None:
    """Only the head may be new: it, and the pooler that some families count to the body."""
    body = f"{network.base_model_prefix}."
    broken = [key for key in lacking if key.startswith(body) and ".pooler." not in key]
    if broken:
        shown = ", ".join(broken[:4])
        raise ModelFilesError(f"{name}: the weights lack {len(broken)} tensors of the encoder ({shown}); download them again")
    if not lacking:
        raise ConfigError(f"model.new_head = true, but {name} has a head of one label already; leave it out to go on with that head")


def _copy_tokenizer(source: Path, target: Path) -> None:
    for pattern in ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "sentencepiece*", "spm.model"):
        for path in source.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, target / path.name)

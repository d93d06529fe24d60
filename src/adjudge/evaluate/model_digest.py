"""Whether a model's folder still holds the same model."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from ..models.fingerprint import file_samples

__all__ = ["folder_digest"]

_ENDINGS = frozenset({".safetensors", ".onnx", ".onnx_data", ".data", ".bin", ".model", ".xml", ".gguf", ".pt", ".pth", ".py", ".jinja"})
_NAMES = frozenset(
    {
        *("adjudge.json", "calibration.json", "config.json", "modules.json", "model.safetensors.index.json"),
        *("config_sentence_transformers.json", "sentence_bert_config.json", "adapter_config.json", "preprocessor_config.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.json", "vocab.txt", "merges.txt"),
    }
)
"""What a model consists of. Its folder may hold other files as well, the results of this very evaluation among them."""


def folder_digest(model: str) -> str:
    """A digest of the model's files in the folder, the large ones by samples; "" for what is no folder, as a model of a hub or a server."""
    found = _files(model)
    digest = blake2b(digest_size=16)
    for name, path in found:
        for part in (name.encode("utf-8", "surrogatepass"), *_samples(path)):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest() if found else ""


def _files(model: str) -> list[tuple[str, Path]]:
    """Names inside the folder, and where they are; none for a folder that cannot be looked into, of which its loader speaks."""
    try:
        folder = Path(model).expanduser()
        return sorted(_walk(folder)) if folder.is_dir() else []
    except (OSError, ValueError, RuntimeError):  # too long a name, no permission, ~nobody
        return []


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if (path.name in _NAMES or path.suffix in _ENDINGS) and path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), path


def _samples(path: Path) -> list[bytes]:
    try:
        return list(file_samples(path, timed=False))
    except (OSError, ValueError, LookupError, TypeError):  # it cannot be read: whoever loads it says so
        return []

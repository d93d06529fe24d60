"""Where a model's files are: inside the package, in a folder, or on a hub."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import SourceConfig
from ..errors import ConfigError, ModelFilesError, ModelNotFoundError, NotARerankerError, UnsafeModelError
from .exported import exported_files
from .reader import Reader

__all__ = [
    "CONFIG",
    "EMBEDDED",
    "INDEX",
    "MANIFEST",
    "PICKLES",
    "SINGLE",
    "Found",
    "find_model",
    "pickle_message",
    "plain_names",
    "read_json",
    "shard_names",
    "weight_files",
]

EMBEDDED = "embedded"
MANIFEST = "adjudge.json"
"""Marks a folder in adjudge's own form: which weight files and head make up its judge and its bi-encoder."""

CONFIG = "config.json"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "model.bin")
_LARGEST_JSON = 64 * 2**20  # bytes; the largest real one (an index of a sharded LLM, a tokenizer's config) has a few MB


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that holds (or should hold) a model."""

    name: str
    folder: Path
    revision: str


def find_model(name: str | Path, source: SourceConfig) -> Found:
    """Find a model by name: "embedded", an existing folder, or a hub id, which is downloaded or taken from the cache.

    Raises ModelNotFoundError for a name that leads nowhere, HubError where the hub does not answer or refuses,
    ConfigError for a revision of something that has none.
    """
    if str(name) == EMBEDDED:
        _refuse_revision(name, source)
        shipped = Path(__file__).parent / EMBEDDED
        return Found(EMBEDDED, shipped, str(read_json(shipped / MANIFEST).get("edition", "")))
    folder = _local_folder(name)
    if folder is not None:
        _refuse_revision(name, source)
        return Found(str(name), folder, "")
    from .hub import download  # here, because huggingface-hub takes 0.2 s to import and a local model needs none of it

    return download(str(name), source)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of a transformers folder, shards in order; none where an exported ONNX file stands in for them.

    Refuses pickle-only folders.
    """
    if (folder / SINGLE).is_file():
        return (folder / SINGLE,)
    if (folder / INDEX).is_file():
        shards = shard_names(folder / INDEX)
        missing = [s for s in shards if not (folder / s).is_file()]
        if missing:
            raise ModelFilesError(
                f"{folder} lacks {len(missing)} of {len(shards)} weight shards: {', '.join(missing[:3])}; download the model again"
            )
        return tuple(folder / s for s in shards)
    if exported_files(folder):
        return ()
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise UnsafeModelError(pickle_message(str(folder), pickles[0]))
    raise ModelFilesError(f"{folder} holds no {SINGLE}; is it a model folder, and did the download finish?")


def pickle_message(where: str, pickle: str) -> str:
    """Why a model that has only pickled weights is refused, and what to do."""
    return (
        f"{where} holds its weights only as pickle ({pickle}), which can run code when it is read. Convert it once where you trust it: "
        "transformers' AutoModelForSequenceClassification.from_pretrained(...).save_pretrained(FOLDER), and the tokenizer likewise. "
        "Many hub repositories have a safetensors copy waiting as a pull request: try revision='refs/pr/1', and look at who made it"
    )


def shard_names(index: Path) -> list[str]:
    """The weight files that an index names, sorted. Raises ModelFilesError unless they are safetensors of the same folder."""
    shards = sorted({str(shard) for shard in Reader(read_json(index), file=str(index)).mapping("weight_map").values()})
    if not shards or not plain_names(shards):
        raise ModelFilesError(f"{index} names no shards, or something else than safetensors beside it; download the model again")
    return shards


def plain_names(names: Iterable[str]) -> bool:
    """Whether all are names of safetensors files that stay in their folder, on every system."""
    return all(name.endswith(".safetensors") and not set(name) & {"/", "\\", ":", "\0"} for name in names)


def read_json(path: Path, *, remedy: str = "download it again") -> dict[str, Any]:
    """A JSON object from a file of the model. `remedy`: what to do where it is damaged."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ModelFilesError(f"{path} has {path.stat().st_size:,} bytes; no such file of a model is that large; {remedy}")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFilesError(f"{path} does not exist; a model folder needs {CONFIG}, {SINGLE} and tokenizer.json") from None
    except (OSError, ValueError, RecursionError) as exc:
        raise ModelFilesError(f"{path} cannot be read as JSON ({exc}); {remedy}") from exc
    if not isinstance(value, dict):
        raise ModelFilesError(f"{path} holds a {type(value).__name__}, not a JSON object; {remedy}")
    return value


def _local_folder(name: str | Path) -> Path | None:
    """The folder that `name` means, or None where it can only be a hub id."""
    text = str(name)
    if not text.strip():
        raise ModelNotFoundError("the model's name is empty; give a hub id such as BAAI/bge-reranker-v2-m3, a folder, or 'embedded'")
    try:
        folder = Path(text).expanduser()
        is_folder, is_file = folder.is_dir(), folder.is_file()
    except (OSError, ValueError, RuntimeError) as exc:  # too long, NUL inside, no permission, ~nobody
        reason = getattr(exc, "strerror", None) or type(exc).__name__
        raise ModelNotFoundError(f"there is no folder {text[:200]!r}: {reason}") from exc
    if is_folder:
        if not (folder / CONFIG).is_file() and (folder / "modules.json").is_file():
            raise NotARerankerError(
                f"{folder} is a sentence-transformers folder without a {CONFIG} of its own, as embedding models have it. "
                "It cannot judge pairs; use a reranker, for example BAAI/bge-reranker-v2-m3 or 'embedded'"
            )
        return folder
    if is_file:
        raise ModelNotFoundError(f"{folder} is a file; give the folder that holds it ({folder.resolve().parent})")
    if _looks_local(name):
        raise ModelNotFoundError(
            f"there is no folder {folder}; give a model folder, a hub id such as BAAI/bge-reranker-v2-m3, or 'embedded'"
        )
    return None


def _looks_local(name: str | Path) -> bool:
    text = str(name)
    return isinstance(name, Path) or text.startswith((".", "/", "~")) or "\\" in text or text.count("/") > 1 or text.endswith("/")


def _refuse_revision(name: str | Path, source: SourceConfig) -> None:
    if source.revision is not None:
        raise ConfigError(f"revision={source.revision!r} means a version on the hub, but {str(name)!r} is on this machine; leave it out")

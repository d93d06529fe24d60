"""Which files of a hub repository a reranker is loaded from. Everything else stays there: pickles above all, and ONNX copies."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch

from ..errors import ModelFilesError, UnsafeModelError
from .files import CONFIG, INDEX, MANIFEST, PICKLES, SINGLE, pickle_message

__all__ = ["check_listing", "exported_weights", "small_files"]

_SMALL = (
    CONFIG,
    MANIFEST,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "calibration.json",
    INDEX,
    "modules.json",
    "config_sentence_transformers.json",
)
_EXPORTED = ("model.onnx", "onnx/model.onnx")
_OLD_TOKENIZERS = ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json")


def check_listing(names: Iterable[str], where: str) -> None:
    """Raise what can be known from the names alone: no weights, only pickles, no config.json."""
    names = set(names)
    if CONFIG in names and (names & {SINGLE, INDEX, MANIFEST} or exported_weights(names)):
        return
    pickles = sorted(name for name in names if any(fnmatch(name, pattern) for pattern in PICKLES))
    if CONFIG in names and pickles:
        raise UnsafeModelError(pickle_message(where, pickles[0]))
    lacking = CONFIG if CONFIG not in names else SINGLE
    shown = ", ".join(sorted(name for name in names if not name.startswith("."))[:8])
    raise ModelFilesError(f"{where} has no {lacking}, so it is not a model that adjudge can load. It holds: {shown or 'nothing'}")


def exported_weights(names: Iterable[str]) -> list[str]:
    """The unquantised ONNX file of a repository without safetensors, after the data file that a large one has beside it.

    In this order a folder with the ONNX file is whole, also where a download broke off.
    """
    names = set(names)
    if names & {SINGLE, INDEX, MANIFEST}:
        return []
    found = [name for name in _EXPORTED if name in names][:1]
    return [f"{name}_data" for name in found if f"{name}_data" in names] + found


def small_files(names: Iterable[str], *, code: bool) -> list[str]:
    """The files to fetch before the weights, config.json first; `code`: the model's own Python files too."""
    names = set(names)
    wanted = [name for name in _SMALL if name in names]
    if "tokenizer.json" not in names:
        wanted += [name for name in _OLD_TOKENIZERS if name in names]
    if code:
        wanted += sorted(name for name in names if name.endswith(".py") and "/" not in name)
    if SINGLE in names and INDEX in wanted:
        wanted.remove(INDEX)
    return wanted

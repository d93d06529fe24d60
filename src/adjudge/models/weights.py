"""Tensors of a checkpoint: memory-mapped safetensors files, read by name, int8 tables included."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..errors import ModelFilesError, UnsupportedModelError

__all__ = ["SCALE_SUFFIX", "Array", "Quantised", "Weights", "release_pages"]

Array: TypeAlias = NDArray[Any]

SCALE_SUFFIX = ".scale"
"""A table stored as int8 under NAME has its per-row scales under NAME + SCALE_SUFFIX."""

_DTYPES: Mapping[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "|i1"}
"""What a weight may be stored as. Other types may stand in a file (position ids are int64) as long as nobody asks for them."""

_LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Quantised:
    """An int8 matrix with one float scale per row: row r stands for values[r] * scale[r]."""

    values: NDArray[np.int8]  # (rows, columns)
    scale: NDArray[np.float32]  # (rows,)

    def dense(self) -> NDArray[np.float32]:
        """The matrix in float32."""
        return self.values.astype(np.float32) * self.scale[:, None]


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int
    bytes: int


class Weights:
    """All tensors of one or several safetensors files, by name. Nothing is read before it is asked for."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read the headers of `paths`; raises ModelFilesError for a missing, truncated or foreign file."""
        self._entries: dict[str, _Entry] = {}
        for path in paths:
            self._entries.update(_read_header(path))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """Every tensor's name, scales of int8 tables left out."""
        return [n for n in self._entries if not self._is_scale(n)]

    def files(self) -> tuple[Path, ...]:
        """The files that the tensors lie in."""
        return tuple(dict.fromkeys(entry.path for entry in self._entries.values()))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one tensor. Raises ModelFilesError where it is missing, UnsupportedModelError where its type cannot be read."""
        return self._entry(name).shape

    def array(self, name: str) -> NDArray[np.float32]:
        """One tensor as float32, int8 tables multiplied out. Where the file holds float32 this is a view of it: do not write."""
        tensor = self.tensor(name)
        return tensor.dense() if isinstance(tensor, Quantised) else tensor.astype(np.float32, copy=False)

    def tensor(self, name: str) -> Array | Quantised:
        """One tensor as it is stored: a view of the file (bfloat16 widened to float32), or an int8 table. The file is never written."""
        entry = self._entry(name)
        values = self._view(entry)
        if entry.dtype != "I8":
            return values
        scale = self._view(self._entry(name + SCALE_SUFFIX)).astype(np.float32).reshape(-1)
        if values.ndim != 2 or len(scale) != len(values):
            raise ModelFilesError(f"{entry.path}: int8 tensor {name!r} of shape {entry.shape} has {len(scale)} scales; it needs one a row")
        return Quantised(values=values, scale=scale)

    def parameters(self) -> int:
        """How many numbers the model holds."""
        return sum(int(np.prod(self._entries[n].shape)) for n in self.names())

    def precision(self) -> str:
        """What most of the numbers are stored as: f32, f16, bf16 or int8."""
        sizes: dict[str, int] = {}
        for entry in self._entries.values():
            sizes[entry.dtype] = sizes.get(entry.dtype, 0) + int(np.prod(entry.shape))
        widest = max(sizes, key=lambda dtype: sizes[dtype], default="F32")
        return {"I8": "int8", "F16": "f16", "BF16": "bf16"}.get(widest, "f32")

    def bytes(self) -> int:
        """How many bytes the tensors take on disk."""
        return sum(entry.bytes for entry in self._entries.values())

    def _is_scale(self, name: str) -> bool:
        owner = self._entries.get(name.removesuffix(SCALE_SUFFIX))
        return name.endswith(SCALE_SUFFIX) and owner is not None and owner.dtype == "I8"

    def _entry(self, name: str) -> _Entry:
        try:
            entry = self._entries[name]
        except KeyError:
            raise ModelFilesError(f"the weights hold no tensor {name!r}; the checkpoint is incomplete") from None
        if entry.dtype not in _DTYPES:
            raise UnsupportedModelError(f"{entry.path}: tensor {name!r} is stored as {entry.dtype}; adjudge reads {', '.join(_DTYPES)}")
        if entry.dtype == "I8" and name + SCALE_SUFFIX not in self._entries:
            raise UnsupportedModelError(
                f"{entry.path}: tensor {name!r} is int8 without its scales ({name + SCALE_SUFFIX!r}), quantised in a way that adjudge "
                "does not know. Take the unquantised model; adjudge quantises it by itself (precision='int8')"
            )
        return entry

    @staticmethod
    def _view(entry: _Entry) -> Array:
        if 0 in entry.shape:
            return np.zeros(entry.shape, np.float32)
        # mode "c": openvino shares only writable memory; pages stay those of the file unless somebody writes, and nobody does
        raw = np.memmap(entry.path, mode="c", dtype=_DTYPES[entry.dtype], offset=entry.offset, shape=entry.shape)
        if entry.dtype == "BF16":  # numpy has no bfloat16: its bits are the upper half of a float32
            return (np.asarray(raw).astype(np.uint32) << 16).view(np.float32)
        return np.asarray(raw)


def release_pages(array: Array) -> None:
    """Take an array's pages out of memory if they are those of a file. They come back from the file when they are read again."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        base.madvise(mmap.MADV_DONTNEED)


def _read_header(path: Path) -> dict[str, _Entry]:
    try:
        with safe_open(path, framework="np"):  # the library checks the header against the file's size
            pass
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(size))
    except FileNotFoundError:
        raise ModelFilesError(f"weights file {path} does not exist; download the model again") from None
    except OSError as exc:
        raise ModelFilesError(f"weights file {path} cannot be read: {exc}") from exc
    except (SafetensorError, ValueError) as exc:
        raise ModelFilesError(f"weights file {path} {_what_is_wrong(path)} ({exc})") from exc
    header.pop("__metadata__", None)
    if not header:
        raise ModelFilesError(f"weights file {path} holds no tensors; download the model again")
    return {name: _entry_of(path, info, start=8 + size) for name, info in header.items()}


def _entry_of(path: Path, info: Mapping[str, Any], *, start: int) -> _Entry:
    begin, end = info["data_offsets"]
    return _Entry(path, info["dtype"], tuple(info["shape"]), start + begin, end - begin)


def _what_is_wrong(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            return "is a Git LFS pointer, not the weights themselves: run `git lfs pull` in the folder"
    return "is not a whole safetensors file, as after a broken download: download it again"

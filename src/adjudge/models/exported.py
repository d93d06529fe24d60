"""ONNX files beside or instead of safetensors, under the names that exporters give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["exported_bytes", "exported_files"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "f32": ("model.onnx",),
    "int8": ("model_quantized.onnx", "model_int8.onnx", "model_qint8.onnx"),
    "f16": ("model_fp16.onnx",),
}
_FOLDERS = ("", "onnx")
_DATA = ("_data", ".data")


def exported_files(folder: Path) -> dict[str, Path]:
    """{precision: file} of the ONNX files in a model's folder or its folder onnx/, the most exact first."""
    found: dict[str, Path] = {}
    for precision, names in _NAMES.items():
        for path in (folder / where / name for where in _FOLDERS for name in names):
            if path.is_file():
                found.setdefault(precision, path)
    return found


def exported_bytes(path: Path) -> int:
    """How many bytes an ONNX file takes, with the data file that a large one has beside it."""
    beside = (path.with_name(path.name + ending) for ending in _DATA)
    return path.stat().st_size + sum(data.stat().st_size for data in beside if data.is_file())

"""The machine and the versions that figures belong to."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from .._version import __version__
from .result import Environment

__all__ = ["look_around"]

_PACKAGES = ("numpy", "openvino", "tokenizers", "torch", "onnxruntime", "bm25s", "ir-measures", "pytrec-eval-terrier")
_CPU_INFO, _MEMORY_INFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def look_around() -> Environment:
    """This machine; without its name."""
    return Environment(
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        processor=_field(_CPU_INFO, "model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=_memory(),
        python=platform.python_version(),
        versions={"adjudge": __version__, **_installed()},
    )


def _installed() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _memory() -> float | None:
    words = _field(_MEMORY_INFO, "MemTotal").split()
    return round(int(words[0]) / 2**20, 1) if words and words[0].isdecimal() else None


def _field(path: Path, name: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")

"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

import psutil

__all__ = ["cores", "describe_machine", "file_stem"]

_FLAGS = re.compile(r"avx2|avx512f|avx512_(vnni|bf16|fp16)|avx_vnni|amx_\w+|asimd\w*|sve\w*|i8mm|bf16")


def cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_machine() -> dict[str, Any]:
    """CPU, its vector instructions, memory, system and Python. No host name."""
    fields = _cpu_fields()
    flags = sorted(flag for flag in fields.get("flags", fields.get("Features", "")).split() if _FLAGS.fullmatch(flag))
    return {
        "cpu": _cpu_model(fields),
        "cpu_family_model_stepping": "/".join(fields.get(name, "?") for name in ("cpu family", "model", "stepping")),
        "cores": cores(),
        "architecture": platform.machine(),
        "vector_flags": flags,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
    }


def file_stem(machine: dict[str, Any]) -> str:
    """A short name for results' files: "intel-xeon-2c-amx"."""
    words = re.sub(r"\((r|tm)\)|processor|cpu|@.*", " ", str(machine["cpu"]).lower())
    name = "-".join(re.findall(r"[a-z0-9]+", words))[:40].strip("-") or machine["architecture"]
    flags = machine["vector_flags"]
    widest = next((short for flag, short in (("amx_int8", "amx"), ("avx512_vnni", "vnni"), ("avx2", "avx2")) if flag in flags), "")
    return "-".join(part for part in (name, f"{machine['cores']}c", widest) if part)


def _cpu_fields() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8").split("\n\n", 1)[0]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}


def _cpu_model(fields: dict[str, str]) -> str:
    return fields.get("model name") or platform.processor() or platform.machine()

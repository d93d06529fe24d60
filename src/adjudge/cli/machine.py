"""What this machine offers: processor, memory, graphics card."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import MissingExtraError

__all__ = ["Machine", "look_at_machine", "read_cpu_info"]

_FEATURES = {
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "avx512_fp16": "AVX-512 FP16",
    "amx_bf16": "AMX BF16",
    "amx_int8": "AMX INT8",
    "asimd": "NEON",
    "asimddp": "dot product",
    "i8mm": "I8MM",
    "bf16": "BF16",
    "sve": "SVE",
}
"""Linux's names of what matters to a model, on x86 and ARM, and the names that people know."""

_CPU_INFO = Path("/proc/cpuinfo")
_MEMORY_INFO = Path("/proc/meminfo")
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found; None and () where the system does not say."""

    system: str
    python: str
    processor: str
    cores: int
    usable_cores: int  # that this process may run on
    cpu_quota: float | None  # cores' worth of time that the container may use; None: all
    features: tuple[str, ...]  # instructions that matter here
    openvino: tuple[str, ...]  # what OpenVINO computes natively
    memory_gib: float | None
    memory_available_gib: float | None
    memory_limit_gib: float | None  # of the container; None: none
    gpus: tuple[str, ...]
    gpu_note: str  # why gpus is empty


def look_at_machine() -> Machine:
    """Ask the system, OpenVINO and, where it is installed, torch (which takes seconds)."""
    from ..backends.openvino import usable_cores

    processor, features = read_cpu_info(_text(_CPU_INFO))
    memory = _memory()
    gpus, note = _gpus()
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        processor=processor or _processor(),
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        cpu_quota=_cpu_quota(_text(_CPU_LIMIT)),
        features=features,
        openvino=_openvino(),
        memory_gib=memory.get("MemTotal", _physical_memory()),
        memory_available_gib=memory.get("MemAvailable"),
        memory_limit_gib=_memory_limit(),
        gpus=gpus,
        gpu_note=note,
    )


def read_cpu_info(text: str) -> tuple[str, tuple[str, ...]]:
    """(name, features) from the text of Linux's /proc/cpuinfo; what it does not say is empty."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = set(f"{fields.get('flags', '')} {fields.get('Features', '')}".split())
    return fields.get("model name", fields.get("Model", "")), tuple(name for flag, name in _FEATURES.items() if flag in flags)


def _processor() -> str:
    if platform.system() == "Darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        return asked.stdout.strip()
    return platform.processor()


def _memory() -> Mapping[str, float]:
    """Linux's /proc/meminfo in GiB."""
    lines = (line.split() for line in _text(_MEMORY_INFO).splitlines())
    return {words[0].rstrip(":"): int(words[1]) / 2**20 for words in lines if len(words) == 3}


def _physical_memory() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _memory_limit() -> float | None:
    for path in _MEMORY_LIMITS:
        limit = _text(path).strip()
        if limit.isdecimal() and int(limit) < 2**60:  # version 1 writes a huge number for "none"
            return int(limit) / 2**30
    return None


def _cpu_quota(text: str) -> float | None:
    words = text.split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdecimal() else None


def _openvino() -> tuple[str, ...]:
    from ..backends.capabilities import cpu_capabilities

    try:
        return cpu_capabilities()
    except MissingExtraError:
        return ()


def _gpus() -> tuple[tuple[str, ...], str]:
    from ..backends.capabilities import torch_devices

    if find_spec("torch") is None:
        return (), "torch is not installed, so no GPU can be used"
    found = torch_devices()
    return found, "" if found else "torch sees none"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

"""What is measured: a library, in its environment, with the options a reader of its documentation would choose."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["CPU_SYSTEMS", "GPU_SYSTEMS", "REFERENCE", "System", "add_peers_argument", "choose", "interpreter"]

PEERS_VARIABLE = "ADJUDGE_BENCH_PEERS"
DEFAULT_PEERS = Path(".venvs")


@dataclass(frozen=True, slots=True)
class System:
    """One contestant. `environment` is a folder made by benchmarks.make_peers, or None for adjudge's own."""

    name: str
    label: str
    worker: str
    environment: str | None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_ST, _ST_BACKENDS, _FLAG = "sentence-transformers", "sentence-transformers-backends", "flagembedding"
_ST_WORKER = "sentence_transformers_worker"

REFERENCE = System("reference", "transformers, float32, one pair at a time", "transformers_worker", _ST)


def _adjudge(name: str, label: str, **options: str) -> System:
    return System(name, f"adjudge {label}", "adjudge_worker", None, options)


def _st(name: str, label: str, environment: str, **options: str | bool) -> System:
    return System(f"st-{name}", f"sentence-transformers {label}", _ST_WORKER, environment, options)


CPU_SYSTEMS = (
    _adjudge("adjudge", "as it comes"),
    _adjudge("adjudge-openvino-int8", "openvino int8", backend="openvino", precision="int8"),
    _adjudge("adjudge-openvino-bf16", "openvino bfloat16", backend="openvino", precision="bf16"),
    _adjudge("adjudge-openvino-f32", "openvino float32", backend="openvino", precision="f32"),
    _adjudge("adjudge-torch-bf16", "torch bfloat16", backend="torch", precision="bf16"),
    _adjudge("adjudge-torch-f32", "torch float32", backend="torch", precision="f32"),
    System("flagembedding", "FlagEmbedding FlagReranker, as it comes", "flag_worker", _FLAG),
    _st("torch-f32", "torch float32, as it comes", _ST, backend="torch", dtype="float32"),
    _st("torch-bf16", "torch bfloat16", _ST, backend="torch", dtype="bfloat16"),
    _st("onnx-f32", "ONNX float32", _ST_BACKENDS, backend="onnx"),
    _st("onnx-int8", "ONNX dynamic int8", _ST_BACKENDS, backend="onnx", quantised=True),
    _st("openvino-f32", "OpenVINO, held to float32", _ST_BACKENDS, backend="openvino", precision_hint="f32"),
    _st("openvino", "OpenVINO, as it comes", _ST_BACKENDS, backend="openvino"),
    _st("openvino-int8", "OpenVINO static int8", _ST_BACKENDS, backend="openvino", quantised=True),
)

GPU_SYSTEMS = (
    _adjudge("adjudge-torch-f16", "torch float16, packed", backend="torch", precision="f16"),
    System("flagembedding-f16", "FlagEmbedding FlagReranker, use_fp16=True", "flag_worker", _FLAG, {"use_fp16": True}),
    _st("torch-f16", "torch float16", _ST, backend="torch", dtype="float16"),
)


def add_peers_argument(parser: ArgumentParser) -> None:
    """Add --peers and --systems."""
    default = Path(os.environ.get(PEERS_VARIABLE, DEFAULT_PEERS))
    what = "environments made by benchmarks.make_peers (default: %(default)s)"
    parser.add_argument("--peers", type=Path, default=default, metavar="DIR", help=what)
    parser.add_argument("--systems", metavar="NAMES", help="comma-separated, such as 'adjudge*,flagembedding' (default: all)")


def choose(systems: tuple[System, ...], wanted: str | None) -> list[System]:
    """Return the systems named in `wanted`, comma-separated; a name that ends in * stands for all that begin so."""
    if wanted is None:
        return list(systems)
    patterns = wanted.split(",")
    unknown = [p for p in patterns if not any(fnmatchcase(system.name, p) for system in systems)]
    if unknown:
        raise SystemExit(f"no system is called {', '.join(unknown)}; there are {', '.join(system.name for system in systems)}")
    return [system for system in systems if any(fnmatchcase(system.name, p) for p in patterns)]


def interpreter(system: System, peers: Path) -> Path | None:
    """The Python that runs this system, or None where its environment was not made."""
    if system.environment is None:
        return Path(sys.executable)
    # Not resolve(): the link is what makes it the environment's own Python.
    path = (peers / system.environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")).absolute()
    return path if path.exists() else None

"""Make one environment for each library that is compared, with the versions that go together.

    python -m benchmarks.make_peers [NAME ...] [--peers DIR] [--replace]

They cannot share one: FlagEmbedding and the ONNX and OpenVINO backends of sentence-transformers (through optimum) hold transformers
below 5, sentence-transformers itself has moved on. pip's own settings (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...) are honoured; on Linux the
CPU build of torch, smaller by gigabytes, comes from PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from argparse import ArgumentParser
from pathlib import Path

from .systems import DEFAULT_PEERS

__all__ = ["ENVIRONMENTS", "main", "make"]

TORCH = "torch==2.13.0"

ENVIRONMENTS = {
    "sentence-transformers": (TORCH, "sentence-transformers>=6.2,<7", "transformers>=5.20,<6"),
    # Version 5.7 is the newest that has both backends. datasets is what its static quantisation reads calibration texts with.
    "sentence-transformers-backends": (
        TORCH,
        "sentence-transformers[onnx,openvino]>=5.7,<6",
        "transformers>=4.57,<4.58",
        "huggingface-hub<1",
        "datasets>=5.0,<5.1",
    ),
    "sentence-transformers-service": (
        TORCH,
        "sentence-transformers>=6.2,<7",
        "transformers>=5.20,<6",
        "fastapi>=0.115",
        "uvicorn>=0.32",
    ),
    # Its last release; what it was built against has moved on since, hence the upper bounds.
    "infinity": (TORCH, "infinity-emb[torch,server]==0.0.77", "transformers>=4.47,<4.49", "optimum<2", "huggingface-hub<1", "click<8.2"),
    "flagembedding": (TORCH, "FlagEmbedding>=1.4.2,<2", "transformers>=4.57,<5", "huggingface-hub<1"),
    "open-retrievals": (TORCH, "open-retrievals==0.0.14", "transformers>=4.57,<5", "huggingface-hub<1"),
}


def make(name: str, peers: Path, *, replace: bool) -> Path:
    """Make one environment, unless it is there."""
    folder, finished = peers / name, peers / name / "requirements.txt"
    if finished.is_file() and not replace:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--disable-pip-version-check", *ENVIRONMENTS[name]], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    frozen = subprocess.run([python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True)
    finished.write_text(frozen.stdout, encoding="utf-8")
    return folder


def main() -> None:
    """Make those that are named, or all."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(ENVIRONMENTS)} (default: all)")
    parser.add_argument("--peers", type=Path, default=DEFAULT_PEERS, metavar="DIR", help="where they go (default: %(default)s)")
    parser.add_argument("--replace", action="store_true", help="make it anew where it exists")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(ENVIRONMENTS)
    if unknown:
        raise SystemExit(f"there is no environment {', '.join(sorted(unknown))}; there are {', '.join(ENVIRONMENTS)}")
    for name in arguments.names or ENVIRONMENTS:
        try:
            print(make(name, arguments.peers, replace=arguments.replace))
        except subprocess.CalledProcessError as exc:
            sys.exit(f"{name}: pip failed with code {exc.returncode}; its message stands above")


if __name__ == "__main__":
    main()

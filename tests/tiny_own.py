"""A tiny folder in adjudge's own form: one frozen int8 embedding table, a judge with the match head and a bi-encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.tiny_models import quiet
from tests.tiny_tokenizers import unigram

__all__ = ["build_own"]

HIDDEN, LAYERS, HEADS = 64, 2, 4
MANIFEST = {
    "format": 1,
    "edition": "tiny",
    "judge": {"weights": ["embeddings.safetensors", "judge.safetensors"], "head": {"kind": "match"}},
    "encoder": {
        "weights": ["embeddings.safetensors", "encoder.safetensors"],
        "head": {"kind": "embedding", "pool": "mean", "normalise": True},
        "prompts": {"query": "query: ", "document": "passage: "},
    },
}
WORDS = "embeddings.word_embeddings.weight"


def build_own(folder: Path, *, seed: int = 0, aspects: tuple[str, ...] = ()) -> Path:
    """Write the manifest, config.json, the tokenizer and three safetensors files into `folder`; gives it back.

    `aspects`: names of auxiliary heads to add; the rest is the same with and without.
    """
    from safetensors.numpy import save_file
    from transformers import BertConfig

    folder.mkdir(parents=True)
    tokenizer = unigram(folder, style="xlm-roberta")
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * HIDDEN,
        max_position_embeddings=128,
        pad_token_id=1,
        initializer_range=0.2,
    )
    with quiet():
        config.save_pretrained(folder)
    judge, encoder = _body(config, seed), _body(config, seed + 1)
    judge.pop(WORDS)
    save_file(_int8(encoder.pop(WORDS)), folder / "embeddings.safetensors")
    save_file(judge | _match_head(seed) | _aspect_heads(seed, len(aspects)), folder / "judge.safetensors")
    save_file(encoder, folder / "encoder.safetensors")
    manifest = json.loads(json.dumps(MANIFEST))
    if aspects:
        manifest["judge"]["head"]["aspects"] = list(aspects)
    (folder / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _body(config: object, seed: int) -> dict[str, np.ndarray]:
    import torch
    from transformers import BertModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = BertModel(config, add_pooling_layer=False).state_dict()
    return {name: tensor.numpy().astype(np.float16) for name, tensor in state.items()}


def _int8(table: np.ndarray) -> dict[str, np.ndarray]:
    dense = table.astype(np.float32)
    scale = np.maximum(np.abs(dense).max(axis=1), 1e-8) / 127
    return {WORDS: np.rint(dense / scale[:, None]).astype(np.int8), f"{WORDS}.scale": scale.astype(np.float32)}


def _aspect_heads(seed: int, count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed + 1)
    weights = {"aspects.weight": random.normal(0, 0.3, (count, HIDDEN)), "aspects.bias": random.normal(0, 1, count)}
    return {name: values.astype(np.float32) for name, values in weights.items()} if count else {}


def _match_head(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    numbers = {"cosine": 3.0, "max_similarity": 5.0, "offset": -4.0}
    return {
        "head.pooled.weight": random.normal(0, 0.3, (1, HIDDEN)).astype(np.float32),
        "head.pooled.bias": random.normal(0, 0.1, 1).astype(np.float32),
        **{f"head.{name}": np.array([value], np.float32) for name, value in numbers.items()},
    }

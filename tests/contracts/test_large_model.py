"""The full shape of bge-reranker-v2-m3 (XLM-RoBERTa large, 568 million parameters), with random weights and a real tokenizer."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adjudge.backends.loader import open_backend
from adjudge.config import BackendConfig, BackendName
from adjudge.models.load import load_model
from tests.pair_batches import batch_of
from tests.references import forget, transformers_logits
from tests.source import PACKAGE
from tests.texts import DOCUMENTS, QUERIES

pytestmark = pytest.mark.slow

CONFIG = {
    "architectures": ["XLMRobertaForSequenceClassification"],
    "model_type": "xlm-roberta",
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "max_position_embeddings": 8194,
    "vocab_size": 250002,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-05,
    "hidden_act": "gelu",
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "id2label": {"0": "LABEL_0"},
    "label2id": {"LABEL_0": 0},
}
PAIRS = [(QUERIES[0], DOCUMENTS[0]), (QUERIES[1], DOCUMENTS[1]), (QUERIES[4], DOCUMENTS[10]), (QUERIES[5], DOCUMENTS[12])]


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """2.3 GB of float32 in two shards, deleted afterwards. The tokenizer is the shipped one: the same specials and kind of pieces."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    shutil.copy(PACKAGE / "models" / "embedded" / "tokenizer.json", folder)
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "attention_mask"], "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    _write_weights(folder)
    yield folder
    shutil.rmtree(folder)


def _write_weights(folder: Path) -> None:
    from safetensors.numpy import save_file

    random, shapes = np.random.default_rng(0), _shapes()
    index: dict[str, str] = {}
    for number, words in enumerate((True, False), start=1):
        shard = f"model-{number:05}-of-00002.safetensors"
        tensors = {name: _random(random, name, shape) for name, shape in shapes.items() if ("word_embeddings" in name) == words}
        save_file(tensors, folder / shard, metadata={"format": "pt"})
        index.update(dict.fromkeys(tensors, shard))
        del tensors
    total = 4 * sum(int(np.prod(shape)) for shape in shapes.values())
    listing = {"metadata": {"total_size": total}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(listing), encoding="utf-8")


def _shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes as transformers has them, without making the tensors."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.for_model(**CONFIG)
    with torch.device("meta"):
        network = AutoModelForSequenceClassification.from_config(config)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    assert 567e6 < sum(int(np.prod(shape)) for shape in shapes.values()) < 569e6
    return shapes


def _random(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform, as wide as keeps the logits within a few units; norms around 1."""
    values = random.random(shape, dtype=np.float32)
    values -= 0.5
    values *= 0.2
    return values + np.float32(1) if name.endswith("LayerNorm.weight") else values


@pytest.fixture(scope="module")
def reference(large_folder: Path) -> np.ndarray:
    logits = transformers_logits(large_folder, batch_of(load_model(large_folder), PAIRS))
    forget()  # 2.3 GB that the backends need
    return logits


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_the_full_shape_in_float32(backend: BackendName, large_folder: Path, reference: np.ndarray) -> None:
    model = load_model(large_folder)
    assert model.spec.max_length == 8192
    batch = batch_of(model, PAIRS)
    opened = open_backend(model, BackendConfig(backend=backend, device="cpu", precision="f32"))
    logits = opened.forward(batch)
    opened.close()
    del opened
    gc.collect()
    difference = np.abs(logits - reference).max()
    print(f"{backend}: logits {reference.ravel().round(3).tolist()}, largest difference {difference:.1e}")
    assert reference.std() > 0.05
    assert difference <= 1e-4

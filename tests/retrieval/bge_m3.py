"""A tiny folder of bge-m3's form with random weights: encoder and two heads, as safetensors or as the pickles it ships."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.texts import DOCUMENTS
from tests.tiny_models import quiet

__all__ = ["build_m3", "pickle_heads", "reference_scores"]

HIDDEN, COLBERT_SIZE = 32, 24


def build_m3(encoder: Path, folder: Path, *, seed: int = 5) -> Path:
    """Copy a tiny XLM-RoBERTa folder and add two heads with random weights; gives `folder` back."""
    from safetensors.numpy import save_file

    shutil.copytree(encoder, folder)
    random = np.random.default_rng(seed)
    for name, outputs in (("sparse_linear", 1), ("colbert_linear", COLBERT_SIZE)):
        weight = random.normal(0, 0.3, (outputs, HIDDEN)).astype(np.float32)
        bias = random.normal(1.0 if outputs == 1 else 0.0, 0.1, outputs).astype(np.float32)  # so that most tokens have a weight above 0
        save_file({"weight": weight, "bias": bias}, folder / f"{name}.safetensors")
    return folder


def pickle_heads(folder: Path) -> Path:
    """Turn all weights into the pickles that bge-m3 is published with; gives `folder` back."""
    import torch
    from safetensors.torch import load_file

    for path in sorted(folder.glob("*.safetensors")):
        target = folder / "pytorch_model.bin" if path.stem == "model" else path.with_suffix(".pt")
        torch.save(load_file(path), target)
        path.unlink()
    return folder


def reference_scores(folder: Path, query: str) -> dict[str, np.ndarray]:
    """{"dense", "sparse", "colbert"}: scores of DOCUMENTS for `query`, each computed alone by transformers and torch, by the formulas of
    the paper's section 3 and the released code: first token; largest weight a token id; every token but the first, the query's averaged.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    with quiet():
        tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    heads = {name: load_file(folder / f"{name}.safetensors") for name in ("sparse_linear", "colbert_linear")}

    def read(text: str) -> tuple[torch.Tensor, dict[int, float], torch.Tensor]:
        inputs = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
        with torch.no_grad():
            states = network(**inputs).last_hidden_state[0]
        unused = {tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id}
        weights: dict[int, float] = {}
        sparse = torch.relu(states @ heads["sparse_linear"]["weight"].T + heads["sparse_linear"]["bias"])[:, 0]
        for token, weight in zip(inputs["input_ids"][0].tolist(), sparse.tolist(), strict=True):
            if token not in unused and weight > 0:
                weights[token] = max(weight, weights.get(token, 0.0))
        vectors = states[1:] @ heads["colbert_linear"]["weight"].T + heads["colbert_linear"]["bias"]
        return torch.nn.functional.normalize(states[0], dim=0), weights, torch.nn.functional.normalize(vectors, dim=-1)

    dense, weights, vectors = read(query)
    scores: dict[str, list[float]] = {"dense": [], "sparse": [], "colbert": []}
    for text in DOCUMENTS:
        other_dense, other_weights, other_vectors = read(text)
        scores["dense"].append(float(dense @ other_dense))
        scores["sparse"].append(sum(weight * other_weights.get(token, 0.0) for token, weight in weights.items()))
        scores["colbert"].append(float((vectors @ other_vectors.T).amax(1).mean()))
    return {name: np.array(values, np.float32) for name, values in scores.items()}

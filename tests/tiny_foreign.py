"""Tiny classifiers of families that only transformers knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.tiny_models import quiet
from tests.tiny_tokenizers import unigram

__all__ = ["BART", "GPT2", "OPT", "XLNET", "build_foreign"]

_IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_SIDE = {"layers": 1, "attention_heads": 4, "ffn_dim": 32}
BART = {
    "d_model": 32,
    "max_position_embeddings": 128,
    **{f"encoder_{part}": size for part, size in _SIDE.items()},
    **{f"decoder_{part}": size for part, size in _SIDE.items()},
}
XLNET = {"d_model": 32, "n_layer": 1, "n_head": 4, "d_inner": 32}
OPT = {"hidden_size": 32, "word_embed_proj_dim": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "ffn_dim": 32}
GPT2 = {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 48}


def build_foreign(folder: Path, model_type: str, config: Mapping[str, Any]) -> Path:
    """A tiny classifier of any family that transformers has, without a limit in the tokenizer's own settings."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder.mkdir()
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        words = unigram(folder, style="xlm-roberta").get_vocab_size()
        made = AutoConfig.for_model(model_type, vocab_size=words, num_labels=1, **_IDS, **config)
        network = AutoModelForSequenceClassification.from_config(made).eval()
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.data.normal_(0, 0.2)
        network.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del settings["model_max_length"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder

"""Tiny rerankers with random weights and real tokenizers, made by transformers itself: what every test of the column runs on.

The weights are drawn wider than in training, so that logits spread over a few units and a wrong formula shows. Everything is
seeded: the same folder comes out on every machine with the same versions.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.texts import PAIRS
from tests.tiny_tokenizers import byte_level, unigram, word_piece

__all__ = ["FAMILIES", "NATIVE", "Tiny", "build", "edit_config", "hidden_size", "quiet"]

LAYERS, HEADS, HIDDEN, INTERMEDIATE = 3, 4, 32, 64
INITIALIZER_RANGE = 0.25
SPREAD = 2.0
"""Standard deviation of the logits, as wide as those of a trained reranker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """A recipe for one folder. `config` is laid over the family's own."""

    family: str
    labels: int = 1
    dtype: str = "float32"  # as the weights are stored: float32, float16, bfloat16
    shards: bool = False
    seed: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder_name(self) -> str:
        """Distinct for distinct recipes."""
        extra = "-".join(f"{key}={value}" for key, value in sorted(self.config.items()))
        return f"{self.family}-{self.labels}-{self.dtype}-{'shards' if self.shards else 'one'}-{self.seed}-{extra}"


@dataclass(frozen=True, slots=True)
class _Family:
    tokenizer: Callable[[Path], Any]  # writes tokenizer.json and tokenizer_config.json, gives back the tokenizer
    config_class: str
    model_class: str
    config: Mapping[str, Any]
    positions: int = 128


_USUAL = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INTERMEDIATE,
    "initializer_range": INITIALIZER_RANGE,
}
_DISTILBERT = {"dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": INTERMEDIATE, "initializer_range": INITIALIZER_RANGE}
_MODERNBERT = _USUAL | {"num_hidden_layers": 5, "local_attention": 16}  # layers 0 and 3 see everything, the others 8 tokens to either side
_DEBERTA = _USUAL | {
    "relative_attention": True,
    "position_buckets": 16,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "max_relative_positions": -1,
}
_ROBERTA_IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}

_FAMILIES: Mapping[str, _Family] = {
    "bert": _Family(word_piece, "BertConfig", "BertForSequenceClassification", _USUAL),
    "roberta": _Family(
        lambda folder: byte_level(folder, style="roberta"),
        "RobertaConfig",
        "RobertaForSequenceClassification",
        _USUAL | _ROBERTA_IDS | {"type_vocab_size": 1, "layer_norm_eps": 1e-5},
        130,
    ),
    "xlm-roberta": _Family(
        lambda folder: unigram(folder, style="xlm-roberta"),
        "XLMRobertaConfig",
        "XLMRobertaForSequenceClassification",
        _USUAL | _ROBERTA_IDS | {"type_vocab_size": 1, "layer_norm_eps": 1e-5},
        130,
    ),
    "electra": _Family(word_piece, "ElectraConfig", "ElectraForSequenceClassification", _USUAL | {"embedding_size": 16}),
    "distilbert": _Family(
        lambda folder: word_piece(folder, types=False), "DistilBertConfig", "DistilBertForSequenceClassification", _DISTILBERT
    ),
    "modernbert": _Family(
        lambda folder: byte_level(folder, style="modernbert"), "ModernBertConfig", "ModernBertForSequenceClassification", _MODERNBERT
    ),
    "deberta-v2": _Family(
        lambda folder: unigram(folder, style="deberta-v2"), "DebertaV2Config", "DebertaV2ForSequenceClassification", _DEBERTA
    ),
}

FAMILIES = tuple(_FAMILIES)
NATIVE = tuple(family for family in FAMILIES if family != "deberta-v2")
"""The families that adjudge's own graphs compute."""


def build(tiny: Tiny, folder: Path) -> Path:
    """Write config.json, model.safetensors, tokenizer.json and tokenizer_config.json into `folder`; gives it back."""
    import torch
    import transformers

    family = _FAMILIES[tiny.family]
    folder.mkdir(parents=True)
    with quiet():
        tokenizer = family.tokenizer(folder)
        config = getattr(transformers, family.config_class)(
            vocab_size=tokenizer.get_vocab_size(),
            max_position_embeddings=family.positions,
            num_labels=tiny.labels,
            **_special_ids(tokenizer, tiny.family),
            **(family.config | dict(tiny.config)),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(tiny.seed)
            model = getattr(transformers, family.model_class)(config).eval()
            _widen(model)
            _spread(model, transformers.AutoTokenizer.from_pretrained(folder))
        model.to(getattr(torch, tiny.dtype)).save_pretrained(folder, max_shard_size="20KB" if tiny.shards else "5GB")
    return folder


def _special_ids(tokenizer: Any, family: str) -> dict[str, int]:
    """ModernBERT's config names token ids of its own big vocabulary by default."""
    if family != "modernbert":
        return {}
    ids = {"pad_token_id": "[PAD]", "cls_token_id": "[CLS]", "sep_token_id": "[SEP]", "bos_token_id": "[CLS]", "eos_token_id": "[SEP]"}
    return {name: tokenizer.token_to_id(token) for name, token in ids.items()}


def _widen(model: Any) -> None:
    """Biases and norms are drawn too: fresh ones are 0 and 1, which would hide a forgotten one."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.normal_(0.0, 0.1)
        elif parameter.dim() == 1:
            parameter.data.normal_(1.0, 0.1)


def _spread(model: Any, tokenizer: Any) -> None:
    """Shift and stretch the last layer so that the logits of PAIRS have mean 0 and a standard deviation of SPREAD, label by label."""
    import torch

    queries, documents = zip(*PAIRS, strict=True)
    inputs = tokenizer(list(queries), list(documents), padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits
    out = [module for module in model.modules() if isinstance(module, torch.nn.Linear) and module.out_features == logits.shape[1]][-1]
    stretch = SPREAD / logits.std(0)
    out.bias.data = (out.bias.data - logits.mean(0)) * stretch
    out.weight.data *= stretch[:, None]


@contextmanager
def quiet() -> Iterator[None]:
    """transformers reports what it saves; a test that builds a model has no use for it."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def hidden_size(family: str, size: int) -> dict[str, int]:
    """The `config` of a Tiny of another width, feed-forward twice as wide."""
    names = ("dim", "hidden_dim") if family == "distilbert" else ("hidden_size", "intermediate_size")
    return dict(zip(names, (size, 2 * size), strict=True))


def edit_config(folder: Path, **changes: Any) -> None:
    """Lay `changes` over a folder's config.json; None removes a key."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}), encoding="utf-8")

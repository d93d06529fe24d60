"""Tiny rerankers that come out the same to the last bit everywhere, so that what another library said of one can be kept in a file.

Made of integers and exact arithmetic only: no torch, no transformers, and a random stream that numpy has promised never to change
(RandomState). Imported by adjudge's tests and, in the originals' own environments, by record_originals.py; so it imports neither.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import save_file

__all__ = ["MODELS", "Recipe", "build", "digest"]

HIDDEN, LAYERS, HEADS, INTERMEDIATE = 32, 2, 4, 64
USABLE = 512  # tokens a pair, as the small bge rerankers have it
# fmt: off
WORDS = [
    "what", "do", "giant", "pandas", "eat", "the", "panda", "eats", "bamboo", "leaves", "and", "shoots", "almost", "nothing", "but",
    "of", "is", "a", "in", "to", "coffee", "keeps", "you", "awake", "caffeine", "half", "life", "about", "five", "hours", "tea",
    "calms", "sleep", "phone", "camera", "titanium", "new", "which", "how", "long", "does", "it", "last", "apple", "red", "sweet",
]
# fmt: on
ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = "abcdefghijklmnopqrstuvwxyzáéíñóú0123456789.,!?¿¡'-"
HAN = "熊猫吃什么竹子大几乎全是每天咖啡因失眠如何缓解茶苹果手机的。，？"


@dataclass(frozen=True)
class Recipe:
    """One model. `scale` stretches the last layer until logits spread over a few units, as those of a trained model do."""

    family: Literal["bert", "xlm-roberta"]
    labels: int = 1
    seed: int = 7
    scale: float = 1.0
    config: Mapping[str, Any] | None = None  # laid over config.json


_NLI = {"0": "contradiction", "1": "entailment", "2": "neutral"}

MODELS: Mapping[str, Recipe] = {
    "xlm-roberta": Recipe("xlm-roberta", scale=3.0),
    "bert": Recipe("bert", scale=3.0),
    "bert-3-labels": Recipe("bert", labels=3, scale=3.0, config={"id2label": _NLI, "label2id": {name: int(i) for i, name in _NLI.items()}}),
    "bert-identity": Recipe("bert", scale=3.0, config={"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}),
    "bert-old-identity": Recipe("bert", scale=3.0, config={"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}),
}


def build(name: str, folder: Path, *, generic_tokenizer: bool = False) -> Path:
    """Write the model `name` into `folder` and give it back.

    `generic_tokenizer`: name the class that takes tokenizer.json as it is. FlagEmbedding and open-retrievals under transformers 4
    need the family's own class, because they put the special tokens in by its methods and not by the file's template.
    """
    recipe = MODELS[name]
    folder.mkdir(parents=True)
    tokenizer = _tokenizer(recipe)
    _write(folder / "config.json", _config(recipe, len(_vocabulary(recipe))))
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "tokenizer_config.json", _tokenizer_config(recipe, generic=generic_tokenizer))
    save_file(_weights(recipe), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def digest(name: str) -> str:
    """A hash of everything that decides the model's scores: weights, config and tokenizer."""
    recipe = MODELS[name]
    sha = hashlib.sha256(json.dumps([_config(recipe, len(_vocabulary(recipe))), _tokenizer(recipe)], sort_keys=True).encode())
    for key, array in sorted(_weights(recipe).items()):
        sha.update(f"{key}{array.shape}{array.dtype}".encode())
        sha.update(array.astype("<f4").tobytes())
    return sha.hexdigest()


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _is_bert(recipe: Recipe) -> bool:
    return recipe.family == "bert"


def _config(recipe: Recipe, vocabulary: int) -> dict[str, Any]:
    bert = _is_bert(recipe)
    own = {"pad_token_id": 0} if bert else {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    return {
        "model_type": recipe.family,
        "architectures": ["BertForSequenceClassification" if bert else "XLMRobertaForSequenceClassification"],
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "max_position_embeddings": USABLE if bert else USABLE + 2,
        "type_vocab_size": 2 if bert else 1,
        "id2label": {str(i): f"LABEL_{i}" for i in range(recipe.labels)},
        "label2id": {f"LABEL_{i}": i for i in range(recipe.labels)},
        **own,
        **(recipe.config or {}),
    }


def _vocabulary(recipe: Recipe) -> list[str]:
    """BERT: words, starts and ##inner letters. XLM-R: pieces, a word's first one begins with the bar."""
    if _is_bert(recipe):
        single = [*LETTERS, *HAN]
        return list(dict.fromkeys([*BERT_SPECIALS, *WORDS[::2], *single, *(f"##{c}" for c in LETTERS)]))
    pieces = [*(f"▁{w}" for w in WORDS[::2]), *(w[:3] for w in WORDS), *(f"▁{w[:2]}" for w in WORDS), "▁", *LETTERS, *HAN]
    return list(dict.fromkeys([*ROBERTA_SPECIALS[:4], *pieces, ROBERTA_SPECIALS[4]]))


def _tokenizer(recipe: Recipe) -> dict[str, Any]:
    vocabulary = _vocabulary(recipe)
    specials = BERT_SPECIALS if _is_bert(recipe) else ROBERTA_SPECIALS
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": vocabulary.index(token), "content": token, **flags} for token in sorted(specials, key=vocabulary.index)]
    common = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added}
    return {**common, **(_word_piece(vocabulary) if _is_bert(recipe) else _unigram(vocabulary))}


def _word_piece(vocabulary: list[str]) -> dict[str, Any]:
    lower = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    return {
        "normalizer": {"type": "BertNormalizer", **lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _template(["[CLS]", "A", "[SEP]", ("B", 1), ("[SEP]", 1)], {"[CLS]": 2, "[SEP]": 3}),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: index for index, piece in enumerate(vocabulary)},
        },
    }


def _unigram(vocabulary: list[str]) -> dict[str, Any]:
    bar = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    scores = [[piece, 0.0 if piece in ROBERTA_SPECIALS else -8.0 - index / 64] for index, piece in enumerate(vocabulary)]
    return {
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": bar,
        "post_processor": _template(["<s>", "A", "</s>", "</s>", ("B", 0), ("</s>", 0)], {"<s>": 0, "</s>": 2}),
        "decoder": bar,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": scores, "byte_fallback": False},
    }


def _template(pair: list[str | tuple[str, int]], specials: Mapping[str, int]) -> dict[str, Any]:
    def part(entry: str | tuple[str, int]) -> dict[str, Any]:
        name, kind = entry if isinstance(entry, tuple) else (entry, 0)
        return {"Sequence" if name in ("A", "B") else "SpecialToken": {"id": name, "type_id": kind}}

    used = {token: {"id": token, "ids": [index], "tokens": [token]} for token, index in specials.items()}
    return {"type": "TemplateProcessing", "single": [part(e) for e in pair[:3]], "pair": [part(e) for e in pair], "special_tokens": used}


def _tokenizer_config(recipe: Recipe, *, generic: bool) -> dict[str, Any]:
    if _is_bert(recipe):
        names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), BERT_SPECIALS, strict=True))
        own, inputs = "BertTokenizer", ["input_ids", "token_type_ids", "attention_mask"]
    else:
        names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), ROBERTA_SPECIALS, strict=True))
        names |= {"cls_token": "<s>", "sep_token": "</s>"}
        own, inputs = "XLMRobertaTokenizer", ["input_ids", "attention_mask"]
    kind = "PreTrainedTokenizerFast" if generic else own
    return {"tokenizer_class": kind, "model_max_length": USABLE, "model_input_names": inputs, **names}


def _weights(recipe: Recipe) -> dict[str, np.ndarray]:
    """Uniform numbers in the order of the shapes below; norms near 1, everything else around 0."""
    stream = np.random.RandomState(recipe.seed)

    def draw(name: str, *shape: int) -> np.ndarray:
        unit = stream.random_sample(shape) * 2 - 1
        if name.endswith("LayerNorm.weight"):
            return (1 + unit / 4).astype(np.float32)
        return (unit * (0.25 if name.endswith("bias") else 0.5)).astype(np.float32)

    weights = {name: draw(name, *shape) for name, shape in _shapes(recipe).items()}
    last = "classifier" if _is_bert(recipe) else "classifier.out_proj"
    for leaf in ("weight", "bias"):
        weights[f"{last}.{leaf}"] *= np.float32(recipe.scale)
    return weights


def _shapes(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    bert = _is_bert(recipe)
    body = "bert" if bert else "roberta"
    table = f"{body}.embeddings."
    shapes: dict[str, tuple[int, ...]] = {
        table + "word_embeddings.weight": (len(_vocabulary(recipe)), HIDDEN),
        table + "position_embeddings.weight": (USABLE if bert else USABLE + 2, HIDDEN),
        table + "token_type_embeddings.weight": (2 if bert else 1, HIDDEN),
        table + "LayerNorm.weight": (HIDDEN,),
        table + "LayerNorm.bias": (HIDDEN,),
    }
    linear = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (INTERMEDIATE, HIDDEN),
        "output.dense": (HIDDEN, INTERMEDIATE),
    }
    for layer in range(LAYERS):
        stem = f"{body}.encoder.layer.{layer}."
        for part, (out, into) in linear.items():
            shapes |= {f"{stem}{part}.weight": (out, into), f"{stem}{part}.bias": (out,)}
        for part in ("attention.output", "output"):
            shapes |= {f"{stem}{part}.LayerNorm.weight": (HIDDEN,), f"{stem}{part}.LayerNorm.bias": (HIDDEN,)}
    dense, out = ("bert.pooler.dense", "classifier") if bert else ("classifier.dense", "classifier.out_proj")
    for name, rows in ((dense, HIDDEN), (out, recipe.labels)):
        shapes |= {f"{name}.weight": (rows, HIDDEN), f"{name}.bias": (rows,)}
    return shapes

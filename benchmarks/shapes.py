"""The three shapes that are measured: the sizes of real, widely used rerankers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["SHAPES", "Shape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An encoder with a classification head of one label, as its config.json describes it."""

    key: str
    like: str  # the public model of this shape
    family: Literal["bert", "xlm-roberta"]
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int  # rows of the position table; XLM-R keeps the first two unused
    pairs: int  # how many pairs speed.py draws unless told otherwise
    warm_up: int  # how many other pairs a new process scores before it is measured

    @property
    def max_length(self) -> int:
        """Tokens a pair may have."""
        return self.positions if self.family == "bert" else self.positions - 2

    @property
    def parameters(self) -> int:
        """How many numbers the model holds."""
        return sum(_size(shape) for _, shape in self.tensors())

    def flops(self, lengths: list[int]) -> float:
        """Floating-point operations (a multiply-add is two) for pairs of these many tokens, padding not counted."""
        matrices = self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)
        attention = self.layers * 2 * self.hidden
        return 2.0 * sum(n * matrices + n * n * attention for n in lengths)

    def config(self) -> dict[str, Any]:
        """config.json."""
        bert = self.family == "bert"
        return {
            "architectures": ["BertForSequenceClassification" if bert else "XLMRobertaForSequenceClassification"],
            "model_type": self.family,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.intermediate,
            "hidden_act": "gelu",
            "max_position_embeddings": self.positions,
            "type_vocab_size": 2 if bert else 1,
            "layer_norm_eps": 1e-12 if bert else 1e-5,
            "pad_token_id": 0 if bert else 1,
            **({} if bert else {"bos_token_id": 0, "eos_token_id": 2}),
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "position_embedding_type": "absolute",
            "id2label": {"0": "LABEL_0"},
            "label2id": {"LABEL_0": 0},
            "torch_dtype": "float32",
        }

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Every tensor's name and shape, as transformers names them."""
        body = "bert." if self.family == "bert" else "roberta."
        yield body + "embeddings.word_embeddings.weight", (self.vocabulary, self.hidden)
        yield body + "embeddings.position_embeddings.weight", (self.positions, self.hidden)
        yield body + "embeddings.token_type_embeddings.weight", (2 if self.family == "bert" else 1, self.hidden)
        yield from _with_bias(body + "embeddings.LayerNorm", (self.hidden,))
        for index in range(self.layers):
            yield from self._layer(f"{body}encoder.layer.{index}.")
        if self.family == "bert":
            yield from _with_bias("bert.pooler.dense", (self.hidden, self.hidden))
            yield from _with_bias("classifier", (1, self.hidden))
        else:
            yield from _with_bias("classifier.dense", (self.hidden, self.hidden))
            yield from _with_bias("classifier.out_proj", (1, self.hidden))

    def _layer(self, stem: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        square = (self.hidden, self.hidden)
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            yield from _with_bias(stem + part, square)
        yield from _with_bias(stem + "attention.output.LayerNorm", (self.hidden,))
        yield from _with_bias(stem + "intermediate.dense", (self.intermediate, self.hidden))
        yield from _with_bias(stem + "output.dense", (self.hidden, self.intermediate))
        yield from _with_bias(stem + "output.LayerNorm", (self.hidden,))


SHAPES = {
    shape.key: shape
    for shape in (
        Shape(
            key="minilm",
            like="cross-encoder/ms-marco-MiniLM-L6-v2",
            family="bert",
            layers=6,
            hidden=384,
            heads=12,
            intermediate=1536,
            vocabulary=30_522,
            positions=512,
            pairs=500,
            warm_up=32,
        ),
        Shape(
            key="base",
            like="BAAI/bge-reranker-base",
            family="xlm-roberta",
            layers=12,
            hidden=768,
            heads=12,
            intermediate=3072,
            vocabulary=250_002,
            positions=514,
            pairs=100,
            warm_up=8,
        ),
        Shape(
            key="v2m3",
            like="BAAI/bge-reranker-v2-m3",
            family="xlm-roberta",
            layers=24,
            hidden=1024,
            heads=16,
            intermediate=4096,
            vocabulary=250_002,
            positions=8194,
            pairs=32,
            warm_up=4,
        ),
    )
}


def _with_bias(stem: str, weight: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield stem + ".weight", weight
    yield stem + ".bias", weight[:1]


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size

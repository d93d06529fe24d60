"""What a model is, as its config.json says: family, sizes, limits, head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from ..errors import ModelFilesError, UnsupportedModelError
from .heads import HeadSpec, parse_head
from .reader import Reader
from .rotary import RotarySpec, parse_rotary

__all__ = ["Activation", "Family", "ModelSpec", "RotarySpec", "parse_spec"]

Activation: TypeAlias = Literal["gelu", "gelu_tanh", "relu", "silu", "tanh"]

_ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
}
_MOST_LAYERS = 1024


class Family(StrEnum):
    """The `model_type` of config.json. OTHER is run by the torch backend through transformers."""

    BERT = "bert"
    ROBERTA = "roberta"
    XLM_ROBERTA = "xlm-roberta"
    ELECTRA = "electra"
    DISTILBERT = "distilbert"
    MODERNBERT = "modernbert"
    DEBERTA_V2 = "deberta-v2"
    OTHER = "other"


_NATIVE = frozenset(Family) - {Family.DEBERTA_V2, Family.OTHER}
_BEHIND_PADDING = frozenset(
    {
        "camembert",
        "data2vec-text",
        "ibert",
        "longformer",
        "luke",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Values of `model_type` whose first position is the padding's id + 1; that id is 1 where config.json does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The shape of an encoder and its head. Sizes are in tokens or units, never bytes; 0 where an OTHER family does not say."""

    family: Family
    model_type: str
    hidden_size: int
    embedding_size: int
    layers: int
    attention_heads: int
    intermediate_size: int
    vocab_size: int
    positions: int
    position_offset: int  # the first position's index: RoBERTa counts from padding_idx + 1
    max_length: int  # usable tokens a pair: positions - position_offset
    type_vocab_size: int
    norm_eps: float
    activation: Activation
    pad_token_id: int
    head: HeadSpec
    rotary: RotarySpec | None = None

    @property
    def native(self) -> bool:
        """Whether adjudge's own graphs (openvino, packed torch) know the family."""
        return self.family in _NATIVE


@dataclass(frozen=True, slots=True)
class _Defaults:
    """What transformers takes where config.json says nothing; old configs leave most of it out."""

    pad_token_id: int = 0
    positions: int = 512
    norm_eps: float = 1e-12
    types: int = 0


_BERT_LIKE = _Defaults(types=2)
_DEFAULTS: Mapping[Family, _Defaults] = {
    Family.BERT: _BERT_LIKE,
    Family.ROBERTA: _Defaults(types=2),
    Family.XLM_ROBERTA: _Defaults(types=2),
    Family.ELECTRA: _BERT_LIKE,
    Family.DISTILBERT: _Defaults(),
    Family.MODERNBERT: _Defaults(pad_token_id=50283, positions=8192, norm_eps=1e-5),
    Family.DEBERTA_V2: _Defaults(norm_eps=1e-7),
    Family.OTHER: _Defaults(),
}

_USUAL_NAMES = {"hidden": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads", "intermediate": "intermediate_size"}
_DISTILBERT_NAMES = {"hidden": "dim", "layers": "n_layers", "heads": "n_heads", "intermediate": "hidden_dim"}


def parse_spec(config: Mapping[str, Any], *, family: Family | None = None) -> ModelSpec:
    """Read config.json, taking it for `family` (None: as its model_type says).

    Raises ModelFilesError for missing or senseless values, UnsupportedModelError for a variant that would be computed
    wrongly, NotARerankerError for a wrong head.
    """
    read = Reader(config)
    model_type = read.text("model_type")
    family = _family(model_type) if family is None else family
    _refuse_variant(read, family)
    vocab, pad = _vocabulary(read, family)
    positions = _positions(read, family)
    offset = pad + 1 if model_type in _BEHIND_PADDING else 0
    if positions - offset < 8:
        raise ModelFilesError(f"config.json allows {positions} positions, of which {offset} are reserved: too few to judge a pair")
    sizes = _sizes(read, family)
    return ModelSpec(
        family=family,
        model_type=model_type,
        hidden_size=sizes["hidden"],
        embedding_size=read.size("embedding_size", default=128) if family is Family.ELECTRA else sizes["hidden"],
        layers=sizes["layers"],
        attention_heads=sizes["heads"],
        intermediate_size=sizes["intermediate"],
        vocab_size=vocab,
        positions=positions,
        position_offset=offset,
        max_length=positions - offset,
        type_vocab_size=read.integer("type_vocab_size", default=_DEFAULTS[family].types),
        norm_eps=_norm_eps(read, family),
        activation=_activation(read, family),
        pad_token_id=pad,
        head=parse_head(config, family=family.value),
        rotary=parse_rotary(config, layers=sizes["layers"]) if family is Family.MODERNBERT else None,
    )


def _family(model_type: str) -> Family:
    if not model_type:
        raise ModelFilesError("config.json has no model_type, so it is not the config of a transformers model")
    return Family(model_type) if model_type in set(Family) - {Family.OTHER} else Family.OTHER


def _vocabulary(read: Reader, family: Family) -> tuple[int, int]:
    """(words, id of the padding)."""
    known = family is not Family.OTHER
    vocab = read.size("vocab_size") if known else read.integer("vocab_size", default=0)
    usual = 1 if read.text("model_type") in _BEHIND_PADDING else _DEFAULTS[family].pad_token_id
    pad = read.integer("pad_token_id", default=usual)
    if known and pad >= vocab:
        raise ModelFilesError(f"config.json: pad_token_id {pad} lies outside the vocabulary of {vocab}")
    return vocab, pad


def _positions(read: Reader, family: Family) -> int:
    """Rows of the position table; GPT-2 and its like have a name of their own for it."""
    name = "n_positions" if family is Family.OTHER and not read.has("max_position_embeddings") else "max_position_embeddings"
    return read.size(name, default=_DEFAULTS[family].positions)


def _sizes(read: Reader, family: Family) -> dict[str, int]:
    """Hidden and intermediate size, layers and heads, checked against one another."""
    names = _DISTILBERT_NAMES if family is Family.DISTILBERT else _USUAL_NAMES
    if family is Family.OTHER:
        return {size: read.integer(name, default=0) for size, name in names.items()}
    sizes = {size: read.size(name, most=_MOST_LAYERS) if size == "layers" else read.size(name) for size, name in names.items()}
    per_head, rest = divmod(sizes["hidden"], sizes["heads"])
    if rest or (family is Family.MODERNBERT and per_head % 2):
        raise ModelFilesError(f"config.json: a hidden size of {sizes['hidden']} cannot be shared by {sizes['heads']} attention heads")
    return sizes


def _norm_eps(read: Reader, family: Family) -> float:
    if family is Family.DISTILBERT:
        return _DEFAULTS[family].norm_eps  # transformers writes it in the code, so a key in config.json means nothing
    return read.positive("norm_eps" if family is Family.MODERNBERT else "layer_norm_eps", default=_DEFAULTS[family].norm_eps)


def _activation(read: Reader, family: Family) -> Activation:
    if family not in _NATIVE:
        return "gelu"
    key = {Family.DISTILBERT: "activation", Family.MODERNBERT: "hidden_activation"}.get(family, "hidden_act")
    name = read.text(key, default="gelu")
    if name not in _ACTIVATIONS:
        raise UnsupportedModelError(f"config.json asks for the activation {name!r}; adjudge knows {', '.join(sorted(_ACTIVATIONS))}")
    return _ACTIVATIONS[name]


def _refuse_variant(read: Reader, family: Family) -> None:
    """Bodies with the tensor names of a family that adjudge knows, and another computation: scores would be silently wrong."""
    if family not in _NATIVE:
        return
    positions = read.text("position_embedding_type", default="absolute")
    if positions != "absolute" and family is not Family.MODERNBERT:  # which has rotary ones whatever this key says
        raise UnsupportedModelError(f"config.json asks for {positions!r} positions; adjudge computes 'absolute' ones in a {family} model")
    if read.flag("is_decoder"):
        raise UnsupportedModelError("config.json says is_decoder: a model that only looks back is not one that adjudge computes")

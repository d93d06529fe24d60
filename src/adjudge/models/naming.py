"""One vocabulary of tensor names for every family, so that a graph is written once.

Canonical names: word_embeddings, position_embeddings, token_type_embeddings, embeddings_norm, embeddings_projection,
then layer.{i}.query|key|value|attention_output|attention_norm|intermediate|output|output_norm, and for the head
head.dense, head.norm, head.out; each with .weight and mostly .bias. ModernBERT adds layer.{i}.qkv, layer.{i}.gated
(two stacked matrices: activated part first, gate second) and final_norm.
"""

from __future__ import annotations

from collections.abc import Mapping

from .heads import ClassificationHead
from .spec import Family, ModelSpec

__all__ = ["body_prefixes", "canonical_names", "head_names"]

_BERT_BODY: Mapping[str, str] = {
    "word_embeddings": "embeddings.word_embeddings",
    "position_embeddings": "embeddings.position_embeddings",
    "token_type_embeddings": "embeddings.token_type_embeddings",
    "embeddings_norm": "embeddings.LayerNorm",
    "embeddings_projection": "embeddings_project",
}
_BERT_LAYER: Mapping[str, str] = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}
_DISTILBERT_LAYER: Mapping[str, str] = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention_output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
    "output_norm": "output_layer_norm",
}
_MODERNBERT_BODY: Mapping[str, str] = {
    "word_embeddings": "embeddings.tok_embeddings",
    "embeddings_norm": "embeddings.norm",
    "final_norm": "final_norm",
}
_MODERNBERT_LAYER: Mapping[str, str] = {
    "qkv": "attn.Wqkv",
    "attention_output": "attn.Wo",
    "attention_norm": "attn_norm",
    "gated": "mlp.Wi",
    "output": "mlp.Wo",
    "output_norm": "mlp_norm",
}
_PREFIX: Mapping[Family, str] = {
    Family.BERT: "bert.",
    Family.ROBERTA: "roberta.",
    Family.XLM_ROBERTA: "roberta.",
    Family.ELECTRA: "electra.",
    Family.DISTILBERT: "distilbert.",
    Family.MODERNBERT: "model.",
}
_HEAD: Mapping[Family, Mapping[str, str]] = {
    Family.BERT: {"head.dense": "bert.pooler.dense", "head.out": "classifier"},
    Family.ROBERTA: {"head.dense": "classifier.dense", "head.out": "classifier.out_proj"},
    Family.XLM_ROBERTA: {"head.dense": "classifier.dense", "head.out": "classifier.out_proj"},
    Family.ELECTRA: {"head.dense": "classifier.dense", "head.out": "classifier.out_proj"},
    Family.DISTILBERT: {"head.dense": "pre_classifier", "head.out": "classifier"},
    Family.MODERNBERT: {"head.dense": "head.dense", "head.norm": "head.norm", "head.out": "classifier"},
}


def body_prefixes(family: Family) -> tuple[str, ...]:
    """How body tensors may be prefixed: sequence classifiers carry the family's name, bare encoders nothing."""
    return (_PREFIX[family], "")


def canonical_names(spec: ModelSpec, prefix: str) -> dict[str, str]:
    """{canonical stem: stem in the file} for the encoder body, under `prefix`."""
    body, layer, stem = _BERT_BODY, _BERT_LAYER, "encoder.layer"
    if spec.family is Family.DISTILBERT:
        layer, stem = _DISTILBERT_LAYER, "transformer.layer"
    elif spec.family is Family.MODERNBERT:
        body, layer, stem = _MODERNBERT_BODY, _MODERNBERT_LAYER, "layers"
    names = {short: prefix + long for short, long in body.items()}
    for index in range(spec.layers):
        names.update({f"layer.{index}.{short}": f"{prefix}{stem}.{index}.{long}" for short, long in layer.items()})
    return names


def head_names(spec: ModelSpec) -> dict[str, str]:
    """{canonical stem: stem in the file} for the head; the match head and the bi-encoder name their own."""
    if isinstance(spec.head, ClassificationHead):
        return dict(_HEAD[spec.family])
    return {f"head.{part}": f"head.{part}" for part in ("pooled", "cosine", "max_similarity", "offset")}

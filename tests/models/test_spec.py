"""parse_spec on the config.json of real models, written out here, and on values that no model should have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ModelError, ModelFilesError, UnsupportedModelError
from adjudge.models.heads import ClassificationHead
from adjudge.models.spec import Family, parse_spec

XLM_R: dict[str, Any] = {
    "architectures": ["XLMRobertaForSequenceClassification"],
    "attention_probs_dropout_prob": 0.1,
    "bos_token_id": 0,
    "classifier_dropout": None,
    "eos_token_id": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "id2label": {"0": "LABEL_0"},
    "initializer_range": 0.02,
    "label2id": {"LABEL_0": 0},
    "layer_norm_eps": 1e-05,
    "model_type": "xlm-roberta",
    "output_past": True,
    "pad_token_id": 1,
    "position_embedding_type": "absolute",
    "torch_dtype": "float32",
    "transformers_version": "4.38.1",
    "type_vocab_size": 1,
    "use_cache": True,
    "vocab_size": 250002,
}
LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24}
BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12}
BGE_V2_M3 = XLM_R | LARGE | {"_name_or_path": "BAAI/bge-m3", "max_position_embeddings": 8194}
BGE_BASE = XLM_R | BASE | {"_name_or_path": "BAAI/bge-reranker-base", "max_position_embeddings": 514}
MINILM: dict[str, Any] = {
    "_name_or_path": "cross-encoder/ms-marco-MiniLM-L-6-v2",
    "architectures": ["BertForSequenceClassification"],
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_size": 384,
    "id2label": {"0": "LABEL_0"},
    "initializer_range": 0.02,
    "intermediate_size": 1536,
    "label2id": {"LABEL_0": 0},
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 6,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity",
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
DISTILBERT: dict[str, Any] = {
    "activation": "gelu",
    "architectures": ["DistilBertForSequenceClassification"],
    "dim": 768,
    "hidden_dim": 3072,
    "id2label": {"0": "LABEL_0"},
    "max_position_embeddings": 512,
    "model_type": "distilbert",
    "n_heads": 12,
    "n_layers": 6,
    "pad_token_id": 0,
    "sinusoidal_pos_embds": False,
    "vocab_size": 30522,
}
ELECTRA: dict[str, Any] = {
    "architectures": ["ElectraForSequenceClassification"],
    "embedding_size": 128,
    "hidden_act": "gelu",
    "hidden_size": 256,
    "id2label": {"0": "LABEL_0"},
    "intermediate_size": 1024,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "electra",
    "num_attention_heads": 4,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}
MODERNBERT_4: dict[str, Any] = {  # as transformers 4.48 to 4.57 write it
    "architectures": ["ModernBertForSequenceClassification"],
    "attention_bias": False,
    "classifier_activation": "gelu",
    "classifier_bias": False,
    "classifier_pooling": "mean",
    "cls_token_id": 50281,
    "global_attn_every_n_layers": 3,
    "global_rope_theta": 160000.0,
    "hidden_activation": "gelu",
    "hidden_size": 768,
    "id2label": {"0": "LABEL_0"},
    "intermediate_size": 1152,
    "layer_norm_eps": 1e-05,
    "local_attention": 128,
    "local_rope_theta": 10000.0,
    "max_position_embeddings": 8192,
    "mlp_bias": False,
    "model_type": "modernbert",
    "norm_bias": False,
    "norm_eps": 1e-05,
    "num_attention_heads": 12,
    "num_hidden_layers": 22,
    "pad_token_id": 50283,
    "position_embedding_type": "absolute",
    "vocab_size": 50368,
}
_GONE = {"global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "position_embedding_type"}
MODERNBERT_5 = {key: value for key, value in MODERNBERT_4.items() if key not in _GONE} | {
    "layer_types": ["sliding_attention" if i % 3 else "full_attention" for i in range(22)],
    "rope_parameters": {
        "full_attention": {"rope_theta": 160000.0, "rope_type": "default"},
        "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
    },
}
DEBERTA: dict[str, Any] = {
    "architectures": ["DebertaV2ForSequenceClassification"],
    "hidden_act": "gelu",
    "hidden_size": 1024,
    "id2label": {"0": "LABEL_0"},
    "intermediate_size": 4096,
    "layer_norm_eps": 1e-07,
    "max_position_embeddings": 512,
    "max_relative_positions": -1,
    "model_type": "deberta-v2",
    "num_attention_heads": 16,
    "num_hidden_layers": 24,
    "pad_token_id": 0,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "relative_attention": True,
    "type_vocab_size": 0,
    "vocab_size": 128100,
}
CAMEMBERT = BGE_BASE | {"architectures": ["CamembertForSequenceClassification"], "model_type": "camembert", "vocab_size": 32005}
REAL = {
    "bge-reranker-v2-m3": BGE_V2_M3,
    "bge-reranker-base": BGE_BASE,
    "ms-marco-MiniLM": MINILM,
    "distilbert": DISTILBERT,
    "electra": ELECTRA,
    "modernbert, transformers 4": MODERNBERT_4,
    "modernbert, transformers 5": MODERNBERT_5,
    "deberta": DEBERTA,
    "camembert": CAMEMBERT,
}


def test_bge_reranker_v2_m3() -> None:
    spec = parse_spec(BGE_V2_M3)
    assert (spec.family, spec.native) == (Family.XLM_ROBERTA, True)
    assert (spec.positions, spec.position_offset, spec.max_length) == (8194, 2, 8192)
    assert (spec.hidden_size, spec.layers, spec.attention_heads, spec.intermediate_size) == (1024, 24, 16, 4096)
    assert (spec.vocab_size, spec.type_vocab_size, spec.pad_token_id, spec.norm_eps) == (250002, 1, 1, 1e-5)
    assert spec.head == ClassificationHead(labels=1, relevant=0, dense_activation="tanh")


def test_roberta_positions_start_behind_the_padding() -> None:
    assert parse_spec(BGE_BASE).max_length == 512
    assert parse_spec(BGE_BASE | {"model_type": "roberta", "vocab_size": 50265}).max_length == 512


def test_other_families_that_count_positions_behind_the_padding() -> None:
    assert (parse_spec(CAMEMBERT).position_offset, parse_spec(CAMEMBERT).max_length) == (2, 512)
    left_out = {key: value for key, value in CAMEMBERT.items() if key != "pad_token_id"}
    assert (parse_spec(left_out).pad_token_id, parse_spec(left_out).max_length) == (1, 512)
    assert parse_spec(CAMEMBERT | {"model_type": "bert"}).position_offset == 0


def test_bert() -> None:
    spec = parse_spec(MINILM)
    assert (spec.max_length, spec.position_offset, spec.layers, spec.norm_eps) == (512, 0, 6, 1e-12)
    assert spec.head == ClassificationHead(labels=1, relevant=0, dense_activation="tanh")


def test_distilbert_has_names_of_its_own() -> None:
    spec = parse_spec(DISTILBERT)
    assert (spec.hidden_size, spec.layers, spec.attention_heads, spec.intermediate_size) == (768, 6, 12, 3072)
    assert (spec.max_length, spec.type_vocab_size, spec.norm_eps) == (512, 0, 1e-12)
    assert spec.head == ClassificationHead(labels=1, relevant=0, dense_activation="relu")


def test_electra_has_narrow_embeddings() -> None:
    spec = parse_spec(ELECTRA)
    assert (spec.embedding_size, spec.hidden_size) == (128, 256)
    assert spec.head == ClassificationHead(labels=1, relevant=0, dense_activation="gelu")


@pytest.mark.parametrize("config", [MODERNBERT_4, MODERNBERT_5], ids=["transformers 4", "transformers 5"])
def test_modernbert(config: dict[str, Any]) -> None:
    spec = parse_spec(config)
    assert spec.rotary is not None
    assert (spec.rotary.global_theta, spec.rotary.local_theta) == (160_000.0, 10_000.0)
    assert (spec.rotary.global_every, spec.rotary.local_window) == (3, 128)
    assert (spec.max_length, spec.pad_token_id, spec.norm_eps) == (8192, 50283, 1e-5)
    assert spec.head == ClassificationHead(labels=1, relevant=0, pool="mean", dense_activation="gelu", norm=True)


def test_modernbert_local_theta_left_out_or_null() -> None:
    """Left out means transformers' default; an explicit null means: as in the global layers (transformers 4)."""
    left_out = {key: value for key, value in MODERNBERT_4.items() if key != "local_rope_theta"}
    assert parse_spec(left_out).rotary.local_theta == 10_000.0  # type: ignore[union-attr]
    assert parse_spec(MODERNBERT_4 | {"local_rope_theta": None}).rotary.local_theta == 160_000.0  # type: ignore[union-attr]


def test_modernbert_other_rhythm() -> None:
    kinds = ["full_attention", "sliding_attention"] * 11
    assert parse_spec(MODERNBERT_5 | {"layer_types": kinds}).rotary.global_every == 2  # type: ignore[union-attr]
    all_global = ["full_attention"] * 22
    assert parse_spec(MODERNBERT_5 | {"layer_types": all_global}).rotary.global_every == 1  # type: ignore[union-attr]
    first_only = ["full_attention"] + ["sliding_attention"] * 21
    assert parse_spec(MODERNBERT_5 | {"layer_types": first_only}).rotary.global_every == 22  # type: ignore[union-attr]


def test_deberta_and_others_go_to_transformers() -> None:
    assert (parse_spec(DEBERTA).family, parse_spec(DEBERTA).native, parse_spec(DEBERTA).max_length) == (Family.DEBERTA_V2, False, 512)
    spec = parse_spec(CAMEMBERT)
    assert (spec.family, spec.model_type, spec.native) == (Family.OTHER, "camembert", False)


def test_a_model_with_code_of_its_own_is_read_as_other() -> None:
    config = {key: value for key, value in BGE_BASE.items() if key != "model_type"}  # jina-reranker-v2 has none
    assert parse_spec(config, family=Family.OTHER).family is Family.OTHER


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta", "electra", "distilbert", "modernbert", "deberta-v2"])
def test_what_config_leaves_out_is_what_transformers_takes(name: str) -> None:
    """Old configs leave most keys out. The class defaults of transformers are the reference."""
    from transformers import AutoConfig

    sizes = {"vocab_size": 60_000, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 128}
    if name == "distilbert":
        sizes = {"vocab_size": 60_000, "dim": 64, "n_layers": 3, "n_heads": 4, "hidden_dim": 128}
    spec = parse_spec({"model_type": name, **sizes})
    reference = AutoConfig.for_model(name, **sizes)
    offset = reference.pad_token_id + 1 if name in ("roberta", "xlm-roberta") else 0
    assert spec.pad_token_id == reference.pad_token_id
    assert (spec.positions, spec.position_offset) == (reference.max_position_embeddings, offset)
    assert spec.norm_eps == getattr(reference, "norm_eps", getattr(reference, "layer_norm_eps", 1e-12))
    assert spec.type_vocab_size == getattr(reference, "type_vocab_size", 0)
    assert spec.embedding_size == getattr(reference, "embedding_size", spec.hidden_size)
    assert spec.head.outputs == reference.num_labels == 2


def test_null_means_left_out() -> None:
    assert parse_spec(BGE_BASE | {"pad_token_id": None}).pad_token_id == 1
    assert parse_spec(MINILM | {"layer_norm_eps": None}).norm_eps == 1e-12


HUGE = 10**30
NONSENSE = [
    ("model_type", ""),
    ("model_type", 3),
    ("model_type", None),
    ("hidden_size", None),
    ("hidden_size", "768"),
    ("hidden_size", 0),
    ("hidden_size", -768),
    ("hidden_size", 384.0),
    ("hidden_size", True),
    ("hidden_size", HUGE),
    ("hidden_size", 385),  # not a multiple of the heads
    ("num_attention_heads", 0),
    ("num_hidden_layers", 10**9),
    ("num_hidden_layers", [6]),
    ("vocab_size", {"a": 1}),
    ("max_position_embeddings", 4),
    ("max_position_embeddings", HUGE),
    ("pad_token_id", -1),
    ("pad_token_id", 30522),
    ("pad_token_id", "0"),
    ("layer_norm_eps", "small"),
    ("layer_norm_eps", 0),
    ("layer_norm_eps", -1e-12),
    ("layer_norm_eps", float("nan")),
    ("layer_norm_eps", float("inf")),
    ("layer_norm_eps", 10**400),
    ("type_vocab_size", "2"),
    ("hidden_act", ["gelu"]),
    ("id2label", ["relevant"]),
    ("id2label", {"zero": "relevant", "one": "not"}),
    ("adjudge", "head"),
    ("adjudge", {"head": "match"}),
    ("adjudge", {"head": {"kind": "unheard of"}}),
    ("adjudge", {"head": {"kind": "embedding", "pool": "max"}}),
    ("adjudge", {"head": {"kind": "embedding", "normalise": "yes"}}),
    ("is_decoder", "no"),
]


@pytest.mark.parametrize(("key", "value"), NONSENSE, ids=[f"{key}={str(value)[:20]}" for key, value in NONSENSE])
def test_nonsense_is_a_typed_error(key: str, value: object) -> None:
    with pytest.raises(ModelFilesError) as caught:
        parse_spec(MINILM | {key: value})
    assert len(str(caught.value)) < 400, "a huge value must not fill the terminal"


@pytest.mark.parametrize(
    ("config", "changes", "match"),
    [
        (MINILM, {"hidden_act": "softplus"}, "softplus"),
        (MINILM, {"position_embedding_type": "relative_key"}, "relative_key"),
        (MINILM, {"position_embedding_type": "alibi"}, "alibi"),
        (MINILM, {"is_decoder": True}, "is_decoder"),
        (MODERNBERT_4, {"rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling"),
        (MODERNBERT_5, {"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "yarn"),
        (MODERNBERT_5, {"layer_types": ["sliding_attention"] * 22}, "pattern"),
        (MODERNBERT_5, {"layer_types": ["full_attention"] * 3 + ["sliding_attention"] * 19}, "pattern"),
    ],
    ids=str,
)
def test_variants_that_would_be_computed_wrongly(config: dict[str, Any], changes: dict[str, Any], match: str) -> None:
    with pytest.raises(UnsupportedModelError, match=match):
        parse_spec(config | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_types": ["full_attention"]},
        {"layer_types": "full_attention"},
        {"layer_types": ["full_attention"] * 21 + ["linear_attention"]},
        {"global_attn_every_n_layers": 0, "layer_types": None},
        {"local_attention": 0},
        {"norm_bias": "false"},
        {"rope_parameters": [1]},
        {"rope_parameters": {"full_attention": {"rope_theta": -1}}},
        {"classifier_pooling": "max"},
        {"classifier_activation": "softmax"},
        {"hidden_size": 36},  # an odd number of rotary units a head
    ],
    ids=str,
)
def test_modernbert_nonsense(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelFilesError):
        parse_spec(MODERNBERT_5 | changes)


@settings(deadline=None, max_examples=300)
@given(
    config=st.sampled_from(list(REAL.values())),
    key=st.sampled_from(
        sorted({key for config in REAL.values() for key in config} | {"adjudge", "num_labels", "rope_scaling", "is_decoder"})
    ),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_no_value_of_any_key_escapes_as_another_error(config: dict[str, Any], key: str, value: object) -> None:
    try:
        spec = parse_spec(config | {key: value})
    except ModelError:
        return
    assert spec.max_length <= spec.positions
    assert spec.head.outputs >= 1


@pytest.mark.parametrize("name", REAL)
def test_real_configs_survive_a_round_trip_through_json(name: str) -> None:
    assert parse_spec(json.loads(json.dumps(REAL[name]))) == parse_spec(REAL[name])

"""Checkpoints that must be refused, each a real tiny model that was spoiled in one way; and the good ones, which load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adjudge.config import SourceConfig
from adjudge.engine.tokenise import Tokeniser
from adjudge.errors import (
    ModelFilesError,
    NotARerankerError,
    UnsafeModelError,
)
from adjudge.models.load import load_encoder, load_model
from adjudge.models.spec import Family
from tests.conftest import Folders
from tests.models.spoil import WEIGHTS, Copy, edit_weights
from tests.tiny_models import FAMILIES, NATIVE, Tiny, edit_config

# -- good folders load -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("labels", [1, 3])
def test_every_family_loads(tiny_folder: Folders, family: str, labels: int) -> None:
    model = load_model(tiny_folder(Tiny(family=family, labels=labels)))
    assert model.spec.family == Family(family)
    assert model.spec.head.outputs == labels
    assert model.max_length == 128
    Tokeniser(model)


@pytest.mark.parametrize("family", NATIVE)
def test_every_tensor_that_transformers_saves_has_a_canonical_name(tiny_folder: Folders, family: str) -> None:
    """Nothing of the checkpoint is left over: a tensor without a name would be a term of the formula that is forgotten."""
    from adjudge.models.naming import canonical_names, head_names

    model = load_model(tiny_folder(Tiny(family=family)))
    prefix = {"modernbert": "model."}.get(family, f"{'roberta' if family == 'xlm-roberta' else family}.")
    stems = set((canonical_names(model.spec, prefix) | head_names(model.spec)).values())
    unnamed = [name for name in model.weights.names() if name.rpartition(".")[0] not in stems]
    assert unnamed == []


@pytest.mark.parametrize(("dtype", "stored"), [("float16", "f16"), ("bfloat16", "bf16"), ("float32", "f32")])
def test_stored_precision(tiny_folder: Folders, dtype: str, stored: str) -> None:
    assert load_model(tiny_folder(Tiny(family="bert", dtype=dtype))).stored_precision == stored


def test_the_tokenizers_own_limit_counts_where_it_is_smaller(copy: Copy) -> None:
    folder = copy()
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for limit, expected in ((64, 64), (10**30, 128), (1e30, 128), (4, 128), (None, 128), ("64", 128), (64.0, 64)):
        path.write_text(json.dumps(settings | {"model_max_length": limit}), encoding="utf-8")
        assert load_model(folder).max_length == expected, limit


# -- no head, or a wrong one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_without_a_head(copy: Copy, family: str) -> None:
    from transformers import AutoModel

    folder = copy(family)
    AutoModel.from_pretrained(folder).save_pretrained(folder)  # as an embedding model is saved: names without prefix, no head
    with pytest.raises(NotARerankerError, match="no classification head.*random numbers.*bge-reranker-v2-m3"):
        load_model(folder)


def test_an_embedder_of_sentence_transformers(copy: Copy) -> None:
    from transformers import AutoModel

    folder = copy()
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    kinds = ("models.Transformer", ""), ("models.Pooling", "1_Pooling"), ("models.Normalize", "2_Normalize")
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.{kind}"} for i, (kind, path) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}', encoding="utf-8")
    with pytest.raises(NotARerankerError, match="sentence-transformers modules"):
        load_model(folder)


def test_an_embedder_with_its_transformer_in_a_folder(copy: Copy) -> None:
    folder = copy()
    (folder / "0_Transformer").mkdir()
    (folder / "config.json").rename(folder / "0_Transformer" / "config.json")
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(NotARerankerError, match=r"without a config\.json of its own"):
        load_model(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_with_another_number_of_labels(copy: Copy, family: str) -> None:
    folder = copy(family, labels=3)
    edit_config(folder, id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0})
    with pytest.raises(NotARerankerError, match=r"1 label\(s\).*not a finished reranker"):
        load_model(folder)


@pytest.mark.parametrize("name", ["classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"])
def test_a_head_with_a_missing_part(copy: Copy, name: str) -> None:
    folder = copy()
    edit_weights(folder, **{name: None})
    with pytest.raises(NotARerankerError):
        load_model(folder)


def test_a_classifier_of_moods(copy: Copy) -> None:
    folder = copy(labels=3)
    edit_config(folder, id2label={"0": "sad", "1": "glad", "2": "mad"})
    with pytest.raises(NotARerankerError, match="sad, glad, mad"):
        load_model(folder)
    edit_config(folder, adjudge={"relevant_label": "glad"})
    assert load_model(folder).spec.head.relevant == 1  # type: ignore[union-attr]


def test_an_attention_output_is_no_head(copy: Copy) -> None:
    """Families that only transformers knows may call any layer out_proj; only what stands beside the body is a head."""
    folder = copy("deberta-v2")
    tensors = {name: value for name, value in load_file(folder / WEIGHTS).items() if not name.startswith(("classifier", "pooler"))}
    save_file(tensors | {"deberta.encoder.layer.0.attention.out_proj.weight": np.zeros((1, 32), np.float32)}, folder / WEIGHTS)
    with pytest.raises(NotARerankerError, match="no classification head"):
        load_model(folder)


# -- weights and config that do not belong together --------------------------------------------------------------------


@pytest.mark.parametrize("family", NATIVE)
def test_sizes_of_another_model(copy: Copy, family: str) -> None:
    folder = copy(family)
    edit_config(folder, **{"dim" if family == "distilbert" else "hidden_size": 64})
    with pytest.raises(ModelFilesError, match="do not belong together"):
        load_model(folder)


@pytest.mark.parametrize("family", NATIVE)
def test_more_layers_than_there_are(copy: Copy, family: str) -> None:
    folder = copy(family)
    key = "n_layers" if family == "distilbert" else "num_hidden_layers"
    edit_config(folder, **{key: 6}, layer_types=None)
    with pytest.raises(ModelFilesError, match=r"lack 'layer\.\d"):
        load_model(folder)


@pytest.mark.parametrize("family", NATIVE)
def test_every_tensor_of_the_body_is_looked_for(copy: Copy, family: str) -> None:
    folder = copy(family)
    everything = load_file(folder / WEIGHTS)
    for name in everything:
        save_file({key: value for key, value in everything.items() if key != name}, folder / WEIGHTS)
        if name.endswith("bias") and name.split(".")[0] == "head":
            continue  # ModernBERT's head may have none
        with pytest.raises((ModelFilesError, NotARerankerError)):
            load_model(folder)


@pytest.mark.parametrize("family", NATIVE)
def test_every_tensor_of_the_body_has_its_shape_checked(copy: Copy, family: str) -> None:
    folder = copy(family)
    everything = load_file(folder / WEIGHTS)
    for name, value in everything.items():
        save_file(everything | {name: np.concatenate([value, value])}, folder / WEIGHTS)
        with pytest.raises((ModelFilesError, NotARerankerError)):
            load_model(folder)


# -- code and pickles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00003.bin", "weights.pt", "best.ckpt", "model.pkl"])
def test_pickles_only(copy: Copy, name: str) -> None:
    folder = copy()
    (folder / WEIGHTS).rename(folder / name)
    with pytest.raises(UnsafeModelError, match=f"only as pickle.*{name.split('.')[0]}"):
        load_model(folder)


def test_a_pickle_beside_safetensors_does_no_harm(copy: Copy) -> None:
    folder = copy()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert load_model(folder).stored_precision == "f32"


def test_code_of_its_own(copy: Copy) -> None:
    folder = copy()
    edit_config(folder, auto_map={"AutoModelForSequenceClassification": "evil.Model"}, model_type="bert")
    (folder / "evil.py").write_text("raise SystemExit('this ran')", encoding="utf-8")
    with pytest.raises(UnsafeModelError, match="trust_remote_code=True"):
        load_model(folder)
    trusted = load_model(folder, SourceConfig(trust_remote_code=True))
    assert (trusted.spec.native, trusted.trust_remote_code) == (False, True), "its code is not what adjudge's own graphs compute"


def test_a_manifest_cannot_point_outside(copy: Copy, tmp_path: Path) -> None:
    folder = copy()
    for name in ("../model/model.safetensors", "/etc/passwd", "pytorch_model.bin", "..\\model.safetensors"):
        manifest = {"judge": {"weights": [name], "head": {"kind": "classification"}}}
        (folder / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(ModelFilesError, match="of the same folder"):
            load_model(folder)


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"judge": None},
        {"judge": []},
        {"judge": {"weights": "model.safetensors"}},
        {"judge": {"weights": [WEIGHTS], "head": "match"}},
        {"judge": {"weights": [WEIGHTS], "head": {"kind": "unheard of"}}},
        {"judge": {"weights": [WEIGHTS], "prompts": {"query": 1}}},
        {"judge": {"weights": ["gone.safetensors"]}},
    ],
    ids=str,
)
def test_broken_manifests(copy: Copy, manifest: dict[str, Any]) -> None:
    folder = copy()
    (folder / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelFilesError):
        load_model(folder)


def test_a_match_head_that_is_not_there(copy: Copy) -> None:
    folder = copy()
    (folder / "adjudge.json").write_text(json.dumps({"judge": {"weights": [WEIGHTS], "head": {"kind": "match"}}}), encoding="utf-8")
    with pytest.raises(NotARerankerError, match=r"head\.pooled\.weight"):
        load_model(folder)


def test_a_folder_without_a_bi_encoder(copy: Copy) -> None:
    with pytest.raises(ModelFilesError, match="no bi-encoder"):
        load_encoder(copy())

"""The student before training is the model it began as; freezing freezes; dropout is what the settings say."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL, Batch
from adjudge.errors import ConfigError, NotARerankerError, UnsupportedModelError
from adjudge.train.finish import save_student
from adjudge.train.settings import ModelConfig
from adjudge.train.student import Student, load_student, trainable
from tests.conftest import Folders
from tests.tiny_foreign import BART, GPT2, OPT, XLNET, build_foreign
from tests.tiny_models import FAMILIES, Tiny, edit_config, quiet
from tests.train.students import SHORT, headless, learn, said, scored, states

EXACT = 1e-4
"""Largest difference of two logits that are the same number computed in two ways in float32."""

EVERY = pytest.mark.parametrize("kind", [*FAMILIES, "own"])
EACH = pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "modernbert", "deberta-v2", "own"])
"""ELECTRA and XLM-RoBERTa are built as BERT and RoBERTa are."""


@pytest.fixture
def folder(kind: str, tiny_folder: Folders, own_folder: Path) -> Path:
    """A tiny model of every family, and one in adjudge's own form."""
    return own_folder if kind == "own" else tiny_folder(Tiny(family=kind))


def load(folder: Path, **settings: object) -> Student:
    return load_student(ModelConfig(base=str(folder), **settings))


@EVERY
def test_before_training_it_scores_as_the_reranker(folder: Path) -> None:
    logits, expected = said(load(folder)), scored(folder)
    print(f"largest difference {np.abs(logits - expected).max():.2e}")
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(logits, expected, atol=EXACT)


def test_padding_and_the_query_are_no_part_of_the_best_match(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every document token points away from the query, the best match is below zero: a mask of zeros would say zero."""
    import torch

    student = load(own_folder)
    away = torch.zeros(1, 6, student.model.spec.hidden_size)
    away[0, :, 0] = torch.tensor([0.0, 1.0, 0.0, -1.0, 0.0, 1.0])  # <s> query </s> document </s> padding
    away[0, 0, 1] = away[0, 2, 1] = away[0, 4, 1] = 1.0
    monkeypatch.setattr(student.network, "forward", lambda **_: SimpleNamespace(last_hidden_state=away))
    batch = Batch(
        input_ids=np.array([[0, 5, 2, 6, 2, 1]], np.int32),
        lengths=np.array([5], np.int32),
        token_type_ids=np.zeros((1, 6), np.int32),
        segments=np.array([[SPECIAL, QUERY, SPECIAL, DOCUMENT, SPECIAL, SPECIAL]], np.int32),
    )
    head: Any = student.head
    pooled = head["pooled"](away[:, :5].mean(1))[0, 0]
    numbers = head["numbers"]
    expected = pooled - numbers["cosine"] - numbers["max_similarity"] + numbers["offset"]
    assert student.forward(batch, torch.device("cpu")).logits.item() == pytest.approx(expected.item(), abs=1e-5)


@EACH
def test_a_pair_scores_the_same_alone_and_in_company(folder: Path) -> None:
    student = load(folder)
    np.testing.assert_allclose(said(student), said(student, alone=True), atol=EXACT)


@pytest.mark.parametrize(
    ("labels", "config"),
    [
        (2, {}),
        (3, {"id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"}}),
        (3, {"problem_type": "multi_label_classification"}),
    ],
)
def test_of_several_labels_it_learns_what_the_reranker_says(tiny_folder: Folders, labels: int, config: dict[str, object]) -> None:
    """The log-odds of the relevant label, or its own logit where labels do not exclude each other."""
    folder = tiny_folder(Tiny(family="bert", labels=labels, config=config))
    np.testing.assert_allclose(said(load(folder)), scored(folder), atol=EXACT)


@EVERY
def test_without_dropout_training_mode_is_no_lottery(folder: Path) -> None:
    student = load(folder)
    assert student.network.training
    np.testing.assert_array_equal(said(student), said(student))


@EACH
def test_dropout_is_what_the_settings_say(folder: Path) -> None:
    student = load(folder, dropout=0.5)
    assert np.abs(said(student) - said(student)).max() > 0.01
    student.network.eval()
    np.testing.assert_allclose(said(student), scored(folder), atol=EXACT)


@EACH
def test_the_auxiliary_heads_start_at_zero_and_learn(folder: Path) -> None:
    student = load(folder)
    before = states(student)
    assert not before["head.aspects.weight"].any()
    assert not before["head.aspects.bias"].any()
    learn(student)
    assert states(student)["head.aspects.weight"].any()


@EACH
def test_everything_learns_that_is_not_frozen(folder: Path) -> None:
    student = load(folder)
    before = states(student)
    learn(student)
    same = [name for name, after in states(student).items() if np.array_equal(after, before[name])]
    # Keys' biases cancel out in a softmax; unused positions, types and RoBERTa's second pooler have no gradient.
    assert [name for name in same if "key" not in name and "k_lin" not in name and "position" not in name] == []


@EACH
def test_frozen_embeddings_stay(folder: Path) -> None:
    student = load(folder, freeze_embeddings=True)
    before = states(student)
    learn(student)
    table = next(name for name, p in student.network.named_parameters() if p is student.network.get_input_embeddings().weight)
    after = states(student)
    np.testing.assert_array_equal(after[f"network.{table}"], before[f"network.{table}"])
    changed = {name for name in after if not np.array_equal(after[name], before[name])}
    assert any("layer" in name for name in changed)


@EACH
def test_frozen_layers_stay_and_what_lies_below_them(folder: Path) -> None:
    student = load(folder, freeze_layers=1)
    before = states(student)
    learn(student)
    after = states(student)
    changed = {name for name in after if not np.array_equal(after[name], before[name])}
    assert not any("embeddings" in name or ".layer.0." in name or ".layers.0." in name for name in changed)
    assert any(".layer.1." in name or ".layers.1." in name for name in changed)


@EACH
def test_all_layers_frozen_leave_the_head(folder: Path) -> None:
    layers = load(folder).model.spec.layers
    student = load(folder, freeze_layers=layers)
    assert not any("layer." in name or "embeddings" in name for name, _ in trainable(student))
    before = said(student)
    learn(student)
    assert not np.array_equal(said(student), before)


@EACH
def test_more_frozen_layers_than_there_are_is_refused(folder: Path) -> None:
    layers = load(folder).model.spec.layers
    with pytest.raises(ConfigError, match=rf"freeze_layers={layers + 1}.*has {layers} layers"):
        load(folder, freeze_layers=layers + 1)


@EACH
def test_gradient_checkpointing_computes_again_and_changes_no_gradient(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    plain, saving = load(folder), load(folder, gradient_checkpointing=True)
    computed: list[object] = []
    for student in (plain, saving):
        layers = next(m for m in student.network.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == student.model.spec.layers)
        inner = next(m for m in layers[0].modules() if isinstance(m, torch.nn.Linear))
        inner.register_forward_pre_hook(lambda *_, who=student: computed.append(who))
        learn(student, steps=1)
    assert computed.count(saving) == 2 * computed.count(plain) > 0
    one, other = states(plain), states(saving)
    assert max(float(np.abs(one[name] - other[name]).max()) for name in one) < 1e-5


def test_gradient_checkpointing_goes_with_frozen_embeddings(tiny_model: Path) -> None:
    student = load(tiny_model, gradient_checkpointing=True, freeze_layers=1)
    before = states(student)
    learn(student)
    after = states(student)
    assert any(".layer.1." in name and not np.array_equal(after[name], before[name]) for name in after)


@EVERY
def test_what_is_saved_scores_as_the_student_did(folder: Path, tmp_path: Path) -> None:
    student = load(folder)
    before = said(student)
    learn(student)
    after = said(student)
    assert np.abs(after - before).max() > 0.05
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), after, atol=EXACT)
    np.testing.assert_allclose(said(load(tmp_path / "saved")), after, atol=EXACT)


@EACH
def test_saving_does_not_disturb_training(folder: Path, tmp_path: Path) -> None:
    student = load(folder)
    before = states(student)
    save_student(student, tmp_path / "saved")
    assert student.network.training
    after = states(student)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@EACH
def test_a_second_training_goes_on_with_the_auxiliary_heads(folder: Path, tmp_path: Path) -> None:
    student = load(folder)
    learn(student)
    save_student(student, tmp_path / "saved")
    for part in ("weight", "bias"):
        np.testing.assert_array_equal(states(load(tmp_path / "saved"))[f"head.aspects.{part}"], states(student)[f"head.aspects.{part}"])


@EACH
def test_a_saved_folder_tells_no_path(folder: Path, tmp_path: Path) -> None:
    save_student(load(folder), tmp_path / "saved")
    for path in (tmp_path / "saved").iterdir():
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content, path.name
        assert str(folder.parent).encode() not in content, path.name


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "deberta-v2"])
def test_a_body_without_a_head_is_no_reranker(tiny_folder: Folders, tmp_path: Path, family: str) -> None:
    with pytest.raises(NotARerankerError, match="no classification head"):
        load(headless(tiny_folder(Tiny(family=family)), tmp_path / "body"))


def test_a_bi_encoder_is_no_judge(own_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(own_folder, folder)
    manifest = json.loads((folder / "adjudge.json").read_text(encoding="utf-8"))
    manifest["judge"] = manifest["encoder"]
    (folder / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises((NotARerankerError, UnsupportedModelError), match="Embedding"):
        load(folder)


def test_a_family_that_only_transformers_knows_can_be_trained(tmp_path: Path, tiny_folder: Folders) -> None:
    """XLNet, whose config.json calls the hidden size d_model and says nothing of token types, which it uses."""
    from transformers import XLNetConfig, XLNetForSequenceClassification

    folder = tmp_path / "xlnet"
    shutil.copytree(tiny_folder(Tiny(family="bert")), folder)
    vocabulary = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    config = XLNetConfig(
        vocab_size=vocabulary, d_model=32, n_layer=2, n_head=2, d_inner=64, num_labels=1, summary_type="first", initializer_range=0.3
    )
    with quiet():
        XLNetForSequenceClassification(config).eval().save_pretrained(folder)
    student = load(folder)
    assert "d_model" in student.model.config
    assert student.model.spec.type_vocab_size == 0
    np.testing.assert_allclose(said(student), scored(folder), atol=EXACT)
    learn(student)
    after = said(student)
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), after, atol=EXACT)


@pytest.mark.parametrize(
    ("model_type", "config"),
    [("opt", OPT), ("gpt2", GPT2 | {"n_positions": 128}), ("xlnet", XLNET), ("bart", BART)],
    ids=["opt", "gpt2", "xlnet", "bart"],
)
def test_a_foreign_family_learns_from_no_padding(
    model_type: str, config: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A config without the padding's id: OPT and BART have their own, GPT-2 has none, and XLNet's head reads the last column of all."""
    folder = build_foreign(tmp_path / model_type, model_type, config)
    edit_config(folder, pad_token_id=None)
    expected = scored(folder)
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        student = load(folder)
    assert ("one at a time, which is slow" in caplog.text) is (model_type not in ("opt", "bart"))
    assert student.network.training
    np.testing.assert_allclose(said(student), expected, atol=EXACT)
    np.testing.assert_allclose(said(student, alone=True), expected, atol=EXACT)
    learn(student)
    assert np.abs(said(student) - expected).max() > EXACT
    np.testing.assert_allclose(said(student), said(student, alone=True), atol=EXACT)


def test_a_folder_whose_manifest_knows_no_encoder_can_be_trained(own_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "judge alone"
    shutil.copytree(own_folder, folder)
    manifest = json.loads((folder / "adjudge.json").read_text(encoding="utf-8"))
    del manifest["encoder"]
    (folder / "adjudge.json").write_text(json.dumps(manifest), encoding="utf-8")
    student = load(folder, freeze_embeddings=True)
    learn(student)
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), said(student), atol=EXACT)


@pytest.mark.parametrize("frozen", [True, False])
def test_an_own_folder_keeps_its_bi_encoder(own_folder: Path, tmp_path: Path, frozen: bool) -> None:
    from adjudge.retrieval.dense import Embedder

    student = load(own_folder, freeze_embeddings=frozen)
    learn(student)
    save_student(student, tmp_path / "saved")
    texts = [document for _, document in SHORT]
    found = []
    for folder in (own_folder, tmp_path / "saved"):
        with Embedder(folder, precision="f32") as embedder:
            found.append(embedder.embed(texts, kind="document"))
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert (tmp_path / "saved" / "judge-embeddings.safetensors").exists() is not frozen
    again = load(tmp_path / "saved", freeze_embeddings=frozen)
    learn(again)
    save_student(again, tmp_path / "twice")
    np.testing.assert_allclose(scored(tmp_path / "twice"), said(again), atol=EXACT)

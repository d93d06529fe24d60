"""Adapters: they learn while the body rests, and the saved folder has them merged in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adjudge.errors import ConfigError
from adjudge.train.finish import save_student
from adjudge.train.settings import LoraConfig, ModelConfig
from adjudge.train.student import Student, load_student, trainable
from tests.conftest import Folders
from tests.tiny_models import Tiny
from tests.train.students import headless, learn, said, scored, states

EACH = pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "modernbert", "deberta-v2", "own"])
"""Each lays its head out in another way."""
HEADS = ("classifier", "pre_classifier", "head", "score")


@pytest.fixture
def folder(kind: str, tiny_folder: Folders, own_folder: Path) -> Path:
    return own_folder if kind == "own" else tiny_folder(Tiny(family=kind))


def load(folder: Path, **settings: object) -> Student:
    import torch

    torch.manual_seed(0)
    return load_student(ModelConfig(base=str(folder), lora=LoraConfig(rank=4, alpha=8), **settings))


@EACH
def test_adapters_change_nothing_before_they_learn(folder: Path) -> None:
    np.testing.assert_allclose(said(load(folder)), scored(folder), atol=1e-4)


@EACH
def test_only_adapters_and_heads_learn(folder: Path) -> None:
    student = load(folder)
    for name, _ in trainable(student):
        assert "lora_" in name or name.startswith("head.") or any(f".{part}." in name for part in HEADS), name
    before = states(student)
    learn(student)
    changed = {name for name, after in states(student).items() if not np.array_equal(after, before[name])}
    assert changed <= {name for name, _ in trainable(student)}
    assert any("lora_B" in name for name in changed)
    assert any(name.startswith("head.aspects") for name in changed)
    if folder.name != "judge":
        assert any("modules_to_save" in name for name in changed)


@EACH
def test_a_head_is_trained_whole_and_has_no_adapters(folder: Path) -> None:
    names = [name for name, _ in trainable(load(folder))]
    assert not [name for name in names if "lora_" in name and any(part in name.split(".") for part in HEADS)]


@EACH
def test_merged_it_scores_as_the_student_did(folder: Path, tmp_path: Path) -> None:
    student = load(folder)
    learn(student)
    after = said(student)
    assert np.abs(after - scored(folder)).max() > 0.05
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), after, atol=1e-4)
    assert not any(b"lora" in path.read_bytes() for path in (tmp_path / "saved").glob("*.safetensors"))
    assert not list((tmp_path / "saved").glob("adapter*"))


@pytest.mark.parametrize("kind", ["bert", "own"])
def test_training_goes_on_after_a_save(folder: Path, tmp_path: Path) -> None:
    one, other = load(folder), load(folder)
    learn(one, steps=2)
    save_student(one, tmp_path / "saved")
    learn(one, steps=2)
    learn(other, steps=2)
    learn(other, steps=2)
    np.testing.assert_allclose(said(one), said(other), atol=1e-6)


@pytest.mark.parametrize("kind", ["roberta", "own", "deberta-v2"])
def test_adapters_go_with_gradient_checkpointing(folder: Path) -> None:
    plain, saving = load(folder), load(folder, gradient_checkpointing=True)
    for student in (plain, saving):
        learn(student)
    one, other = states(plain), states(saving)
    assert max(float(np.abs(one[name] - other[name]).max()) for name in one) < 1e-5
    assert any("lora_B" in name and values.any() for name, values in other.items())


def test_dropout_of_adapters_acts_in_training(tiny_model: Path) -> None:
    student = load_student(ModelConfig(base=str(tiny_model), lora=LoraConfig(rank=4, alpha=8, dropout=0.5)))
    learn(student)
    assert np.abs(said(student) - said(student)).max() > 0
    student.network.eval()
    np.testing.assert_array_equal(said(student), said(student))


def test_a_new_head_goes_with_adapters(tiny_model: Path, tmp_path: Path) -> None:
    student = load(headless(tiny_model, tmp_path / "body"), new_head=True)
    learn(student)
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), said(student), atol=1e-4)


def test_frozen_layers_and_adapters_contradict_each_other() -> None:
    """Adapters leave the whole body frozen and sit on every layer of it."""
    with pytest.raises(ConfigError, match=r"model\.freeze_layers.*model\.lora"):
        ModelConfig(freeze_layers=1, lora=LoraConfig())

"""A new head on a body that has none, and classifiers as they are saved."""

from __future__ import annotations

import gc
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adjudge.errors import ConfigError, ModelFilesError, NotARerankerError, UnsafeModelError
from adjudge.models.files import PICKLES
from adjudge.train.finish import save_student
from adjudge.train.settings import ModelConfig
from adjudge.train.student import Student, load_student
from tests.conftest import Folders
from tests.tiny_models import FAMILIES, Tiny, edit_config
from tests.train.students import headless, learn, said, scored, states

EACH = pytest.mark.parametrize("family", FAMILIES)


def fresh(folder: Path, *, seed: int = 0) -> Student:
    import torch

    torch.manual_seed(seed)
    return load_student(ModelConfig(base=str(folder), new_head=True))


@pytest.fixture
def body(family: str, tiny_folder: Folders, tmp_path: Path) -> Path:
    """A pretrained encoder of every family."""
    return headless(tiny_folder(Tiny(family=family)), tmp_path / "body")


@EACH
def test_a_body_gets_a_new_head_learns_and_is_saved_as_a_reranker(body: Path, tmp_path: Path) -> None:
    student = fresh(body)
    before = said(student)
    assert before.shape == (len(before),)
    assert np.ptp(before) > 0
    learn(student)
    after = said(student)
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), after, atol=1e-4)


@EACH
def test_the_body_is_the_one_that_was_given(body: Path) -> None:
    student = fresh(body)
    stored = load_file(body / "model.safetensors")
    found = {name.removeprefix(student.network.base_model_prefix + "."): t.numpy() for name, t in student.network.state_dict().items()}
    same = [name for name in stored if name in found and np.array_equal(stored[name], found[name])]
    assert len(same) >= len(stored) - 2  # a pooler that classifiers of the family do without


def test_the_seed_decides_the_new_head(tiny_model: Path, tmp_path: Path) -> None:
    body = headless(tiny_model, tmp_path / "body")
    one, same, other = (states(fresh(body, seed=seed)) for seed in (1, 1, 2))
    heads = [name for name in one if "classifier" in name and name.endswith("weight")]
    assert heads
    assert all(np.array_equal(one[name], same[name]) for name in heads)
    assert not any(np.array_equal(one[name], other[name]) for name in heads)


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2"])
def test_a_head_of_several_labels_gives_way_to_one_of_one(tiny_folder: Folders, tmp_path: Path, family: str) -> None:
    student = fresh(tiny_folder(Tiny(family=family, labels=3)))
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), said(student), atol=1e-4)


def test_a_reranker_needs_no_new_head(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="new_head = true, but .* has a head of one label already"):
        fresh(tiny_model)


def test_a_body_that_is_incomplete_is_refused_not_filled_with_noise(tiny_model: Path, tmp_path: Path) -> None:
    body = headless(tiny_model, tmp_path / "body")
    tensors = load_file(body / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, body / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelFilesError, match=r"layer\.1\.output\.dense\.weight"):
        fresh(body)


def test_code_of_the_bodys_own_is_not_run(tiny_model: Path, tmp_path: Path) -> None:
    body = headless(tiny_model, tmp_path / "body")
    edit_config(body, auto_map={"AutoModelForSequenceClassification": "own.Model"})
    (body / "own.py").write_text("raise SystemExit('ran')", encoding="utf-8")
    with pytest.raises(UnsafeModelError, match="auto_map"):
        fresh(body)


def test_pickled_weights_are_not_read(tiny_model: Path, tmp_path: Path) -> None:
    import torch

    body = headless(tiny_model, tmp_path / "body")
    tensors = {name: torch.from_numpy(array) for name, array in load_file(body / "model.safetensors").items()}
    (body / "model.safetensors").unlink()
    torch.save(tensors, body / "pytorch_model.bin")
    assert any(body.glob(pattern) for pattern in PICKLES)
    with pytest.raises((ModelFilesError, UnsafeModelError)):
        fresh(body)


def test_the_folder_between_is_gone_when_the_student_is(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "between"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    student = fresh(headless(tiny_model, tmp_path / "body"))
    assert len(list(place.iterdir())) == 1
    del student
    gc.collect()
    assert list(place.iterdir()) == []


def test_a_head_of_the_wrong_shape_is_no_head(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(tiny_folder(Tiny(family="deberta-v2")), folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["pooler.dense.weight"] = tensors["pooler.dense.weight"][:, :-1].copy()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NotARerankerError, match=r"pooler\.dense\.weight"):
        load_student(ModelConfig(base=str(folder)))


def test_auxiliary_heads_of_another_shape_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(tiny_model, folder)
    save_file({"aspects.weight": np.zeros((2, 32), np.float32), "aspects.bias": np.zeros(2, np.float32)}, folder / "aspects.safetensors")
    with pytest.raises(ModelFilesError, match="auxiliary heads"):
        load_student(ModelConfig(base=str(folder)))


def test_what_config_json_says_for_adjudge_is_kept(tiny_folder: Folders, tmp_path: Path) -> None:
    """Which of three moods is "relevant" is said there, so a saved folder without it could not be loaded."""
    folder = tmp_path / "moods"
    shutil.copytree(tiny_folder(Tiny(family="bert", labels=3)), folder)
    edit_config(folder, id2label={"0": "sad", "1": "glad", "2": "mad"}, adjudge={"relevant_label": "glad"})
    student = load_student(ModelConfig(base=str(folder)))
    learn(student)
    after = said(student)
    save_student(student, tmp_path / "saved")
    np.testing.assert_allclose(scored(tmp_path / "saved"), after, atol=1e-4)

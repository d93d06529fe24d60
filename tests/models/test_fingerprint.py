"""Two models of one shape have two digests, one model has one wherever it lies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from adjudge.errors import ModelFilesError
from adjudge.models.fingerprint import file_samples, weights_digest
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.tiny_models import Tiny


def digest(folder: Path) -> str:
    return weights_digest(load_model(str(folder)))


def test_a_model_keeps_its_digest_in_another_folder(tmp_path: Path, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="bert"))
    shutil.copytree(folder, tmp_path / "copy")
    assert digest(tmp_path / "copy") == digest(folder)


def test_another_models_digest_is_another(tiny_folder: Folders) -> None:
    one, other = (tiny_folder(Tiny(family="bert", seed=seed)) for seed in (0, 1))
    assert digest(one) != digest(other)


def test_a_weight_that_changed_anywhere_in_a_small_tensor_shows(tmp_path: Path, tiny_folder: Folders) -> None:
    folder = shutil.copytree(tiny_folder(Tiny(family="bert")), tmp_path / "copy")
    before = digest(folder)
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert digest(folder) != before


def test_time_counts_only_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(bytes(range(256)) * 8192)
    before = {timed: list(file_samples(path, timed=timed)) for timed in (False, True)}
    os.utime(path, (1, 1))
    assert list(file_samples(path, timed=False)) == before[False]
    assert list(file_samples(path, timed=True)) != before[True]


def test_a_file_that_went_away_is_said(tmp_path: Path, tiny_folder: Folders) -> None:
    folder = shutil.copytree(tiny_folder(Tiny(family="bert")), tmp_path / "copy")
    model = load_model(str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFilesError, match=r"model\.safetensors cannot be read any more"):
        weights_digest(model)

"""Calibration beside a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ModelFilesError, ModelNotFoundError
from adjudge.models.calibration import FILE_NAME, LARGEST_TABLE, Calibration, CutOff, load_calibration, read_calibration
from adjudge.models.load import load_model


def test_neutral_without_a_file(tmp_path: Path) -> None:
    calibration = read_calibration(tmp_path)
    assert calibration == Calibration()
    logits = np.array([-3.0, 0.0, 7.5], np.float32)
    assert calibration.apply(logits) is logits


def test_read_with_the_model(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / FILE_NAME).write_text('{"temperature": 2, "bias": -0.5, "fitted_on": "5,000 pairs"}', encoding="utf-8")
    assert load_model(folder).calibration == Calibration(temperature=2.0, bias=-0.5, fitted=True)


@given(temperature=st.floats(1e-3, 1e3), bias=st.floats(-50, 50), logits=st.lists(st.floats(-100, 100, width=32), min_size=1))
def test_it_never_changes_the_order(temperature: float, bias: float, logits: list[float]) -> None:
    calibrated = Calibration(temperature=temperature, bias=bias, fitted=True).apply(np.array(sorted(logits), np.float32))
    assert calibrated.dtype == np.float32
    assert (np.diff(calibrated) >= 0).all()
    np.testing.assert_allclose(calibrated, np.sort(logits) / temperature + bias, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"temperature": 1.0},
        {"temperature": 0.0, "bias": 0.0},
        {"temperature": 1e-300, "bias": 0.0},
        {"temperature": -1.0, "bias": 0.0},
        {"temperature": "1", "bias": 0.0},
        {"temperature": True, "bias": 0.0},
        {"temperature": float("nan"), "bias": 0.0},
        {"temperature": 1.0, "bias": float("inf")},
        {"temperature": 10**400, "bias": 0.0},
        {"temperature": [1.0], "bias": 0.0},
    ],
    ids=lambda stored: str(stored)[:40],
)
def test_nonsense(tmp_path: Path, stored: dict[str, object]) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"calibration\.json.*fit it again or delete"):
        read_calibration(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_broken_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ModelFilesError, match=r"calibration\.json"):
        read_calibration(tmp_path)


ROWS = [{"score": 0.1, "precision": 0.3, "recall": 1.0}, {"score": 0.5, "precision": 0.8, "recall": 0.6}]


def stored(folder: Path, cutoffs: object) -> Path:
    path = folder / FILE_NAME
    path.write_text(json.dumps({"temperature": 2, "bias": 1, "cutoffs": cutoffs}), encoding="utf-8")
    return path


def test_cut_offs_are_read(tmp_path: Path) -> None:
    stored(tmp_path, ROWS)
    wanted = (CutOff(score=0.1, precision=0.3, recall=1.0), CutOff(score=0.5, precision=0.8, recall=0.6))
    assert read_calibration(tmp_path) == Calibration(temperature=2.0, bias=1.0, fitted=True, cutoffs=wanted)
    stored(tmp_path, [])
    assert read_calibration(tmp_path).cutoffs == ()


@pytest.mark.parametrize(
    "cutoffs",
    [
        None,
        {},
        "0.5",
        [0.5],
        [{}],
        [{**ROWS[0], "score": 1.5}],
        [{**ROWS[0], "score": -0.1}],
        [{**ROWS[0], "precision": float("nan")}],
        [{**ROWS[0], "recall": True}],
        [{**ROWS[0], "recall": "1"}],
        ROWS[::-1],
        [ROWS[0], ROWS[0]],
        [ROWS[0], {**ROWS[1], "precision": 0.2}],
        [{**ROWS[0], "recall": 0.5}, ROWS[1]],
        [{"score": n / 2000, "precision": 0.5, "recall": 0.5} for n in range(LARGEST_TABLE + 1)],
    ],
    ids=lambda cutoffs: str(cutoffs)[:40],
)
def test_nonsense_in_the_table(tmp_path: Path, cutoffs: object) -> None:
    stored(tmp_path, cutoffs)
    with pytest.raises(ModelFilesError, match=r"calibration\.json: cutoffs.*fit it again or delete"):
        read_calibration(tmp_path)


def test_a_calibration_can_be_named_by_its_file_or_its_folder(tmp_path: Path) -> None:
    path = stored(tmp_path, ROWS)
    renamed = path.rename(tmp_path / "mine.json")
    by_file = load_calibration(renamed)
    renamed.rename(path)
    assert load_calibration(str(tmp_path)) == load_calibration(path) == by_file == read_calibration(tmp_path)


@pytest.mark.parametrize("name", ["nothing.json", ".", "no/such/folder"])
def test_a_named_calibration_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelNotFoundError, match="there is no calibration"):
        load_calibration(tmp_path / name)

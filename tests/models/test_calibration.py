"""Calibration beside a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.errors import ModelFilesError
from adjudge.models.calibration import FILE_NAME, Calibration, read_calibration
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

"""What of a folder decides whether it is the same model."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.evaluate.model_digest import folder_digest

MODEL = ("model.safetensors", "onnx/model.onnx", "onnx/model.onnx_data", "1_Pooling/config.json", "tokenizer.json", "vocab.txt", "own.py")
BESIDE = ("eval.json", "eval.json.journal", "eval.html", "report/index.html", "run.trec", "README.md", ".cache/config.json")


def write(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("{}", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "model", "config.json")
    return tmp_path / "model"


@pytest.mark.parametrize("name", MODEL)
def test_a_file_of_the_model_counts(folder: Path, name: str) -> None:
    before = folder_digest(str(folder))
    write(folder, name)
    assert folder_digest(str(folder)) != before


@pytest.mark.parametrize("name", BESIDE)
def test_what_lies_beside_the_model_does_not(folder: Path, name: str) -> None:
    before = folder_digest(str(folder))
    write(folder, name)
    assert folder_digest(str(folder)) == before != ""


@pytest.mark.parametrize("model", ["org/name", "~nobody-of-this-name/model", "x" * 5000, "a\0b", "https://host:1/v1"])
def test_what_is_no_folder_has_no_digest(model: str) -> None:
    """Whoever loads it says what is wrong."""
    assert folder_digest(model) == ""

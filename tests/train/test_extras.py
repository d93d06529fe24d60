"""A package that is not installed is named, with the pip line that brings it, before anything has begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import MissingExtraError
from adjudge.train import LoraConfig, train
from adjudge.train.checkpoint import History
from adjudge.train.curves import draw_curves
from adjudge.train.lora import add_adapters
from adjudge.train.measure import evaluate
from adjudge.train.outcome import StepRecord
from adjudge.train.settings import ModelConfig
from adjudge.train.student import load_student
from tests.train.conftest import Missing
from tests.train.toy import changed, config_of


@pytest.mark.parametrize(
    ("module", "package", "model"),
    [
        ("torch", "torch", {}),
        ("transformers", "transformers", {}),
        ("matplotlib", "matplotlib", {}),
        ("ir_measures", "ir-measures", {}),
        ("peft", "peft", {"lora": LoraConfig()}),
    ],
)
def test_a_run_asks_for_what_it_needs_before_it_begins(
    tmp_path: Path, own_folder: Path, missing: Missing, module: str, package: str, model: dict[str, Any]
) -> None:
    missing(module)
    with pytest.raises(MissingExtraError, match=rf'{package}.*pip install "adjudge\[train\]"') as caught:
        train(changed(config_of(tmp_path, own_folder), model=model))
    assert caught.value.package == package
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", ["peft", "bm25s"])
def test_a_run_asks_for_no_more_than_it_needs(tmp_path: Path, own_folder: Path, missing: Missing, module: str) -> None:
    missing(module)
    assert train(config_of(tmp_path, own_folder, steps=1)).steps == 1


def test_without_dev_groups_no_measures_are_needed(tmp_path: Path, own_folder: Path, missing: Missing) -> None:
    missing("ir_measures")
    assert train(changed(config_of(tmp_path, own_folder, steps=1), data={"dev": ()})).steps == 1


@pytest.mark.parametrize("module", ["torch", "transformers"])
def test_a_student_needs_torch_and_transformers(own_folder: Path, missing: Missing, module: str) -> None:
    missing(module)
    with pytest.raises(MissingExtraError, match=rf"{module}.*adjudge\[train\]"):
        load_student(ModelConfig(base=str(own_folder)))


def test_adapters_need_peft(missing: Missing) -> None:
    missing("peft")
    with pytest.raises(MissingExtraError, match=r"model\.lora needs the package 'peft'"):
        add_adapters(None, LoraConfig())


def test_measures_need_ir_measures(missing: Missing) -> None:
    missing("ir_measures")
    with pytest.raises(MissingExtraError, match=r"evaluation during training .*'ir-measures'.*adjudge\[train\]"):
        evaluate([], lambda _: [], step=0)


def test_curves_need_matplotlib(tmp_path: Path, missing: Missing) -> None:
    missing("matplotlib")
    history = History(tmp_path, keep_until=0)
    history.add(StepRecord(step=1, loss=1.0, learning_rate=1.0, gradient_norm=1.0, tokens=1, seconds=1.0))
    with pytest.raises(MissingExtraError, match="'matplotlib'"):
        draw_curves(history, tmp_path / "curves.png")

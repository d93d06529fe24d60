"""A step that is started with a wrong folder says so, does nothing and writes nothing."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

WRONG = {
    "ablation": ["{wrong}", "{right}/out"],
    "across": ["{right}", "{wrong}"],
    "average": ["{right}", "{wrong}", "{right}/target"],
    "beside": ["{wrong}", "{right}"],
    "calibrate": ["{wrong}", "{right}"],
    "evaluate": ["{wrong}", "{right}/out"],
    "int8_cost": ["{right}", "{right}", "{wrong}", "{right}/out.json"],
    "judgements": ["{wrong}", "{right}"],
    "mine": ["{wrong}", "{right}"],
    "pack": ["{wrong}", "{right}/target"],
    "probes": ["{right}", "{wrong}", "{right}/out.json"],
    "prune": ["{wrong}", "--keep-like", "{right}/tokenizer.json"],
    "report": ["{wrong}"],
    "shallow": ["{wrong}", "--judge", "{right}"],
    "train": ["{wrong}"],
}


@pytest.mark.parametrize("step", WRONG)
def test_a_wrong_folder_is_named_and_nothing_is_touched(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = tmp_path / "right", tmp_path / "no-such-folder"
    right.mkdir()
    (right / "calibration.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", [step, *(part.format(right=right, wrong=wrong) for part in WRONG[step])])
    with pytest.raises(SystemExit) as stopped:
        import_module(f"recipes.embedded.{step}").main()
    assert stopped.value.code == 2
    assert f"there is no folder {wrong}" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["right", "calibration.json"]


def test_a_file_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["report", str(tmp_path / "file")])
    with pytest.raises(SystemExit):
        import_module("recipes.embedded.report").main()
    assert "there is no folder" in capsys.readouterr().err

"""What is written is read back as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge.evaluate.calibration import calibrate
from adjudge.evaluate.calibration_file import facts_of, write_calibration
from adjudge.models.calibration import Calibration, load_calibration
from tests.evaluate.drawn import drawn


def test_a_report_is_kept_whole(tmp_path: Path) -> None:
    made = drawn(4000)
    report = calibrate(made.logits, made.relevant, made.queries)
    path = tmp_path / "new" / "calibration.json"
    write_calibration(path, report.calibration, {"data": ["a\udcffb", "熊猫"], **facts_of(report)})
    assert load_calibration(path) == report.calibration
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["data"] == ["a\udcffb", "熊猫"]
    assert stored["separates"] is True
    assert stored["measured_on_pairs"] == report.measured_on.pairs
    assert [p.name for p in path.parent.iterdir()] == ["calibration.json"], "nothing half written is left"


@pytest.mark.parametrize("calibration", [Calibration(temperature=0.25, bias=-3.5, fitted=True)])
def test_a_calibration_without_cut_offs(tmp_path: Path, calibration: Calibration) -> None:
    write_calibration(tmp_path / "calibration.json", calibration, {})
    assert load_calibration(tmp_path) == calibration

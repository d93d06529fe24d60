"""The picture of a calibration."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from adjudge.errors import ConfigError, MissingExtraError
from adjudge.evaluate.calibration import CalibrationReport, calibrate
from adjudge.evaluate.reliability import check_picture, draw_reliability
from tests.evaluate.drawn import drawn


def report(*, knows: bool = True) -> CalibrationReport:
    made = drawn(3000, temperature=1.0, bias=-1.0)
    logits = made.logits if knows else np.random.default_rng(3).normal(0, 2, 3000)
    return calibrate(logits, made.relevant, made.queries)


def ink(path: Path, columns: slice) -> float:
    """The share of pixels that are not nearly white, in a vertical band."""
    from matplotlib.image import imread

    band = imread(path)[:, columns, :3]
    return float((band < 0.9).any(axis=2).mean())


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    path = draw_reliability(report(), tmp_path / "new" / "picture.png", title="mine on 熊猫.jsonl $x$")
    third = slice(1000, 1560)
    assert ink(path, slice(0, 480)) > 0.02
    assert ink(path, slice(500, 950)) > 0.02
    silent = draw_reliability(report(knows=False), tmp_path / "silent.png")
    assert ink(silent, third) > 0.005
    assert ink(path, third) > 1.2 * ink(silent, third), "curves of precision and recall"


def test_bins_of_relevant_pairs_alone_and_of_none_are_drawn(tmp_path: Path) -> None:
    made = drawn(3000, temperature=0.1)
    sharp = calibrate(made.logits, made.relevant, made.queries)
    assert {0.0, 1.0} < {one.found for one in sharp.bins_after}
    assert draw_reliability(sharp, tmp_path / "picture.png").is_file()


def test_other_endings(tmp_path: Path) -> None:
    drawn_as = draw_reliability(report(), tmp_path / "picture.svg")
    assert drawn_as.read_text(encoding="utf-8").lstrip().startswith("<?xml")


@pytest.mark.parametrize("name", ["picture", "picture.", "picture.doc", ".png"])
def test_an_ending_that_is_no_picture(name: str) -> None:
    with pytest.raises(ConfigError, match="needs an ending"):
        check_picture(Path(name))


def test_endings_that_are() -> None:
    for name in ("a.png", "a.b/c.SVG", "a.pdf"):
        check_picture(Path(name))


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"adjudge\[evaluate\]"):
        check_picture(Path("a.png"))

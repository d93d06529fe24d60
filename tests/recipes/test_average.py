"""Two states of a judge become one between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from recipes.embedded.average import JUDGE, average


def state(folder: Path, value: float, **more: np.ndarray) -> Path:
    folder.mkdir()
    save_file({"weight": np.full((2, 3), value, np.float32), **more}, folder / JUDGE)
    (folder / "config.json").write_text(f'{{"value": {value}}}', encoding="utf-8")
    return folder


def test_a_share_lies_between_the_two_and_the_rest_is_the_later_ones(tmp_path: Path) -> None:
    before, after = state(tmp_path / "before", 1.0), state(tmp_path / "after", 2.0)
    for share, expected in ((0.0, 1.0), (0.25, 1.25), (1.0, 2.0)):
        average(before, after, tmp_path / "mixed", share)
        assert np.all(load_file(tmp_path / "mixed" / JUDGE)["weight"] == np.float32(expected))
    assert (tmp_path / "mixed" / "config.json").read_text(encoding="utf-8") == '{"value": 2.0}'


def test_what_is_no_relative_or_packed_is_refused(tmp_path: Path) -> None:
    before = state(tmp_path / "before", 1.0)
    other = state(tmp_path / "other", 2.0, head=np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="no two states of one judge; they differ in head"):
        average(before, other, tmp_path / "mixed", 0.5)
    packed = tmp_path / "packed"
    packed.mkdir()
    save_file({"weight": np.zeros((2, 3), np.int8)}, packed / JUDGE)
    with pytest.raises(ValueError, match="is packed"):
        average(before, packed, tmp_path / "mixed", 0.5)
    with pytest.raises(ValueError, match="between 0"):
        average(before, before, tmp_path / "mixed", 1.5)
    assert not (tmp_path / "mixed").exists()

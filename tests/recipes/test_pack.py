"""Packing: the manifest, for which a folder is taken for a model, is whole or not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from recipes.embedded import pack
from tests.recipes.held import BEFORE, hold
from tests.tiny_own import build_own


def test_the_manifest_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (held,) = hold(tmp_path / "packed", "adjudge.json")
    monkeypatch.setattr(sys, "argv", ["pack", str(build_own(tmp_path / "source")), str(tmp_path / "packed"), "--edition", "精"])
    pack.main()
    assert held.read_text(encoding="utf-8") == BEFORE
    text = (tmp_path / "packed" / "adjudge.json").read_text(encoding="utf-8")
    assert json.loads(text) == {**pack.MANIFEST, "edition": "精"}
    assert text.startswith('{\n  "format": 1,\n')

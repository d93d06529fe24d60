"""A hub on loopback, and models to spoil."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Folders
from tests.models.hub_server import HubServer, loopback_hub
from tests.models.spoil import Copy
from tests.tiny_models import Tiny


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A running hub without models, and an empty cache."""
    with loopback_hub(monkeypatch, tmp_path) as server:
        yield server


@pytest.fixture
def copy(tiny_folder: Folders, tmp_path: Path) -> Copy:
    """A tiny model of one's own."""

    def make(family: str = "bert", **recipe: Any) -> Path:
        return Path(shutil.copytree(tiny_folder(Tiny(family=family, **recipe)), tmp_path / "model"))

    return make

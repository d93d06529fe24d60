"""The models that the originals were asked about, built once a session."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integrations.compat_models import build

CompatFolders = Callable[[str], Path]
"""A name of compat_models.MODELS in, its folder out. Shared: copy it before you change it."""


@pytest.fixture(scope="session")
def compat_folder(tmp_path_factory: pytest.TempPathFactory) -> CompatFolders:
    root = tmp_path_factory.mktemp("compat")
    lock = threading.Lock()

    def folder_for(name: str) -> Path:
        with lock:
            return root / name if (root / name).is_dir() else build(name, root / name)

    return folder_for

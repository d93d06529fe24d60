"""Settings of the training kit's tests, and what they share: tiny students, a toy task, and packages that are not there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adjudge.train import curves
from tests.tiny_own import build_own

Missing = Callable[[str], None]
"""Called with the name of a package: from then on, until the test ends, it cannot be imported."""


@pytest.fixture(scope="package", autouse=True)
def one_torch_thread() -> Iterator[None]:
    """For models this small two threads spend their time waiting for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package", autouse=True)
def quiet_transformers() -> Iterator[None]:
    """transformers draws a bar for every checkpoint that it reads or writes."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    yield
    logging.set_verbosity(before)
    if bars:
        logging.enable_progress_bar()


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny folder in adjudge's own form. Shared: copy it before you change it."""
    return build_own(tmp_path_factory.mktemp("own") / "judge")


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the curves out, half of the time of a run of a few steps. They are drawn in test_run.py and test_curves.py."""
    monkeypatch.setattr(curves, "draw_curves", lambda _history, _path: None)


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> Missing:
    """Hide a package: None in sys.modules is what Python itself takes for "there is none"."""

    def hide(package: str) -> None:
        for name in [n for n in sys.modules if n == package or n.startswith(package + ".")]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, package, None)

    return hide

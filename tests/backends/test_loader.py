"""Which backend is chosen, why, and that a named one is never replaced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adjudge.backends import loader
from adjudge.backends.loader import choose_backend, open_backend
from adjudge.config import BackendConfig
from adjudge.errors import BackendUnavailableError, UnsupportedModelError
from adjudge.models.load import load_model
from adjudge.models.model import Model
from tests.conftest import Folders
from tests.pair_batches import batch_of
from tests.texts import PAIRS
from tests.tiny_models import Tiny


@pytest.fixture(scope="session")
def native(tiny_model: Path) -> Model:
    return load_model(tiny_model)


@pytest.fixture(scope="session")
def foreign(tiny_folder: Folders) -> Model:
    return load_model(tiny_folder(Tiny(family="deberta-v2")))


@pytest.fixture(params=[False, True], ids=["no gpu", "gpu"])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(loader, "_gpu_is_usable", lambda: request.param)
    return bool(request.param)


@pytest.mark.parametrize(
    ("settings", "without_gpu", "with_gpu"),
    [
        ({}, "openvino", "torch"),
        ({"precision": "f32"}, "openvino", "torch"),
        ({"precision": "int8"}, "openvino", "openvino"),
        ({"device": "cpu"}, "openvino", "openvino"),
        ({"device": "cuda"}, "torch", "torch"),
        ({"device": "mps"}, "torch", "torch"),
        ({"backend": "openvino"}, "openvino", "openvino"),
        ({"backend": "torch"}, "torch", "torch"),
        ({"backend": "fake"}, "fake", "fake"),
        ({"backend": "onnx"}, "onnx", "onnx"),
    ],
    ids=str,
)
def test_the_choice(native: Model, gpu: bool, settings: dict[str, Any], without_gpu: str, with_gpu: str) -> None:
    choice = choose_backend(native, BackendConfig(**settings))
    assert choice.name == (with_gpu if gpu else without_gpu)
    assert bool(choice.why) == ("backend" not in settings)


def test_a_family_without_a_graph_goes_to_torch(foreign: Model, gpu: bool) -> None:
    choice = choose_backend(foreign, BackendConfig())
    assert choice.name == "torch"
    assert "deberta-v2" in choice.why


def test_a_named_backend_that_cannot_run_the_family_refuses(foreign: Model) -> None:
    with pytest.raises(UnsupportedModelError, match="deberta-v2"):
        open_backend(foreign, BackendConfig(backend="openvino"))


def test_auto_with_a_device_that_is_not_there_refuses(native: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BackendUnavailableError, match="cuda"):
        open_backend(native, BackendConfig(device="cuda"))


def test_the_reason_comes_first_in_the_notes(native: Model) -> None:
    backend = open_backend(native, BackendConfig(device="cpu"))
    batch = batch_of(native, PAIRS[:2])
    assert backend.traits.notes[0].startswith("backend openvino: device='cpu'")
    assert backend.forward(batch).shape == (2, 1)
    backend.close()


def test_a_named_backend_needs_no_reason(native: Model) -> None:
    assert not [note for note in open_backend(native, BackendConfig(backend="fake")).traits.notes if note.startswith("backend ")]


def test_torch_is_not_imported_where_there_is_no_driver() -> None:
    """It takes a second or two, which a machine without a GPU would pay for nothing."""
    if loader._gpu_driver_is_installed():
        pytest.skip("this machine has a GPU driver")
    code = (
        "import sys; from adjudge.backends.loader import choose_backend; from adjudge.config import BackendConfig;"
        "from adjudge.models.load import load_model;"
        "print(choose_backend(load_model('embedded'), BackendConfig()).name, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["openvino", "False"]


def test_no_torch_means_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "find_spec", lambda name: None)
    monkeypatch.setattr(loader, "_gpu_driver_is_installed", lambda: pytest.fail("nobody could use the driver"))
    assert not loader._gpu_is_usable()

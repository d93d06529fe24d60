"""Which backend runs a model: the one that was named, or the one that suits the model and the machine, with the reason."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ..config import BackendConfig
from ..errors import ConfigError, ModelFilesError
from ..models.model import Model
from .base import Backend, Batch, Floats, Traits

__all__ = ["Choice", "choose_backend", "open_backend"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend and why it was chosen; `why` is "" where the caller named it."""

    name: Literal["openvino", "torch", "onnx", "fake"]
    why: str


def open_backend(model: Model, config: BackendConfig) -> Backend:
    """Load `model` into the backend that `config` names, or into the one that suits it best where that is "auto".

    A named backend is opened or refused with a typed error, never replaced.
    """
    choice = choose_backend(model, config)
    backend = _open(choice.name, model, config)
    return _Explained(backend, choice.why) if choice.why else backend


def choose_backend(model: Model, config: BackendConfig) -> Choice:
    """The named backend, or for "auto": torch for a GPU or a family without a graph of adjudge's own, else openvino."""
    if config.backend != "auto":
        return Choice(config.backend, "")
    if model.exported_only:
        return Choice("onnx", "backend onnx: the folder holds an exported file and no safetensors.")
    if not model.spec.native:
        return Choice("torch", f"backend torch: adjudge has no graph of its own for the family {model.spec.model_type!r}.")
    if config.device != "auto":
        on_cpu = config.device == "cpu"
        name: Literal["openvino", "torch"] = "openvino" if on_cpu else "torch"
        return Choice(name, f"backend {name}: device={config.device!r} was asked for.")
    if config.precision == "int8":
        return Choice("openvino", "backend openvino: precision='int8' was asked for.")
    if _gpu_is_usable():
        return Choice("torch", "backend torch: there is a CUDA GPU.")
    return Choice("openvino", "backend openvino: the fastest on a CPU, and there is no CUDA GPU that torch could use.")


def _open(name: Literal["openvino", "torch", "onnx", "fake"], model: Model, config: BackendConfig) -> Backend:
    if name == "fake":
        from .fake import open_fake

        return open_fake(model, config)
    if name == "onnx":
        from .onnx import open_onnx

        return open_onnx(model, config)
    if model.exported_only:
        raise ModelFilesError(
            f"{model.name} holds an exported ONNX file and no safetensors, so backend={name!r} cannot run it; use backend='onnx' or 'auto'"
        )
    if name == "torch":
        from .torch import open_torch

        return open_torch(model, config)
    if name == "openvino":
        from .openvino import open_openvino

        return open_openvino(model, config)
    raise ConfigError(f"backend {name!r} is not known")


def _gpu_is_usable() -> bool:
    """Whether torch is there and sees a CUDA GPU. torch takes a second or two to import, so its driver is looked for first."""
    if find_spec("torch") is None or not _gpu_driver_is_installed():
        return False
    import torch

    return torch.cuda.is_available()


def _gpu_driver_is_installed() -> bool:
    if Path("/dev/kfd").exists():  # AMD; torch calls its GPUs cuda too
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


class _Explained:
    """A backend whose traits begin with the reason it was chosen."""

    def __init__(self, backend: Backend, why: str) -> None:
        self._backend = backend
        self._traits = replace(backend.traits, notes=(why, *backend.traits.notes))

    @property
    def traits(self) -> Traits:
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        return self._backend.forward(batch)

    def close(self) -> None:
        self._backend.close()

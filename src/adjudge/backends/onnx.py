"""The onnx backend: runs an exported file with ONNX Runtime, feeding it exactly the inputs it declares."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..config import BackendConfig
from ..errors import (
    BackendError,
    BackendMemoryError,
    BackendUnavailableError,
    ClosedError,
    MissingExtraError,
    ModelFilesError,
    NotARerankerError,
    UnsupportedModelError,
)
from ..models.exported import exported_files
from ..models.heads import TokenHead
from ..models.model import Model
from .base import Batch, Floats, Traits
from .forked import NativeObjects
from .positions import position_ids

__all__ = ["OnnxBackend", "open_onnx"]

_KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxBackend:
    """An ONNX Runtime session and what it wants to be fed."""

    def __init__(self, session: Any, model: Model, traits: Traits) -> None:
        """Take over a session whose inputs are all known."""
        self._session: Any = session
        self._native = NativeObjects(session)
        self._inputs = {entry.name: _INTEGERS[entry.type] for entry in session.get_inputs()}
        outputs = [entry.name for entry in session.get_outputs()]
        self._output = "logits" if "logits" in outputs else outputs[0]
        self._spec = model.spec
        self._traits = traits

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits. Safe to call from several threads: a session may be run by many at once."""
        session = self._session
        if session is None:
            raise ClosedError("this model was closed; create a new Reranker")
        feeds = {name: np.ascontiguousarray(self._feed(name, batch), dtype=kind) for name, kind in self._inputs.items()}
        try:
            logits = session.run([self._output], feeds)[0]
        except _failures() as exc:
            raise _translate(exc, batch) from exc
        if logits.shape != (batch.rows, self._traits.outputs):
            raise BackendError(f"the file answered {batch.rows} pairs with an array of shape {logits.shape}")
        return np.asarray(logits, np.float32)

    def close(self) -> None:
        """Free the session. Forwards that are running finish first. In a forked child nothing is freed."""
        self._session = None
        self._native.free()

    def _feed(self, name: str, batch: Batch) -> np.ndarray:
        real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
        if name == "attention_mask":
            return real
        if name == "position_ids":
            return np.where(real, position_ids(batch.input_ids, self._spec), self._spec.pad_token_id if self._spec.position_offset else 0)
        return batch.input_ids if name == "input_ids" else batch.token_type_ids


def open_onnx(model: Model, config: BackendConfig) -> OnnxBackend:
    """Open the exported file in the model's folder.

    Raises MissingExtraError without onnxruntime, ModelFilesError for a missing or broken file, BackendUnavailableError for a
    device or precision that cannot be had, NotARerankerError where the file gives another number of labels than config.json.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtraError(package="onnxruntime", extra="onnx", what='backend="onnx"')
    if isinstance(model.spec.head, TokenHead):
        raise UnsupportedModelError(f"{model.name}: exported files answer with logits, not with hidden states; use openvino or torch")
    path, precision = _choose_file(model, config.precision)
    session = _open_session(path, config)
    _check_inputs(session, path)
    traits = Traits(
        backend="onnx",
        device="cuda:0" if session.get_providers()[0] == _PROVIDERS["cuda"] else "cpu",
        precision=precision,
        outputs=model.spec.head.outputs,
        padding_free=False,
        parallel=1,  # one forward uses every thread it was given
        notes=(f"onnx: runs {path.name}.",),
    )
    backend = OnnxBackend(session, model, traits)
    _check_labels(backend, model, path)
    return backend


def _choose_file(model: Model, wanted: str) -> tuple[Path, str]:
    files = exported_files(model.folder)
    if not files:
        raise ModelFilesError(
            f"{model.folder} holds no model.onnx (nor onnx/model.onnx). backend='onnx' runs exported files; "
            "export one, or use another backend"
        )
    if wanted == "auto":
        precision = next(iter(files))
        return files[precision], precision
    if wanted not in files:
        raise BackendUnavailableError(
            f"precision={wanted!r} was asked for, but {model.folder} holds ONNX files in {', '.join(files)}; "
            "a file's precision is fixed, so export another one or use precision='auto'"
        )
    return files[wanted], wanted


def _open_session(path: Path, config: BackendConfig) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; its warnings speak to authors of graphs
    if config.threads is not None:
        options.intra_op_num_threads = config.threads
    providers = [_provider(config.device, onnxruntime.get_available_providers())]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except _failures() as exc:
        version = onnxruntime.__version__
        raise ModelFilesError(f"{path} cannot be run by onnxruntime {version} ({exc}); export or download it again") from exc


def _provider(device: str, available: list[str]) -> str:
    if device == "auto":
        return _PROVIDERS["cpu"]
    name = _PROVIDERS.get("cuda" if device == "cuda:0" else device)
    if name not in available:
        raise BackendUnavailableError(f"device={device!r} is not offered by this onnxruntime ({', '.join(available)}); use device='cpu'")
    return name


def _check_inputs(session: Any, path: Path) -> None:
    for entry in session.get_inputs():
        if entry.name not in _KNOWN_INPUTS or entry.type not in _INTEGERS:
            raise UnsupportedModelError(
                f"{path} wants the input {entry.name!r} of type {entry.type}; adjudge feeds {', '.join(_KNOWN_INPUTS)} as whole numbers"
            )


def _check_labels(backend: OnnxBackend, model: Model, path: Path) -> None:
    """Run one short row: what a file announces is often symbolic, and says nothing of embeddings called logits."""
    row = np.full((1, 4), model.spec.pad_token_id, np.int32)
    batch = Batch(input_ids=row, lengths=np.array([4], np.int32), token_type_ids=np.zeros_like(row), segments=np.zeros_like(row))
    try:
        backend.forward(batch)
    except BackendError as exc:
        raise NotARerankerError(
            f"{path} does not give the {model.spec.head.outputs} logits a pair that config.json announces ({exc}); "
            "export it as a sequence classifier"
        ) from exc


def _failures() -> tuple[type[Exception], ...]:
    """ONNX Runtime's exceptions, which have no common base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoModel, state.NoSuchFile)
    return (RuntimeError, MemoryError, *kinds, state.NotImplemented, state.EPFail, state.RuntimeException)


def _translate(exc: Exception, batch: Batch) -> BackendError:
    rows, length = batch.input_ids.shape
    if isinstance(exc, MemoryError) or "allocate" in str(exc).lower() or "bad_alloc" in str(exc):
        what = f"memory ran out in onnxruntime on a batch of {rows} x {length} tokens"
        return BackendMemoryError(f"{what}; lower max_batch_tokens or max_length")
    return BackendError(f"onnxruntime failed on a batch of {rows} x {length} tokens: {exc}")

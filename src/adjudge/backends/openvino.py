"""The CPU backend: OpenVINO runs a graph that adjudge builds itself. No torch, no transformers, no export."""

from __future__ import annotations

import os
from queue import SimpleQueue
from typing import Any

import numpy as np

from ..config import BackendConfig
from ..errors import BackendError, BackendMemoryError, BackendUnavailableError, ClosedError, MissingExtraError, UnsupportedModelError
from ..models.model import Model
from .base import Batch, Floats, Traits
from .openvino_graph import build_graph

__all__ = ["OpenVinoBackend", "open_openvino"]

DYNAMIC_GROUP = 2**62
"""Activations are quantised per token over the whole width. See docs/experiments.md for what narrower groups gain and cost."""


class OpenVinoBackend:
    """A compiled graph and a pool of infer requests, one a stream."""

    def __init__(self, compiled: Any, traits: Traits, shared: list[np.ndarray]) -> None:
        """Take over a compiled model and the arrays it reads from; one infer request per parallel forward."""
        self._shared = shared
        self._traits = traits
        self._names = [port.get_any_name() for port in compiled.inputs]
        self._compiled: Any = compiled
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(traits.parallel):
            self._idle.put(compiled.create_infer_request())

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits. Waits for a free stream; the GIL is released while it computes."""
        if self._compiled is None:
            raise ClosedError("this model was closed; create a new Reranker")
        request = self._idle.get()
        try:
            request.infer({name: getattr(batch, name) for name in self._names}, share_inputs=True)
            return np.array(request.get_output_tensor(0).data, dtype=np.float32)
        except MemoryError as exc:
            raise BackendMemoryError(_memory_message(batch)) from exc
        except RuntimeError as exc:
            if "alloc" in str(exc).lower() or "memory" in str(exc).lower():
                raise BackendMemoryError(_memory_message(batch)) from exc
            raise BackendError(f"openvino failed on a batch of {batch.rows} x {batch.input_ids.shape[1]} tokens: {exc}") from exc
        finally:
            self._idle.put(request)

    def close(self) -> None:
        """Free the compiled model. Forwards that are running finish first."""
        if self._compiled is None:
            return
        self._compiled, self._shared = None, []
        for _ in range(self._traits.parallel):
            self._idle.get()


def open_openvino(model: Model, config: BackendConfig) -> OpenVinoBackend:
    """Build, compile and return. Raises UnsupportedModelError for families it has no graph for."""
    if not model.spec.native:
        raise UnsupportedModelError(
            f"{model.name} is a {model.spec.model_type}, which the openvino backend has no graph for. "
            'Use backend="torch" (pip install "adjudge[torch]")'
        )
    if config.device not in ("auto", "cpu"):
        raise BackendUnavailableError(f'the openvino backend runs on device "cpu", not {config.device!r}; use backend="torch" for a GPU')
    core = _core()
    precision, note = _choose_precision(model, config.precision, core)
    threads = config.threads or usable_cores()
    graph, shared = build_graph(model, int8=precision == "int8")
    compiled = core.compile_model(graph, "CPU", _settings(precision, threads, core))
    traits = Traits(
        backend="openvino",
        device="cpu",
        precision=precision,
        outputs=model.spec.head.outputs,
        padding_free=False,
        parallel=int(compiled.get_property("NUM_STREAMS")),
        notes=(note,) if note else (),
    )
    return OpenVinoBackend(compiled, traits, shared)


def usable_cores() -> int:
    """Cores this process may run on (containers and taskset respected)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_message(batch: Batch) -> str:
    rows, length = batch.input_ids.shape
    return f"memory ran out in openvino on a batch of {rows} x {length} tokens; lower max_batch_tokens or max_length"


def _core() -> Any:
    try:
        import openvino
    except ImportError as exc:
        raise MissingExtraError(package="openvino", extra="torch", what='backend="openvino"') from exc
    return openvino.Core()


def _settings(precision: str, threads: int, core: Any) -> dict[str, Any]:
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    settings: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" or (precision == "int8" and half) else "f32",
    }
    if precision == "int8":
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = DYNAMIC_GROUP
    return settings


def _choose_precision(model: Model, asked: str, core: Any) -> tuple[str, str]:
    """(precision, why). Auto: int8 for weights stored so, else bf16 where the CPU has it, else f32."""
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if asked == "bf16" and not half:
        raise BackendUnavailableError('this CPU has no bfloat16 (AVX-512 BF16 or AMX); use precision="f32" or "int8"')
    if asked == "f16":
        raise BackendUnavailableError('float16 is slow on CPUs; use precision="bf16", "int8" or "f32"')
    if asked != "auto":
        return asked, ""
    if model.stored_precision == "int8":
        return "int8", "precision int8: the model is stored so"
    if half:
        return "bf16", "precision bf16: this CPU has it, and it ranks as float32 does"
    return "f32", "precision f32: this CPU has no bfloat16"

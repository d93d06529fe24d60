"""The CPU backend: OpenVINO runs a graph that adjudge builds itself. No torch, no transformers, no export."""

from __future__ import annotations

import os
from queue import SimpleQueue
from typing import Any

import numpy as np

from ..config import BackendConfig
from ..errors import BackendError, BackendMemoryError, BackendUnavailableError, ClosedError, UnsupportedModelError
from ..models.model import Model
from ..models.weights import release_pages
from .base import Batch, Floats, Traits
from .forked import NativeObjects
from .openvino_graph import build_graph
from .openvino_module import openvino_module

__all__ = ["OpenVinoBackend", "open_openvino", "usable_cores"]

KERNELS_KEPT = 64
"""Kernels of a kind that a stream keeps: each shape of a batch brings its own, so at OpenVINO's own 5,000 a server's memory grows with
every shape it meets. After 4,620 pairs in 70 shapes: 431 MiB; 412 with 64 kept, at the same speed; 387 with 16 (docs/experiments.md)."""

DYNAMIC_GROUP = 32
"""Activations that share a scale where int8 is computed as int8. Wider is faster and worse: docs/experiments.md has the figures."""

BATCH_TOKENS = 1024
"""Larger batches gain nothing here and take more memory: docs/experiments.md."""

LENGTH_STEP = 16
"""Kernels work on tiles of 16 rows (a length of 129 cost as much as 144), and a shape costs a third more the first time."""

FORWARD_TOKENS = 64
"""Every forward reads all weights, whatever its batch: 6 layers of 384 took 5 ms for 16 tokens and 45 us for each of many more, the
shipped 12 layers 10 ms and 150 to 200 us. So a row that lacks more than this to its batch's longest is cheaper in a batch of its own."""

MOST_LONE_STREAMS = 4
"""Up to so many threads each is a stream of its own, which shares out batches best; beyond, streams of several threads."""


class OpenVinoBackend:
    """A compiled graph and a pool of infer requests, one a stream."""

    def __init__(self, compiled: Any, traits: Traits, shared: list[np.ndarray]) -> None:
        """Take over a compiled model and the arrays it reads from; one infer request per parallel forward."""
        self._shared = shared
        self._fresh = True
        self._traits = traits
        self._names = [port.get_any_name() for port in compiled.inputs]
        self._compiled: Any = compiled
        self._idle: SimpleQueue[Any] = SimpleQueue()
        requests = [compiled.create_infer_request() for _ in range(traits.parallel)]
        for request in requests:
            self._idle.put(request)
        self._native = NativeObjects(compiled, *requests)

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits. Waits for a free stream; the GIL is released while it computes."""
        if self._compiled is None:
            raise ClosedError("this model was closed; create a new Reranker")
        request = self._idle.get()
        if request is None:  # closed while this call waited for a stream
            self._idle.put(None)
            raise ClosedError("this model was closed; create a new Reranker")
        try:
            request.infer({name: getattr(batch, name) for name in self._names}, share_inputs=True)
            return _answer(request.get_output_tensor(0).data, batch)
        except MemoryError as exc:
            raise BackendMemoryError(_memory_message(batch)) from exc
        except RuntimeError as exc:
            if "alloc" in str(exc).lower() or "memory" in str(exc).lower():
                raise BackendMemoryError(_memory_message(batch)) from exc
            raise BackendError(f"openvino failed on a batch of {batch.rows} x {batch.input_ids.shape[1]} tokens: {exc}") from exc
        finally:
            self._idle.put(request)
            self._release_weights()

    def close(self) -> None:
        """Free the compiled model. Forwards that are running finish first. In a forked child nothing is freed."""
        if self._compiled is None or self._native.inherited:
            return
        self._compiled, self._shared = None, []
        for _ in range(self._traits.parallel):
            self._idle.get()
        self._idle.put(None)
        self._native.free()

    def _release_weights(self) -> None:
        """After the first forward the plugin has packed the weights its own way: the pages of the file need not stay in memory."""
        if self._fresh:
            self._fresh = False
            for array in self._shared:
                release_pages(array)


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
    half = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precision, notes = _choose_precision(model, config.precision, half=half)
    threads = usable_cores() if config.threads is None else config.threads
    graph, shared = build_graph(model, int8=precision == "int8")
    compiled = core.compile_model(graph, "CPU", _settings(precision, threads, half=half))
    traits = Traits(
        backend="openvino",
        device="cpu",
        precision=precision,
        outputs=model.spec.head.outputs,
        padding_free=False,
        parallel=int(compiled.get_property("NUM_STREAMS")),
        batch_tokens=BATCH_TOKENS,
        length_step=LENGTH_STEP,
        forward_tokens=FORWARD_TOKENS,
        notes=notes,
    )
    return OpenVinoBackend(compiled, traits, shared)


def usable_cores() -> int:
    """Cores this process may run on (containers and taskset respected)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _answer(output: np.ndarray, batch: Batch) -> Floats:
    """A copy, since the request's own memory is written again by the next batch; of a token head's (rows, length, size) the real tokens."""
    if output.ndim == 3:
        output = output[np.arange(output.shape[1]) < batch.lengths[:, None]]
    return np.array(output, dtype=np.float32)


def _memory_message(batch: Batch) -> str:
    rows, length = batch.input_ids.shape
    return f"memory ran out in openvino on a batch of {rows} x {length} tokens; lower max_batch_tokens or max_length"


def _core() -> Any:
    try:
        return openvino_module().Core()
    except ImportError as exc:  # a base dependency: without it the installation is broken
        raise BackendUnavailableError(
            'openvino cannot be imported; repair the installation with "pip install --force-reinstall openvino"'
        ) from exc


def _settings(precision: str, threads: int, *, half: bool) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads if threads <= MOST_LONE_STREAMS else max(MOST_LONE_STREAMS, threads // MOST_LONE_STREAMS),
        "CPU_RUNTIME_CACHE_CAPACITY": str(KERNELS_KEPT),
        "INFERENCE_PRECISION_HINT": "bf16" if half and precision in ("bf16", "int8") else "f32",
    }
    if precision == "int8":
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = DYNAMIC_GROUP
    return settings


def _choose_precision(model: Model, asked: str, *, half: bool) -> tuple[str, tuple[str, ...]]:
    """(precision, why). Auto: int8 for weights stored so, else bf16 where the CPU has it, else f32."""
    if asked == "bf16" and not half:
        raise BackendUnavailableError('this CPU has no bfloat16 (AVX-512 BF16 or AMX); use precision="f32" or "int8"')
    if asked == "f16":
        raise BackendUnavailableError('float16 is slow on CPUs; use precision="bf16", "int8" or "f32"')
    notes = []
    if asked == "auto":
        asked = "int8" if model.stored_precision == "int8" else "bf16" if half else "f32"
        notes.append(_AUTO[asked])
    if asked == "int8":
        notes.append(_INT8_HALF if half else _INT8_DYNAMIC)
    return asked, tuple(notes)


_AUTO = {
    "int8": "precision int8: the model's weights are stored so.",
    "bf16": "precision bf16: this CPU computes it much faster than float32, and it ranks alike.",
    "f32": "precision f32: this CPU has no bfloat16.",
}
_INT8_HALF = "int8 weights are multiplied in bfloat16, which is faster on this CPU than int8 activations, and closer to float32."
_INT8_DYNAMIC = f"int8 weights are multiplied by activations quantised on the fly, {DYNAMIC_GROUP} at a time."

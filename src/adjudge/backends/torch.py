"""The torch backend: adjudge's own padding-free graphs for the families it knows, transformers for every other one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..config import BackendConfig
from ..errors import AdjudgeError, BackendError, BackendMemoryError, ClosedError, MissingExtraError
from ..models.model import Model
from .base import Batch, Floats, Traits
from .positions import position_ids
from .torch_device import Placement, place

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Network", "TorchBackend", "open_torch"]

CPU_BATCH_TOKENS = 2048
GPU_BATCH_TOKENS = 16384
"""The default of text-embeddings-inference (--max-batch-tokens). Not measured here: no GPU was at hand."""

_thread_setting = threading.Lock()
"""torch's thread count belongs to the whole process; whoever changes it holds this until it is put back."""


class Network(Protocol):
    """A model on its device."""

    padding_free: bool
    notes: tuple[str, ...]  # see Traits

    def __call__(self, batch: Batch) -> Tensor:
        """(rows, outputs) logits, on the device, in float32."""
        ...


class TorchBackend:
    """A network, the device it lives on, and how it may be called."""

    def __init__(self, network: Network, traits: Traits, *, threads: int | None) -> None:
        """Take over a loaded network. `threads`: CPU threads of one forward; None: as many as torch is set to."""
        self._network: Network | None = network
        self._traits = traits
        self._threads = threads

    @property
    def traits(self) -> Traits:
        """What this backend is."""
        return self._traits

    def forward(self, batch: Batch) -> Floats:
        """Return (rows, outputs) float32 logits. Safe to call from several threads.

        Raises BackendMemoryError when memory runs out, BackendError otherwise, ClosedError after close().
        """
        import torch

        network = self._network
        if network is None:
            raise ClosedError("this model was closed; create a new Reranker")
        with _cpu_threads(self._threads), _memory_errors(batch), torch.inference_mode():
            logits: Floats = network(batch).cpu().numpy()
        return logits.astype(np.float32, copy=False)

    def close(self) -> None:
        """Free the weights, and what torch keeps of the GPU's memory for later. Forwards that are running finish first."""
        import torch

        if self._network is None:
            return
        self._network = None
        if self._traits.device.startswith("cuda"):
            torch.cuda.empty_cache()


def open_torch(model: Model, config: BackendConfig) -> TorchBackend:
    """Load `model`. Raises MissingExtraError without torch, BackendUnavailableError for a device or precision that cannot be had."""
    _require("torch", 'backend="torch"')
    placement = place(config)
    threads = config.threads if placement.device.type == "cpu" else None
    with _memory_errors(None), _cpu_threads(threads):
        network = _native(model, placement) if model.spec.native else _foreign(model, placement)
    traits = Traits(
        backend="torch",
        device=str(placement.device),
        precision=placement.precision,
        outputs=model.spec.head.outputs,
        padding_free=network.padding_free,
        # A GPU is fed best when one batch is prepared while another is computed; a CPU forward uses every core by itself.
        parallel=2 if placement.device.type == "cuda" else 1,
        batch_tokens=GPU_BATCH_TOKENS if placement.device.type == "cuda" else CPU_BATCH_TOKENS,
        notes=placement.notes + network.notes,
    )
    return TorchBackend(network, traits, threads=threads)


def _require(package: str, what: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise MissingExtraError(package=package, extra="torch", what=what)


def _native(model: Model, placement: Placement) -> Network:
    return _PackedNetwork(model, placement)


def _foreign(model: Model, placement: Placement) -> Network:
    _require("transformers", f"a model of the family {model.spec.model_type!r}")
    from .torch_foreign import ForeignNetwork

    return ForeignNetwork(model, placement)


class _PackedNetwork:
    """Encoder and head over packed tokens."""

    padding_free = True
    notes: tuple[str, ...] = ()

    def __init__(self, model: Model, placement: Placement) -> None:
        from .torch_encoder import Encoder
        from .torch_heads import build_head

        self._spec, self._device = model.spec, placement.device
        self._encoder, self._head = Encoder(model, placement), build_head(model, placement)

    def __call__(self, batch: Batch) -> Tensor:
        from .torch_packed import pack

        self._check_ids(batch)
        packed = pack(batch, self._device, position_ids(batch.input_ids, self._spec))
        return self._head(packed, self._encoder(packed, firsts_only=self._head.firsts_only))

    def _check_ids(self, batch: Batch) -> None:
        """An id outside a table ends a CUDA process for good (a device-side assert), so it is caught before."""
        largest, longest = int(batch.input_ids.max()), int(batch.lengths.max())
        if largest >= self._spec.vocab_size or longest > self._spec.max_length:
            raise BackendError(
                f"this is a bug: token id {largest} and length {longest} reached a model with {self._spec.vocab_size} tokens "
                f"and {self._spec.max_length} positions"
            )
        kind = int(batch.token_type_ids.max())
        if self._spec.type_vocab_size and kind >= self._spec.type_vocab_size:
            raise BackendError(f"the tokenizer makes token type {kind}, the model has {self._spec.type_vocab_size}; one of them is wrong")


@contextmanager
def _memory_errors(batch: Batch | None) -> Iterator[None]:
    """Translate torch's ways to say that memory ran out, and its other failures."""
    import torch

    try:
        yield
    except AdjudgeError:  # some are ValueErrors too
        raise
    except (torch.OutOfMemoryError, MemoryError) as exc:
        _release()
        raise BackendMemoryError(_memory_message(batch)) from exc
    except (RuntimeError, IndexError, ValueError) as exc:
        if "allocate memory" in str(exc) or "out of memory" in str(exc):  # the CPU and MPS allocators have no class of their own
            raise BackendMemoryError(_memory_message(batch)) from exc
        doing = "loading the model" if batch is None else f"a batch of {batch.rows} pairs, {batch.tokens} tokens"
        raise BackendError(f"torch failed on {doing}: {exc}") from exc


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _memory_message(batch: Batch | None) -> str:
    if batch is None:
        return "memory ran out while torch loaded the model; use a smaller model, or precision='bf16' or 'f16' for half the size"
    return (
        f"memory ran out in torch on a batch of {batch.rows} pairs, {batch.tokens} tokens, the longest {int(batch.lengths.max())}; "
        "lower max_batch_tokens or max_length"
    )


@contextmanager
def _cpu_threads(count: int | None) -> Iterator[None]:
    """Run with `count` threads and put back what was set before.

    torch knows one thread count for the process and none for a model, so it is changed for the length of a forward, one
    forward at a time. None, the default, changes nothing and takes no lock.
    """
    import torch

    if count is None:
        yield
        return
    with _thread_setting:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

"""Families that adjudge has no graph for (DeBERTa-v2 and every other sequence classifier), run by transformers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ModelFilesError, NotARerankerError, UnsupportedModelError
from ..models.model import Model
from .base import Batch
from .torch_device import Placement
from .torch_rows import rows_for

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ForeignNetwork", "quiet"]


class ForeignNetwork:
    """A transformers sequence classifier over padded rows."""

    padding_free = False

    def __init__(self, model: Model, placement: Placement) -> None:
        """Load with transformers. Raises NotARerankerError where the checkpoint lacks the head."""
        import torch

        self._device = placement.device
        self._network = _load(model, placement).to(placement.device).eval()
        _exact_head(self._network)
        self._takes_types = _takes_types(self._network, model)
        self._rows = rows_for(self._network, model, self._logits, half=placement.dtype != torch.float32)
        self.notes = tuple(f"torch: {note}" for note in self._rows.notes)

    def __call__(self, batch: Batch) -> Tensor:
        """(rows, labels) float32."""
        import torch

        return torch.cat(self._rows.ask(self._logits, batch))

    def _logits(self, batch: Batch) -> Tensor:
        import torch

        real = np.arange(batch.input_ids.shape[1])[None, :] < batch.lengths[:, None]
        inputs = {"input_ids": batch.input_ids, "attention_mask": real}
        if self._takes_types:
            inputs["token_type_ids"] = batch.token_type_ids
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value, dtype=np.int64)).to(self._device) for name, value in inputs.items()}
        logits: Tensor = self._network(**tensors).logits
        return logits.float()


def _load(model: Model, placement: Placement) -> Any:
    from transformers import AutoModelForSequenceClassification

    try:
        with quiet():
            network, info = AutoModelForSequenceClassification.from_pretrained(
                model.folder,
                dtype=placement.dtype,
                trust_remote_code=model.trust_remote_code,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except (ValueError, KeyError, ImportError, AttributeError) as exc:
        raise UnsupportedModelError(f"{model.name}: transformers cannot load the family {model.spec.model_type!r} ({exc})") from exc
    except OSError as exc:
        raise ModelFilesError(f"{model.name}: transformers cannot read {model.folder} ({exc})") from exc
    _check_complete(model, network, info)
    return network


def _check_complete(model: Model, network: Any, info: dict[str, Any]) -> None:
    """transformers fills what a checkpoint lacks with random numbers and goes on; adjudge does not."""
    lacking = sorted({*info.get("missing_keys", ()), *(key[0] for key in info.get("mismatched_keys", ()))})
    if not lacking:
        return
    body = f"{network.base_model_prefix}."
    shown = ", ".join(lacking[:4])
    if all(key.startswith(body) for key in lacking):
        raise ModelFilesError(f"{model.name}: the weights lack {len(lacking)} tensors of the encoder ({shown}); download them again")
    raise NotARerankerError(
        f"{model.name} has no trained classification head ({shown} would be random numbers), so it cannot judge pairs. "
        "Use a reranker (a ...ForSequenceClassification), for example BAAI/bge-reranker-v2-m3 or 'embedded'"
    )


def _takes_types(network: Any, model: Model) -> bool:
    """Whether forward() names token_type_ids, or hands on whatever it is given and the config speaks of several types."""
    parameters = inspect.signature(network.forward).parameters
    if "token_type_ids" in parameters:
        return True
    return model.spec.type_vocab_size > 1 and any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def _exact_head(network: Any) -> None:
    """A last linear layer runs in float32, as in adjudge's own graphs: half-precision logits would tie near the top."""
    import torch

    for name in ("classifier", "score"):
        last = getattr(network, name, None)
        if isinstance(last, torch.nn.Linear):
            last.float().register_forward_pre_hook(lambda _, inputs: tuple(tensor.float() for tensor in inputs))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bar and its advice to train the model off the caller's terminal; adjudge raises instead."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

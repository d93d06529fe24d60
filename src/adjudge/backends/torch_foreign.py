"""Families that adjudge has no graph for (DeBERTa-v2 and every other sequence classifier), run by transformers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ModelFilesError, NotARerankerError, UnsupportedModelError
from ..models.model import Model
from ..models.spec import Family
from .base import Batch
from .torch_device import Placement

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ForeignNetwork", "quiet"]


class ForeignNetwork:
    """A transformers sequence classifier over padded rows."""

    padding_free = False

    def __init__(self, model: Model, placement: Placement) -> None:
        """Load with transformers. Raises NotARerankerError where the checkpoint lacks the head."""
        self._device = placement.device
        self._network = _load(model, placement).to(placement.device).eval()
        _exact_head(self._network)
        self._takes_types = _takes_types(self._network, model)
        # Decoders find a row's end by its padding; without a pad token of their own they can only be asked one row at a time.
        self._pad: int | None = getattr(self._network.config, "pad_token_id", None)
        self._row_by_row = self._pad is None or (model.spec.family is Family.OTHER and not self._bears_padding(placement))

    def __call__(self, batch: Batch) -> Tensor:
        """(rows, labels) float32."""
        if self._row_by_row:
            return self._one_by_one(batch)
        try:
            return self._ask(batch.input_ids, batch.token_type_ids, batch.lengths)
        except ValueError:  # BART wants as many end tokens in every row, and a text may spell one
            return self._one_by_one(batch)

    def _bears_padding(self, placement: Placement) -> bool:
        """Whether a few rows score alike alone and in a padded batch, but for rounding: XLNet's head reads the last column of all."""
        import torch

        batch = _probe(self._network.config)
        tolerance = 1e-3 if placement.dtype == torch.float32 else 0.1
        try:
            with torch.inference_mode():
                apart = self._ask(batch.input_ids, batch.token_type_ids, batch.lengths) - self._one_by_one(batch)
        except (IndexError, RuntimeError, ValueError):  # nothing is known of it, and one row at a time is always right
            return False
        return bool(apart.abs().max() <= tolerance)

    def _one_by_one(self, batch: Batch) -> Tensor:
        import torch

        rows = []
        for row, length in enumerate(batch.lengths):
            part = slice(row, row + 1)
            rows.append(self._ask(batch.input_ids[part, :length], batch.token_type_ids[part, :length], batch.lengths[part]))
        return torch.cat(rows)

    def _ask(self, ids: np.ndarray, types: np.ndarray, lengths: np.ndarray) -> Tensor:
        import torch

        real = np.arange(ids.shape[1])[None, :] < lengths[:, None]
        padded = ids if self._pad is None else np.where(real, ids, self._pad)  # the network's own padding, which config.json may leave out
        inputs = {"input_ids": padded, "attention_mask": real}
        if self._takes_types:
            inputs["token_type_ids"] = types
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value, dtype=np.int64)).to(self._device) for name, value in inputs.items()}
        logits: Tensor = self._network(**tensors).logits
        return logits.float()


def _probe(config: Any) -> Batch:
    """Rows of 3 to 8 tokens, each ended by the end token where the family has one."""
    special = {getattr(config, f"{name}_token_id", None) for name in ("pad", "bos", "eos", "cls", "sep")}
    words = [number for number in range(32) if number not in special]
    lengths, end = np.array([8, 5, 3], np.int32), getattr(config, "eos_token_id", None)
    ids = np.array([words[start : start + 8] for start in (0, 5, 10)], np.int32)
    if isinstance(end, int):
        ids[np.arange(3), lengths - 1] = end
    return Batch(input_ids=ids, lengths=lengths, token_type_ids=np.zeros_like(ids), segments=np.zeros_like(ids))


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

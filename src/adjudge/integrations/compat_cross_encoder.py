"""sentence-transformers' CrossEncoder, as of version 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats
from ..config import BackendName
from ..engine.cut import CutLongest
from ..engine.documents import accept_pairs
from ..errors import ConfigError, InputError
from .compat_activation import activate, default_activation, read_settings, softmax
from .compat_base import CompatModel, accept, adjudge_options, refuse, warn, whole_number
from .compat_dtype import by_dtype
from .compat_renames import old_names
from .compat_tensors import to_tensor

__all__ = ["CrossEncoder"]

_POOL = "a model here runs on one device; for several GPUs start one process or one object for each"

_REFUSED: dict[str, tuple[Any, str]] = {
    "modules": (None, "load a model by its name or folder"),
    "model_card_data": (None, "this shape does not save models"),
    "keep_in_fp32_modules": ([], "heads always run in float32 here; leave it out"),
}
_OLD_INIT = {
    "model_name": "model_name_or_path",
    "automodel_args": "model_kwargs",
    "tokenizer_args": "processor_kwargs",
    "tokenizer_kwargs": "processor_kwargs",
    "config_args": "config_kwargs",
    "cache_dir": "cache_folder",
    "default_activation_function": "activation_fn",
}
_OLD_CALL = {"sentences": "inputs", "activation_fct": "activation_fn"}


class CrossEncoder(CompatModel):
    """sentence-transformers' cross-encoder: sigmoid of the logit for one label, the logits themselves for several.

    A pair that is too long loses tokens of its longer text first ("longest_first"), at `max_seq_length`, which may be set.
    Scores are those of sentence-transformers in float32.
    """

    @old_names(_OLD_INIT, positional=("num_labels", "max_length", "activation_fn", "device"))
    def __init__(
        self,
        model_name_or_path: str | Path,
        *,
        device: object = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | Path | None = None,
        trust_remote_code: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        backend: BackendName = "auto",
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: object = None,
        **kwargs: Any,
    ) -> None:
        """Load a model. `backend`: adjudge chooses, unless one is named; "torch", "onnx" and "openvino" are honoured or refused.

        `model_kwargs` knows torch_dtype, `processor_kwargs` model_max_length, `config_kwargs` num_labels; others are a ConfigError.
        `kwargs`: revision, token, local_files_only and adjudge's own options (precision, threads, ...); a warning names any other.
        """
        lengths = _nested("processor_kwargs", processor_kwargs, ("model_max_length",))
        labels = _nested("config_kwargs", config_kwargs, ("num_labels",))
        half, dtype = by_dtype(_dtype(model_kwargs), precision=kwargs.get("precision"))
        options = adjudge_options(
            "CrossEncoder",
            refuse("CrossEncoder", kwargs | dtype, _REFUSED),
            backend=backend,
            device="auto" if device is None else str(device),
            cache_dir=cache_folder,
            trust_remote_code=trust_remote_code,
        )
        super().__init__(model_name_or_path, options, half=half)
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._settle(num_labels if num_labels is not None else labels.get("num_labels"), prompts, default_prompt_name)
            self.max_seq_length = max_length if max_length is not None else lengths.get("model_max_length", self.reranker.max_length)
            self.activation_fn = self._default_activation if activation_fn is None else activation_fn
            on_failure.pop_all()

    def _settle(self, num_labels: int | None, prompts: Mapping[str, str] | None, default_prompt_name: str | None) -> None:
        """Lay what the caller gave over what the model's files say."""
        model = self.reranker.model
        settings = read_settings(model.folder)
        if num_labels not in (None, self.num_labels):
            raise ConfigError(f"{model.name} has {self.num_labels} labels, not num_labels={num_labels}; a new head would be random numbers")
        self.prompts: dict[str, str] = {**settings.prompts, **(prompts or {})}
        self.default_prompt_name = default_prompt_name if default_prompt_name is not None else settings.default_prompt_name
        if self.default_prompt_name is not None and self.default_prompt_name not in self.prompts:
            raise ConfigError(f"default_prompt_name={self.default_prompt_name!r} is none of the prompts {sorted(self.prompts)}")
        self._default_activation = default_activation(settings, model.config, labels=self.num_labels)

    @property
    def num_labels(self) -> int:
        """Columns of the model's answer."""
        return self.reranker.engine.labels

    @property
    def max_seq_length(self) -> int:
        """Tokens a pair, special tokens included."""
        return self._max_seq_length

    @max_seq_length.setter
    def max_seq_length(self, value: int) -> None:
        self._max_seq_length = whole_number("max_length", value, least=8)

    @property
    def max_length(self) -> int:
        """max_seq_length, by its older name."""
        return self.max_seq_length

    @max_length.setter
    def max_length(self, value: int) -> None:
        self.max_seq_length = value

    @old_names(_OLD_CALL, gone=("num_workers",))
    def predict(
        self,
        inputs: object,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: object = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: object = None,
        pool: object = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Scores of pairs: (pairs,) float32 for one label, (pairs, labels) for several; for one pair given alone, its row.

        A numpy array by default, one tensor with `convert_to_tensor`, a list of tensors without `convert_to_numpy`; both need torch.
        `batch_size`: at most so many pairs a forward. `prompt` is put before the query. Several devices or a pool: ConfigError.
        """
        self._check_call(device, pool, kwargs)
        pairs, single = accept(inputs)
        logits = self._prompted_logits(pairs, self._prompt(prompt_name, prompt), batch_size, show_progress_bar)
        scores: NDArray[Any] = self._activated(logits, activation_fn)
        if apply_softmax and scores.ndim > 1:
            scores = softmax(scores)
        scores = scores if len(scores) else np.empty(0)  # whatever the labels, and float64 in numpy: the original's own answer
        if convert_to_tensor or not convert_to_numpy:
            tensor = to_tensor(scores.astype(np.float32), device=self.reranker.traits.device)
            made: Any = tensor if convert_to_tensor else list(tensor)
        else:
            made = scores
        return made[0] if single else made

    @old_names(_OLD_CALL, gone=("num_workers", "apply_softmax", "convert_to_numpy", "convert_to_tensor"))
    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: object = None,
        device: object = None,
        pool: object = None,
        chunk_size: int | None = None,
    ) -> list[dict[str, Any]]:
        """[{"corpus_id", "score"[, "text"]}], best first; equal scores by their logits, equal logits in the documents' order."""
        self._check_call(device, pool, {})
        if self.num_labels != 1:
            raise ConfigError(f"rank() needs a model with one label, and this one has {self.num_labels}; use predict() on pairs")
        if isinstance(documents, str | bytes | Mapping) or not isinstance(documents, Iterable):
            raise InputError(f"documents must be a list of strings, not a single {type(documents).__name__}; put the strings into a list")
        texts = list(documents)
        pairs = accept_pairs([(query, text) for text in texts])
        logits = self._prompted_logits(pairs, self._prompt(prompt_name, prompt), batch_size, show_progress_bar)
        scores = self._activated(logits, activation_fn)
        best = sorted(range(len(texts)), key=lambda i: (-scores[i], -logits[i, 0]))[:top_k]
        ranked: list[dict[str, Any]] = [{"corpus_id": i, "score": float(scores[i])} for i in best]
        if return_documents:
            for entry in ranked:
                entry["text"] = texts[entry["corpus_id"]]
        return ranked

    def _prompted_logits(self, pairs: list[tuple[str, str]], prompt: str, batch_size: int, progress: bool | None) -> Floats:
        cut = CutLongest(max_length=self._usable(self.max_seq_length))
        return self._outputs([(prompt + q, d) for q, d in pairs], cut, batch_size=batch_size, progress=bool(progress))

    def _activated(self, logits: Floats, activation_fn: object) -> Floats:
        scores = activate(self.activation_fn if activation_fn is None else activation_fn, logits)
        return scores[:, 0] if self.num_labels == 1 and scores.ndim > 1 else scores

    def _prompt(self, prompt_name: str | None, prompt: str | None) -> str:
        if prompt is not None and prompt_name is not None:
            warn("prompt and prompt_name were both given; prompt counts")
        if prompt is None:
            name = self.default_prompt_name if prompt_name is None else prompt_name
            if name is not None and name not in self.prompts:
                raise ConfigError(f"there is no prompt {name!r}; this model has {sorted(self.prompts)}")
            prompt = "" if name is None else self.prompts[name]
        if not isinstance(prompt, str):
            raise ConfigError(f"a prompt must be a string, not {type(prompt).__name__}")
        return prompt

    def _check_call(self, device: object, pool: object, unknown: Mapping[str, object]) -> None:
        if pool is not None or isinstance(device, list):
            raise ConfigError(f"pool and lists of devices cannot be had here: {_POOL}")
        here = self.reranker.traits.device
        if device is not None and str(device) not in (here, here.partition(":")[0]):
            raise ConfigError(f"this CrossEncoder is on {here}; to score on {str(device)!r} create another with device={str(device)!r}")
        if unknown:
            raise ConfigError(f"predict() does not know {', '.join(sorted(unknown))}; for another length set max_seq_length on the object")


def _nested(name: str, given: Mapping[str, Any] | None, known: tuple[str, ...]) -> dict[str, Any]:
    """What stands in one of the original's dictionaries for transformers; a ConfigError names what has no meaning here."""
    unknown = sorted(set(given or {}) - set(known))
    if unknown:
        raise ConfigError(f"CrossEncoder({name}) knows {', '.join(known)} here, not {', '.join(unknown)}")
    return dict(given or {})


def _dtype(model_kwargs: Mapping[str, Any] | None) -> object:
    """torch_dtype, or dtype, its newer name."""
    given = _nested("model_kwargs", model_kwargs, ("torch_dtype", "dtype", "attn_implementation"))
    if given.get("attn_implementation") is not None:
        warn("attn_implementation has no effect: adjudge chooses its attention kernels itself")
    return given.get("dtype", given.get("torch_dtype"))

"""FlagEmbedding's FlagReranker, as of version 1.4."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..engine.cut import CutDocument
from ..engine.scores import sigmoid
from ..errors import ConfigError
from .compat_base import CompatModel, accept, adjudge_options, warn, whole_number
from .compat_templates import check_pair_template

__all__ = ["FlagAutoReranker", "FlagReranker"]

_ENCODER = "encoder-only-base"


class FlagReranker(CompatModel):
    """FlagEmbedding's cross-encoder: raw logits by default, passages cut at `max_length`, queries at three quarters of it.

    Scores are those of FlagEmbedding in float32. One pair gives a list of one, as there; no pairs give an empty list.
    """

    def __init__(
        self,
        model_name_or_path: str | Path,
        use_fp16: bool = False,
        query_instruction_for_rerank: str | None = None,
        query_instruction_format: str = "{}{}",
        passage_instruction_for_rerank: str | None = None,
        passage_instruction_format: str = "{}{}",
        trust_remote_code: bool = False,
        cache_dir: str | Path | None = None,
        devices: str | int | Sequence[str] | Sequence[int] | None = None,
        batch_size: int = 128,
        query_max_length: int | None = None,
        max_length: int = 512,
        normalize: bool = False,
        **kwargs: Any,
    ) -> None:
        """Load a model. `devices`: one device, "cpu", "cuda:0", 0 or a list of one; several are a ConfigError.

        `batch_size`: at most so many pairs a forward. `kwargs`: adjudge's own options (backend, precision, threads, ...);
        a warning names any other. Formats hold the instruction, then the text: two {}.
        """
        _check_format("query", query_instruction_format, query_instruction_for_rerank)
        _check_format("passage", passage_instruction_format, passage_instruction_for_rerank)
        options = adjudge_options(
            "FlagReranker", kwargs, device=_one_device(devices), trust_remote_code=trust_remote_code, cache_dir=cache_dir
        )
        super().__init__(model_name_or_path, options, half=use_fp16)
        self.model_name_or_path = model_name_or_path
        self.use_fp16 = use_fp16
        self.query_instruction_for_rerank = query_instruction_for_rerank
        self.query_instruction_format = query_instruction_format
        self.passage_instruction_for_rerank = passage_instruction_for_rerank
        self.passage_instruction_format = passage_instruction_format
        self.target_devices = [self.reranker.traits.device]
        self.batch_size = batch_size
        self.query_max_length = query_max_length
        self.max_length = max_length
        self.normalize = normalize

    def compute_score(
        self,
        sentence_pairs: Sequence[tuple[str, str]] | tuple[str, str] | list[list[str]] | list[str],
        batch_size: int | None = None,
        query_max_length: int | None = None,
        max_length: int | None = None,
        normalize: bool | None = None,
        **kwargs: Any,
    ) -> list[float]:
        """One score a pair, with the instructions of this object put before the texts. None: the object's own setting."""
        pairs, _ = accept(sentence_pairs)
        _check_format("query", self.query_instruction_format, self.query_instruction_for_rerank)  # which may have been set since
        _check_format("passage", self.passage_instruction_format, self.passage_instruction_for_rerank)
        pairs = [
            (
                _instructed(self.query_instruction_format, self.query_instruction_for_rerank, query),
                _instructed(self.passage_instruction_format, self.passage_instruction_for_rerank, passage),
            )
            for query, passage in pairs
        ]
        return self.compute_score_single_gpu(pairs, batch_size, query_max_length, max_length, normalize, **kwargs)

    def compute_score_single_gpu(
        self,
        sentence_pairs: Sequence[tuple[str, str]] | tuple[str, str] | list[list[str]] | list[str],
        batch_size: int | None = None,
        query_max_length: int | None = None,
        max_length: int | None = None,
        normalize: bool | None = None,
        device: str | None = None,
        **kwargs: Any,
    ) -> list[float]:
        """compute_score() without the instructions, as in the original."""
        if kwargs:
            warn(f"FlagReranker.compute_score does not know {', '.join(sorted(kwargs))}: no effect")
        if device is not None and device != self.target_devices[0]:
            raise ConfigError(f"this FlagReranker is on {self.target_devices[0]}; for {device!r} create another with devices={device!r}")
        pairs, _ = accept(sentence_pairs)
        length = self._usable(self.max_length if max_length is None else max_length)
        longest_query = self.query_max_length if query_max_length is None else query_max_length
        cut = CutDocument(
            max_length=length,
            max_query=length * 3 // 4 if longest_query is None else whole_number("query_max_length", longest_query),
        )
        logits = self._logits(pairs, cut, batch_size=self.batch_size if batch_size is None else batch_size, progress=False)
        wanted = self.normalize if normalize is None else normalize
        return [float(score) for score in (sigmoid(logits) if wanted else logits)]

    def stop_self_pool(self) -> None:
        """close(): there is no pool of processes here."""
        self.close()


class FlagAutoReranker:
    """FlagEmbedding's way to choose a class by name. Here every sequence classifier, of whatever name, is a FlagReranker."""

    def __init__(self) -> None:
        """Not to be called: ConfigError."""
        raise ConfigError("FlagAutoReranker has no instances; call FlagAutoReranker.from_finetuned(model_name_or_path)")

    @classmethod
    def from_finetuned(
        cls,
        model_name_or_path: str | Path,
        model_class: str | None = None,
        use_fp16: bool = False,
        trust_remote_code: bool | None = None,
        **kwargs: Any,
    ) -> FlagReranker:
        """Load a model. `model_class`: None or "encoder-only-base"; the decoder-only classes are a ConfigError."""
        wanted = getattr(model_class, "value", model_class)  # the original takes its enum too
        if wanted not in (None, _ENCODER):
            raise ConfigError(f"model_class={wanted!r} cannot be had here; adjudge runs {_ENCODER!r} (sequence classifiers) in this shape")
        trusted = False if trust_remote_code is None else trust_remote_code
        return FlagReranker(model_name_or_path, use_fp16=use_fp16, trust_remote_code=trusted, **kwargs)


def _one_device(devices: object) -> str:
    if devices is None:
        return "auto"
    if isinstance(devices, str):
        return devices
    if isinstance(devices, int) and not isinstance(devices, bool):
        return f"cuda:{devices}"
    if isinstance(devices, Sequence) and len(devices) == 1:
        return _one_device(devices[0])
    raise ConfigError(
        f"devices={devices!r}: a model here runs on one device. Give one, and for several GPUs start one process or one object for each"
    )


def _check_format(side: str, template: str, instruction: str | None) -> None:
    if instruction is not None:
        check_pair_template(f"{side}_instruction_format", template)


def _instructed(template: str, instruction: str | None, text: str) -> str:
    if instruction is None:
        return text
    return template.replace("\\n", "\n").format(instruction, text)

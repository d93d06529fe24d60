"""open-retrievals' AutoModelForRanking, as of version 0.0.14."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any, Literal, Self, TypedDict, overload

import numpy as np

from ..backends.base import Floats
from ..config import WindowConfig
from ..engine.cut import CutDocument
from ..engine.documents import accept_pairs
from ..engine.order import order
from ..engine.scores import sigmoid
from ..errors import ConfigError, InputError
from .compat_base import CompatModel, Truncated, accept, adjudge_options, bar, refuse, warn, whole_number
from .compat_dtype import by_dtype
from .compat_templates import check_text_template

__all__ = ["AutoModelForRanking", "RerankResult"]

_TRAINING = "it belongs to training; this shape only scores"
_MERGE = "merge the adapter into the weights first (peft: merge_and_unload(), then save_pretrained) and load the result"
_ENCODERS = "this shape runs sequence classifiers, whose own head gives the score"

_REFUSED: dict[str, tuple[Any, str]] = {
    "pooling_method": (None, _ENCODERS),
    "loss_fn": (None, _TRAINING),
    "loss_type": ("classification", _TRAINING),
    "causal_lm": (False, _ENCODERS),
    "generative_llm_reranking": (False, _ENCODERS),
    "use_lora": (False, _TRAINING),
    "use_qlora": (False, _TRAINING),
    "lora_config": (None, _TRAINING),
    "lora_path": (None, _MERGE),
    "quantization_config": (None, "say precision='int8' or 'bf16'"),
    "task_prompt": (None, "the original uses it for language models only; put the text into query_instruction"),
}


class RerankResult(TypedDict):
    """What rerank() gives: three lists in the same order, best first."""

    rerank_document: list[str]
    rerank_scores: list[float]
    rerank_ids: list[int]


class AutoModelForRanking(CompatModel):
    """open-retrievals' cross-encoder: raw logits by default, pairs cut at 256 tokens. Made by from_pretrained()."""

    query_instruction: str = "{}"
    document_instruction: str = "{}"
    temperature: float | None = None

    @classmethod
    def from_pretrained(
        cls,
        model_name_or_path: str | Path,
        *,
        num_labels: int = 1,
        trust_remote_code: bool = False,
        use_fp16: bool = False,
        query_instruction: str | None = None,
        document_instruction: str | None = None,
        device: object = None,
        temperature: float | None = None,
        **kwargs: Any,
    ) -> Self:
        """Load a model. The instructions are templates with one {} for the text, or empty; `temperature`, above 0, divides the logits.

        Options for training, adapters and language models are a ConfigError that says what to do. `kwargs`: adjudge's own options
        (backend, precision, threads, ...), cache_dir and torch_dtype; a warning names any other. trust_remote_code is False here.
        """
        query_instruction, document_instruction = _template(query_instruction), _template(document_instruction)
        _check_settings(query_instruction, document_instruction, temperature)
        rest = refuse(cls.__name__, kwargs, _REFUSED)
        half, dtype = by_dtype(rest.pop("torch_dtype", rest.pop("dtype", None)), precision=rest.get("precision"))
        options = adjudge_options(
            cls.__name__,
            {name: value for name, value in rest.items() if name != "cache_dir"} | dtype,
            device="auto" if device is None else str(device),
            trust_remote_code=trust_remote_code,
            cache_dir=rest.get("cache_dir"),
        )
        ranker = cls(model_name_or_path, options, half=use_fp16 or half)
        labels = ranker.reranker.traits.outputs
        if num_labels not in (1, labels):
            ranker.close()
            raise ConfigError(f"{model_name_or_path} has {labels} labels, not num_labels={num_labels}; a new head would be random numbers")
        ranker.query_instruction, ranker.document_instruction = query_instruction, document_instruction
        ranker.temperature = temperature
        return ranker

    @overload
    def compute_score(self, sentence_pairs: tuple[str, str], *args: Any, **kwargs: Any) -> float: ...
    @overload
    def compute_score(self, sentence_pairs: Sequence[Sequence[str]], *args: Any, **kwargs: Any) -> list[float] | float: ...
    def compute_score(
        self,
        sentence_pairs: object,
        batch_size: int = 16,
        max_length: int = 256,
        normalize: bool = False,
        show_progress_bar: bool | None = None,
        **kwargs: Any,
    ) -> list[float] | float:
        """A list of scores, but a float for one pair, however it was given: so the original has it. No pairs: an empty list."""
        _note_unknown("compute_score", kwargs)
        pairs, _ = accept(sentence_pairs)
        logits = self._pair_logits(pairs, batch_size, max_length, show_progress_bar)
        scores = _scores(logits, normalize=normalize)
        return scores[0] if len(scores) == 1 else scores

    @overload
    def rerank(self, query: str, documents: Sequence[str], *, return_dict: Literal[False], **options: Any) -> list[str]: ...
    @overload
    def rerank(self, query: str, documents: Sequence[str], *args: Any, **options: Any) -> RerankResult: ...
    def rerank(
        self,
        query: str,
        documents: Sequence[str],
        batch_size: int = 16,
        show_progress_bar: bool | None = None,
        return_dict: bool = True,
        normalize: bool = False,
        data_collator: None = None,
        long_documents_split: bool = False,
        chunk_max_length: int = 256,
        chunk_overlap: int = 48,
        max_chunks_per_doc: int = 100,
        *,
        max_length: int = 256,
        **kwargs: Any,
    ) -> RerankResult | list[str]:
        """The documents, best first, equals in their order. Also for one document, and for none, with the same three keys.

        `long_documents_split`: judge a document in windows of `chunk_max_length` tokens a pair, `chunk_overlap` of them shared, at
        most `max_chunks_per_doc`, and take the best; otherwise pairs are cut at `max_length`. Both are reported in `truncated`.
        """
        _note_unknown("rerank", refuse("rerank", {"data_collator": data_collator, **kwargs}, {"data_collator": (None, _TRAINING)}))
        pairs = _pairs(query, documents)
        if not long_documents_split:
            logits = self._pair_logits(pairs, batch_size, max_length, show_progress_bar)
        else:
            windows = WindowConfig(overlap_tokens=chunk_overlap, aggregation="max", max_windows=max_chunks_per_doc)
            logits = self._window_logits(pairs, windows, chunk_max_length, batch_size, show_progress_bar)
        best = order(logits)
        ranked = [pairs[i][1] for i in best]
        if not return_dict:
            return ranked
        return RerankResult(rerank_document=ranked, rerank_scores=_scores(logits[best], normalize=normalize), rerank_ids=best)

    def _pair_logits(self, pairs: list[tuple[str, str]], batch_size: int, max_length: int, progress: bool | None) -> Floats:
        length = self._usable(max_length)
        cut = CutDocument(max_length=length, max_query=length)
        return self._cooled(self._logits(self._instructed(pairs), cut, batch_size=batch_size, progress=bool(progress)))

    def _window_logits(
        self, pairs: list[tuple[str, str]], windows: WindowConfig, chunk_max_length: int, batch_size: int, progress: bool | None
    ) -> Floats:
        length = self._usable(whole_number("chunk_max_length", chunk_max_length))
        rows = whole_number("batch_size", batch_size)
        instructed = self._instructed(pairs)
        engine = self.reranker.engine
        with bar(len(pairs), show=bool(progress)) as advance:
            judged = engine.judge(instructed, windows=windows, max_length=length, max_rows=rows, progress=advance)
        unseen = [(v.query_tokens_unseen, v.tokens_unseen) for v in judged.verdicts]
        cut = Truncated(
            pairs=sum(q + d > 0 for q, d in unseen), query_tokens=sum(q for q, _ in unseen), passage_tokens=sum(d for _, d in unseen)
        )
        self._add_truncated(cut, length=length)
        return self._cooled(np.array([v.logit for v in judged.verdicts], np.float32))

    def _instructed(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        _check_settings(self.query_instruction, self.document_instruction, self.temperature)  # which may have been set since
        return [(self.query_instruction.format(query), self.document_instruction.format(text)) for query, text in pairs]

    def _cooled(self, logits: Floats) -> Floats:
        return logits if self.temperature is None else (logits / np.float32(self.temperature)).astype(np.float32)


def _template(instruction: str | None) -> str:
    return "{}" if instruction is None or instruction == "" else instruction


def _check_settings(query_instruction: str, document_instruction: str, temperature: float | None) -> None:
    check_text_template("query_instruction", query_instruction)
    check_text_template("document_instruction", document_instruction)
    if temperature is None:
        return
    is_number = isinstance(temperature, int | float | np.number) and not isinstance(temperature, bool)
    if not is_number or not 0 < temperature < inf:
        raise ConfigError(f"temperature must be a finite number above 0, or None, not {temperature!r}")


def _pairs(query: object, documents: object) -> list[tuple[str, str]]:
    """No pairs for no query, as in the original."""
    if isinstance(documents, str | bytes) or not isinstance(documents, Sequence):
        raise InputError(f"documents must be a list of strings, not a single {type(documents).__name__}; put it into a list")
    if query is None or query == "":
        return []
    return accept_pairs([(query, text) for text in documents])


def _scores(logits: Floats, *, normalize: bool) -> list[float]:
    return [float(score) for score in (sigmoid(logits) if normalize else logits)]


def _note_unknown(method: str, kwargs: dict[str, Any]) -> None:
    if kwargs:
        warn(f"AutoModelForRanking.{method} does not know {', '.join(sorted(kwargs))}: no effect")

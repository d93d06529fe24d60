"""What the shapes of other libraries share: a Reranker underneath, pairs cut by their rules and counted, options checked by name."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from ..backends.base import Floats
from ..backends.capabilities import cpu_has_bfloat16
from ..config import Options, Precision
from ..engine.cut import Cut
from ..engine.documents import accept_pairs
from ..engine.engine import Outputs, Progress
from ..engine.scores import relevance
from ..errors import BackendUnavailableError, ConfigError
from ..progress import show_progress
from ..reranker import Reranker

__all__ = ["CompatModel", "CompatWarning", "Truncated", "accept", "adjudge_options", "bar", "refuse", "warn", "whole_number"]

_EXTRA = frozenset(
    {"backend", "precision", "threads", "max_batch_tokens", "max_batch_pairs", "revision", "token", "local_files_only", "progress"}
)
"""Options of Reranker() that the shapes take as further keywords, under adjudge's own names."""


class CompatWarning(UserWarning):
    """Something that the original would pass over in silence: an argument without effect, a pair that was cut, another precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated:
    """What has been cut since the model was loaded."""

    pairs: int = 0
    query_tokens: int = 0
    passage_tokens: int = 0


class CompatModel:
    """A Reranker behind another library's face. Safe to share between threads; a context manager, or close() it."""

    def __init__(self, model: str | Path, options: Options, *, half: bool = False) -> None:
        """Load. `half`: what the original calls fp16; see docs/compat.md for what that means on a CPU."""
        shape = type(self).__name__
        if not isinstance(model, str | Path):
            raise ConfigError(f"{shape} needs the name or the folder of a model, not {type(model).__name__}")
        self._reranker = _load_half(shape, model, options) if half else _load(model, options, "f32")
        self._truncated = Truncated()
        self._lock = threading.Lock()

    @property
    def reranker(self) -> Reranker:
        """The same model as adjudge's own Reranker: rank() with windows, thresholds and spans."""
        return self._reranker

    @property
    def truncated(self) -> Truncated:
        """How many pairs and tokens have been cut since loading; a CompatWarning is given with the first."""
        return self._truncated

    def close(self) -> None:
        """Free the model; later calls raise ClosedError. Safe to call twice."""
        self._reranker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _outputs(self, pairs: list[tuple[str, str]], cut: Cut, *, batch_size: int, progress: bool) -> Floats:
        """(pairs, labels) float32 logits. `batch_size`: at most so many pairs a forward; fewer where the pairs are long."""
        rows = whole_number("batch_size", batch_size)
        with bar(len(pairs), show=progress) as advance:
            outputs = self._reranker.engine.outputs(pairs, cut, max_rows=rows, progress=advance)
        self._count(outputs, cut)
        return outputs.logits

    def _logits(self, pairs: list[tuple[str, str]], cut: Cut, *, batch_size: int, progress: bool) -> Floats:
        """(pairs,) float32 logits of "relevant"."""
        model = self._reranker.model
        return relevance(self._outputs(pairs, cut, batch_size=batch_size, progress=progress), model.spec.head, model.config)

    def _usable(self, max_length: int) -> int:
        """`max_length`, or what the model has where that is less: then a cut is reported with both."""
        return min(whole_number("max_length", max_length, least=8), self._reranker.max_length)

    def _count(self, outputs: Outputs, cut: Cut) -> None:
        short = (outputs.query_tokens_unseen > 0) | (outputs.document_tokens_unseen > 0)
        self._add_truncated(
            Truncated(
                pairs=int(short.sum()),
                query_tokens=int(outputs.query_tokens_unseen.sum()),
                passage_tokens=int(outputs.document_tokens_unseen.sum()),
            ),
            length=cut.max_length,
        )

    def _add_truncated(self, new: Truncated, *, length: int) -> None:
        if not new.pairs:
            return
        with self._lock:
            old = self._truncated
            self._truncated = Truncated(
                pairs=old.pairs + new.pairs,
                query_tokens=old.query_tokens + new.query_tokens,
                passage_tokens=old.passage_tokens + new.passage_tokens,
            )
        if old.pairs:
            return
        whole = self._reranker.max_length
        advice = "raise max_length" if length < whole else "this is all the model has"
        warn(
            f"cut at {length} tokens: {new.pairs} of the pairs, by {new.query_tokens} tokens of queries and {new.passage_tokens} of "
            f"passages ({advice}; adjudge.Reranker reads long passages in windows). Said once; {type(self).__name__}.truncated counts on"
        )


def accept(inputs: object) -> tuple[list[tuple[str, str]], bool]:
    """Checked pairs, and whether `inputs` was a single one: a tuple or list of two strings. Raises InputError for anything else."""
    if hasattr(inputs, "tolist"):  # a numpy array of strings
        inputs = inputs.tolist()
    if isinstance(inputs, str | bytes | Mapping) or not isinstance(inputs, Iterable):
        return accept_pairs(inputs), False
    listed = list(inputs)
    single = bool(listed) and isinstance(listed[0], str)
    return accept_pairs([tuple(listed)] if single else listed), single


def adjudge_options(shape: str, given: Mapping[str, Any], **known: Any) -> Options:
    """`known` options of Reranker(), and of `given` those it knows too; a warning names the others, which have no effect."""
    unknown = sorted(set(given) - _EXTRA)
    if unknown:
        warn(f"{shape} does not know {', '.join(unknown)}: no effect. Further keywords may be {', '.join(sorted(_EXTRA))}")
    return cast(Options, known | {name: value for name, value in given.items() if name in _EXTRA})


def refuse(shape: str, given: Mapping[str, Any], reasons: Mapping[str, tuple[Any, str]]) -> dict[str, Any]:
    """`given` without the names in `reasons`, {name: (its default, what to do instead)}.

    Raises ConfigError where one is neither its default nor None.
    """
    for name, (default, advice) in reasons.items():
        value = given.get(name, default)
        if value is not None and value != default:
            raise ConfigError(f"{shape}({name}={value!r}) cannot be had here: {advice}")
    return {name: value for name, value in given.items() if name not in reasons}


def bar(total: int, *, show: bool) -> AbstractContextManager[Progress | None]:
    """A progress bar where one is wanted; None in its place otherwise."""
    return show_progress(total) if show else nullcontext()


def whole_number(name: str, value: object, *, least: int = 1) -> int:
    """`value`, if it is a whole number of `least` or more; else ConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of {least} or more, not {value!r}")
    return value


def warn(message: str, category: type[Warning] = CompatWarning) -> None:
    """Warn at the line outside adjudge that led here, so that it is shown, and filtered, as the caller's own."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("adjudge."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _load_half(shape: str, model: str | Path, options: Options) -> Reranker:
    """float16 on a GPU; on a CPU, where it would be slow, bfloat16 if the CPU has it, else float32, with a warning that says so."""
    if "precision" in options:
        raise ConfigError(f"{shape} was asked for fp16 and for precision={options['precision']!r}; give one of them")
    if options.get("device") != "cpu":
        with suppress(BackendUnavailableError):  # no GPU, or not the one that was named; then the next attempt says so
            return _load(model, options, "f16")
    precision: Precision = "bf16" if cpu_has_bfloat16() else "f32"
    reranker = _load(model, options, precision)
    warn(f"{shape}: float16 is slow on CPUs, so fp16 means {precision} here. Say precision='f32', 'bf16' or 'int8' to choose yourself")
    return reranker


def _load(model: str | Path, options: Options, precision: Precision) -> Reranker:
    """Load with the caller's precision, or else with `precision`."""
    given: Options = {"precision": precision}
    given.update(options)
    return Reranker(model, **given)

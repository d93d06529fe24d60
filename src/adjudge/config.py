"""Settings, grouped and checked when they are built."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, get_args

from .errors import ConfigError

__all__ = [
    "Aggregation",
    "BackendConfig",
    "BackendName",
    "BatchConfig",
    "CascadeConfig",
    "EngineConfig",
    "Options",
    "Precision",
    "SourceConfig",
    "WindowConfig",
]

BackendName: TypeAlias = Literal["auto", "openvino", "torch", "onnx", "fake"]
Precision: TypeAlias = Literal["auto", "f32", "bf16", "f16", "int8"]
Aggregation: TypeAlias = Literal["max", "mean", "first", "top_k_mean", "importance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Where a model comes from."""

    revision: str | None = None  # branch, tag or commit of a hub repository
    token: str | None = None  # hub token; None: the one huggingface-hub knows
    cache_dir: Path | None = None  # None: the hub's usual cache
    local_files_only: bool = False
    trust_remote_code: bool = False
    progress: bool = False  # show download bars
    calibration: Path | None = None  # calibration.json, or the folder that holds it; None: what lies beside the model

    def __post_init__(self) -> None:
        for name in ("revision", "token"):
            _kind(name, getattr(self, name), str, type(None))
        _kind("cache_dir", self.cache_dir, Path, type(None))
        _kind("calibration", self.calibration, Path, type(None))
        for name in ("local_files_only", "trust_remote_code", "progress"):
            _kind(name, getattr(self, name), bool)  # bool("false") is True, and trust is not given by accident


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendConfig:
    """What runs the model. "auto" lets adjudge choose and say why; anything else is honoured or refused."""

    backend: BackendName = "auto"
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    precision: Precision = "auto"
    threads: int | None = None  # CPU threads in all; None: one per core this process may use

    def __post_init__(self) -> None:
        _choice("backend", self.backend, get_args(BackendName))
        _kind("device", self.device, str)
        _choice("precision", self.precision, get_args(Precision))
        _whole("threads", self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowConfig:
    """How a document longer than the model's room is judged."""

    mode: Literal["windows", "truncate"] = "windows"
    overlap_tokens: int | None = None  # None: 32, or a quarter of the window where that is less
    aggregation: Aggregation = "max"
    top_k: int = 3  # for top_k_mean
    temperature: float = 1.0  # for importance: T of softmax(intent / T); small trusts the window that meets the query most, large all alike
    max_windows: int | None = None  # per document; what lies behind is reported as unseen

    def __post_init__(self) -> None:
        _choice("mode", self.mode, ("windows", "truncate"))
        _choice("aggregation", self.aggregation, get_args(Aggregation))
        _whole("top_k", self.top_k)
        _whole("max_windows", self.max_windows)
        _whole("overlap_tokens", self.overlap_tokens, least=0)
        _positive("temperature", self.temperature)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    """How pairs are put together."""

    max_batch_tokens: int | None = None  # padded tokens a forward pass; None: what the backend advises (Traits.batch_tokens)
    max_batch_pairs: int | None = None  # an upper limit on rows as well; None: none
    share_batches: bool = False  # calls that run at the same time share batches, fairly; for servers with many small requests

    def __post_init__(self) -> None:
        _whole("max_batch_tokens", self.max_batch_tokens)
        _whole("max_batch_pairs", self.max_batch_pairs)
        _kind("share_batches", self.share_batches, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeConfig:
    """A cheap model that judges every document first, so that the strong one reads only the best of them."""

    first: str | Path  # "embedded", a hub id or a folder, as for the strong one
    keep: int | None = None  # documents a query that the strong one reads at most; None: 20, or with a budget all it affords
    budget_ms: float | None = None  # milliseconds for a call of rank() or rank_many(); None: no limit

    def __post_init__(self) -> None:
        _kind("first", self.first, str, Path)
        _whole("keep", self.keep)
        if self.budget_ms is not None:
            _positive("budget_ms", self.budget_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """All settings of a Reranker."""

    max_length: int | None = None  # tokens a pair, query and specials included; None: all the model has
    source: SourceConfig = field(default_factory=SourceConfig)
    backend: BackendConfig = field(default_factory=BackendConfig)
    windows: WindowConfig = field(default_factory=WindowConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    cascade: CascadeConfig | None = None  # None: one model does all

    def __post_init__(self) -> None:
        _whole("max_length", self.max_length, least=8)  # query, document and special tokens
        _kind("cascade", self.cascade, CascadeConfig, type(None))
        for name, kind in (("source", SourceConfig), ("backend", BackendConfig), ("windows", WindowConfig), ("batches", BatchConfig)):
            _kind(name, getattr(self, name), kind)


class Options(TypedDict, total=False):
    """Keyword arguments of Reranker(), flat, as people write them. Each lands in one of the configs above."""

    backend: BackendName
    device: str
    precision: Precision
    threads: int | None
    max_length: int | None
    max_batch_tokens: int | None
    max_batch_pairs: int | None
    share_batches: bool
    windows: WindowConfig
    revision: str | None
    token: str | None
    cache_dir: str | Path | None
    local_files_only: bool
    trust_remote_code: bool
    progress: bool
    calibration: str | Path | None
    cache: object  # True, a number of entries, a file's path, an engine.cache.ScoreCache, or None
    first: str | Path | None
    keep: int | None
    budget_ms: float | None


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _whole(name: str, value: object, *, least: int = 1) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of {least} or more, or None, not {value!r}")


def _positive(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:  # NaN fails the comparison
        raise ConfigError(f"{name} must be a finite number above 0, not {value!r}")


def _kind(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise ConfigError(f"{name} must be {wanted}, not {value!r}")

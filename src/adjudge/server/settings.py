"""What a server is told when it starts, checked before anything is loaded."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..config import Options
from ..errors import ConfigError
from .auth import Keys

__all__ = ["Limits", "LogSettings", "ModelSource", "Settings", "parse_baseline", "parse_baselines", "parse_model"]

_NAME = re.compile(r"[\w.:/@+ -]{1,200}")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s,]+")

_OF_ONE_MODEL = ("revision", "calibration")
"""Options that mean something for one model only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A model and the name that requests call it by."""

    name: str
    source: str  # "embedded", a hub id, or a folder

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"a model's name is 1 to 200 letters, digits, spaces or . _ : / @ + -, not {self.name!r}")
        if not self.source.strip():
            raise ConfigError(f"the model {self.name!r} has no source; write NAME=PATH, NAME=HUB/ID or NAME=embedded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes on."""

    body_bytes: int = 16 * 2**20  # of a request
    documents: int = 10_000  # of a request
    pairs: int = 20_000  # of all requests together that are accepted and not yet answered; more are told to come back
    timeout_s: float = 60.0  # from the body's last byte to the answer; as long may the body itself take
    body_idle_s: float = 10.0  # a body of which nothing comes for so long is given up
    threads: int = 64  # requests that are worked on side by side; their pairs share batches

    def __post_init__(self) -> None:
        for name in ("body_bytes", "documents", "pairs", "threads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")
        for name in ("timeout_s", "body_idle_s"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ConfigError(f"{name} must be a finite number of seconds above 0, not {value!r}")

    @property
    def documents_of_one(self) -> int:
        """Documents that one request may bring: more than the queue holds could never be accepted."""
        return min(self.documents, self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is written down of requests. Neither holds a key."""

    access: bool = False  # a line for each request: path, status, milliseconds, counts; no text
    texts: bool = False  # the texts of each request as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that create_app() and run() want to know."""

    models: tuple[ModelSource, ...] = (ModelSource(name="embedded", source="embedded"),)  # the first one is the default
    options: Options = field(default_factory=Options)  # of Reranker(), for every model
    limits: Limits = field(default_factory=Limits)
    host: str = "127.0.0.1"
    port: int = 8000  # 0: any that is free
    keys: Keys = field(default_factory=Keys)  # none: everybody may ask
    cors_origins: tuple[str, ...] = ()  # pages of these origins may ask from a browser; "*": of any
    cpu_fallback: bool = False  # a model whose GPU is lost or full goes on on the CPU
    log: LogSettings = field(default_factory=LogSettings)
    baselines: Mapping[str, Path] = field(default_factory=dict)  # {name: what `adjudge monitor baseline` wrote}: drift is told against it
    tracing: bool = False  # OpenTelemetry spans, sent where the OTEL_* variables say

    def __post_init__(self) -> None:
        if not self.models:
            raise ConfigError("a server needs at least one model")
        twice = [name for name, count in Counter(model.name for model in self.models).items() if count > 1]
        if twice:
            raise ConfigError(f"two models are called {twice[0]!r}; give one another name: --model NAME=PATH")
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 0 <= self.port <= 65535:
            raise ConfigError(f"port must be a whole number from 0 to 65535, not {self.port!r}")
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(f"an origin is https://HOST or https://HOST:PORT, with no path behind it, or *, not {origin!r}")
        unknown = sorted(set(self.baselines) - {model.name for model in self.models})
        if unknown:
            raise ConfigError(f"there is a baseline for {unknown[0]!r}, and no model of that name; write NAME=FILE")
        for names in self.sources.values():
            compared = [name for name in names if name in self.baselines]
            if len(compared) > 1:
                named = " and ".join(map(repr, compared))
                raise ConfigError(f"{named} are one model, which is compared with one reference; give a baseline to one of its names")
        given = [name for name in _OF_ONE_MODEL if self.options.get(name) is not None]
        if given and len(self.sources) > 1:
            raise ConfigError(f"{given[0]} belongs to one model, and there are {len(self.sources)}; serve that model alone")

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """{source: the names it is called by}, in the order given: two names of one model share it."""
        found: dict[str, tuple[str, ...]] = {}
        for model in self.models:
            found[model.source] = (*found.get(model.source, ()), model.name)
        return found


def parse_baseline(text: str, default: str) -> tuple[str, Path]:
    """(name of the model, file) of NAME=FILE, or of FILE alone for the model that is the `default`."""
    name, equals, file = (part.strip() for part in text.partition("="))
    return (name, Path(file)) if equals and not Path(text).exists() else (default, Path(text.strip()))


def parse_baselines(texts: Iterable[str], default: str) -> dict[str, Path]:
    """{name of the model: file} of what parse_baseline() reads. Raises ConfigError for two of one name."""
    found: dict[str, Path] = {}
    for name, file in (parse_baseline(text, default) for text in texts):
        if name in found:
            raise ConfigError(f"there are two baselines for {name!r}, {found[name]} and {file}; a model is compared with one reference")
        found[name] = file
    return found


def parse_model(text: str) -> ModelSource:
    """NAME=PATH, NAME=HUB/ID, or either without a name: a folder is then called by its own, anything else as it is written."""
    name, equals, source = (part.strip() for part in text.partition("="))
    if equals and not Path(text).exists():
        return ModelSource(name=name, source=source)
    return ModelSource(name=Path(text).resolve().name if Path(text).is_dir() else text.strip(), source=text)

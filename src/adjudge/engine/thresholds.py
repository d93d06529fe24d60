"""Which of the judged documents are good enough. A threshold looks at all scores of a query and says where it cuts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..errors import ConfigError

__all__ = ["Absolute", "Dynamic", "Relative", "Threshold", "parse_threshold"]


@runtime_checkable
class Threshold(Protocol):
    """Anything that can say where to cut."""

    @property
    def needs_probabilities(self) -> bool:
        """Whether raw logits (normalize=False) make no sense for it."""
        ...

    def cut(self, scores: Sequence[float]) -> float:
        """The lowest score that is kept, given all scores of one query, best first; at least one."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Absolute:
    """Keep scores of at least `value`."""

    value: float
    needs_probabilities = False

    def __post_init__(self) -> None:
        _finite("Absolute", self.value)

    def cut(self, scores: Sequence[float]) -> float:
        """The value itself."""
        return self.value

    def __str__(self) -> str:
        return f"absolute:{self.value}"


@dataclass(frozen=True, slots=True)
class Relative:
    """Keep scores of at least `share` times the best one."""

    share: float
    needs_probabilities = True

    def __post_init__(self) -> None:
        _finite("Relative", self.share)
        if not 0 <= self.share <= 1:
            raise ConfigError(f"Relative(share) must be between 0 and 1, not {self.share}")

    def cut(self, scores: Sequence[float]) -> float:
        """share x best."""
        return self.share * scores[0]

    def __str__(self) -> str:
        return f"relative:{self.share}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamic:
    """Cut lower where scores lie close together: sigma is the standard deviation of the ten best scores.

    sigma <= `narrow` cuts at `low`, sigma >= `wide` at `high`, between them linearly.
    """

    narrow: float = 0.05
    wide: float = 0.15
    low: float = 0.40
    high: float = 0.65
    needs_probabilities = True

    def __post_init__(self) -> None:
        for value in (self.narrow, self.wide, self.low, self.high):
            _finite("Dynamic", value)
        if not (0 <= self.narrow < self.wide and 0 <= self.low <= self.high <= 1):
            raise ConfigError(f"Dynamic needs 0 <= narrow < wide and 0 <= low <= high <= 1, not {self}")

    def cut(self, scores: Sequence[float]) -> float:
        """Between low and high, by the spread of the top ten."""
        sigma = float(np.std(np.asarray(scores[:10], np.float64)))
        share = min(max((sigma - self.narrow) / (self.wide - self.narrow), 0.0), 1.0)
        return self.low + share * (self.high - self.low)

    def __str__(self) -> str:
        return "dynamic"


def parse_threshold(value: float | str | Threshold | None) -> Threshold | None:
    """A number, "0.3", "absolute:0.3", "relative:0.3", "dynamic", a Threshold, or None for none."""
    if value is None or (isinstance(value, Threshold) and not isinstance(value, type)):  # the class itself has the same names
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ConfigError(f"threshold must be a number, a string or a Threshold, not {type(value).__name__}")
    if not isinstance(value, str):
        return Absolute(float(value))
    kind, _, number = value.strip().partition(":")
    if kind == "dynamic" and not number:
        return Dynamic()
    if kind in ("absolute", "relative"):
        return Absolute(_number(value, number)) if kind == "absolute" else Relative(_number(value, number))
    return Absolute(_number(value, value))


def _number(whole: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f'threshold {whole!r} is not known; use a number, "absolute:0.3", "relative:0.3" or "dynamic"') from None


def _finite(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigError(f"{name} needs a finite number, not {value!r}")

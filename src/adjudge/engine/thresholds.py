"""Which of the judged documents are good enough. A threshold looks at all scores of a query and says where it cuts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import ConfigError
from ..models.calibration import Calibration
from .cutoffs import MeasuredCut, Precision, Recall

__all__ = [
    "SPELLINGS",
    "Absolute",
    "Bindable",
    "Dynamic",
    "Gap",
    "MeasuredCut",
    "Precision",
    "Recall",
    "Relative",
    "Threshold",
    "bind_threshold",
    "check_scale",
    "parse_threshold",
]

SPELLINGS = ("0.3", "relative:0.5", "dynamic", "gap", "precision:0.9", "recall:0.9")
"""One of each, for messages and help texts."""


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


@runtime_checkable
class Bindable(Protocol):
    """A threshold that must know the model's calibration before it can cut."""

    def bind(self, calibration: Calibration) -> Threshold:
        """The same rule for this model. Raises ConfigError where the calibration cannot serve it."""
        ...


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


def check_scale(threshold: Threshold | None, *, normalize: bool) -> None:
    """Raise ConfigError where the rule does not fit the scores: raw logits, or probabilities, which a cut outside 0..1 does not part."""
    if threshold is None:
        return
    if threshold.needs_probabilities and not normalize:
        raise ConfigError(f"the threshold {threshold} needs probabilities; leave normalize=True, or use an absolute logit")
    if normalize and isinstance(threshold, Absolute) and not 0 <= threshold.value <= 1:
        side = "above" if threshold.value > 1 else "below"
        what = f"the threshold {threshold} lies {side} every score, for scores lie in 0..1"
        raise ConfigError(f"{what}; give a probability, or normalize=False to cut by raw logits")


@dataclass(frozen=True, slots=True)
class Relative:
    """Keep scores of at least `share` times the best one."""

    share: float
    needs_probabilities = True

    def __post_init__(self) -> None:
        _unit("Relative(share)", self.share)

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
            values = f"narrow={self.narrow}, wide={self.wide}, low={self.low}, high={self.high}"
            raise ConfigError(f"Dynamic needs 0 <= narrow < wide and 0 <= low <= high <= 1, not {values}")

    def cut(self, scores: Sequence[float]) -> float:
        """Between low and high, by the spread of the top ten."""
        sigma = float(np.std(np.asarray(scores[:10], np.float64)))
        share = min(max((sigma - self.narrow) / (self.wide - self.narrow), 0.0), 1.0)
        return self.low + share * (self.high - self.low)

    def __str__(self) -> str:
        changed = [f"{f.name}={getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default]
        return f"dynamic:{','.join(changed)}" if changed else "dynamic"


@dataclass(frozen=True, slots=True)
class Gap:
    """Keep what lies above the widest empty stretch of the scale from 0 to 1, both ends counted as neighbours of the scores.

    So it can also keep all (the widest stretch lies below the last score) or none (above the first), and a single document is kept
    from 0.5 on. Of two equally wide stretches the lower one counts. Where no stretch is as wide as `least`, the scores are spread
    so evenly that no gap can be told, and the cut is at 0.5.
    """

    least: float = 0.1
    needs_probabilities = True

    def __post_init__(self) -> None:
        _unit("Gap(least)", self.least)

    def cut(self, scores: Sequence[float]) -> float:
        """The upper edge of the widest stretch."""
        edges = np.array([1.0, *scores, 0.0], np.float64)
        drops = edges[:-1] - edges[1:]
        widest = len(drops) - 1 - int(np.argmax(drops[::-1]))
        return float(edges[widest]) if drops[widest] >= self.least else 0.5

    def __str__(self) -> str:
        return "gap" if self.least == Gap().least else f"gap:{self.least}"


def bind_threshold(threshold: Threshold | None, calibration: Calibration) -> Threshold | None:
    """The threshold, ready to cut the scores of a model with this calibration; most are ready as they are.

    Raises ConfigError for Precision and Recall where the calibration holds no cut-off that reaches them.
    """
    return threshold.bind(calibration) if isinstance(threshold, Bindable) else threshold


def parse_threshold(value: float | str | Threshold | None) -> Threshold | None:
    """A number, "0.3", "absolute:0.3", "relative:0.3", "dynamic", "dynamic:low=0.3,high=0.6", "gap", "gap:0.2", "precision:0.9",
    "recall:0.8", a Threshold, or None for none. What str() makes of a threshold is read back as an equal one.

    Raises ConfigError for anything else.
    """
    if value is None or (isinstance(value, Threshold) and not isinstance(value, type)):  # the class itself has the same names
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ConfigError(f"threshold must be a number, a string or a Threshold, not {type(value).__name__}")
    if not isinstance(value, str):
        return Absolute(value)
    kind, colon, rest = value.strip().partition(":")
    if not colon:
        return _PLAIN[kind]() if kind in _PLAIN else Absolute(_number(value, kind))
    if kind == "dynamic":
        return Dynamic(**_settings(value, rest))
    if kind not in _WITH_A_NUMBER:
        raise _unknown(value)
    return _WITH_A_NUMBER[kind](_number(value, rest))


_PLAIN: Mapping[str, Callable[[], Threshold]] = {"dynamic": Dynamic, "gap": Gap}
_WITH_A_NUMBER: Mapping[str, Callable[[float], Threshold]] = {
    "absolute": Absolute,
    "relative": Relative,
    "gap": Gap,
    "precision": Precision,
    "recall": Recall,
}


def _settings(whole: str, text: str) -> dict[str, Any]:
    """narrow=0.05,low=0.4 as keyword arguments of Dynamic."""
    known, found = [f.name for f in fields(Dynamic)], {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or name not in known or name in found:
            raise ConfigError(
                f"threshold {whole!r}: after dynamic: stand NAME=NUMBER, with commas between, NAME one of {', '.join(known)}, each once"
            )
        found[name] = _number(whole, number)
    return found


def _number(whole: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _unknown(whole) from None


def _unknown(whole: str) -> ConfigError:
    return ConfigError(f"threshold {whole!r} is not known; use one like {', '.join(SPELLINGS)}")


def _unit(name: str, value: float) -> None:
    _finite(name, value)
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} must be between 0 and 1, not {value}")


def _finite(name: str, value: float) -> None:
    largest = sys.float_info.max
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -largest <= value <= largest:
        shown = "a whole number that large" if type(value) is int else repr(value)[:50]  # thousands of digits cannot even be shown
        raise ConfigError(f"{name} needs a finite number, not {shown}")

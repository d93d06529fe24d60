"""From values to places on a drawing, and the round values at which an axis is labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "linear", "logarithmic"]

_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values low..high at places start..end (pixels; start may be the larger one, as on an axis that points up)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands; one outside stands at the border."""
        low, high, here = (math.log(v) for v in (self.low, self.high, max(value, self.low))) if self.log else (self.low, self.high, value)
        part = min(1.0, max(0.0, (here - low) / (high - low)))
        return self.start + part * (self.end - self.start)

    def ticks(self, count: int = 5) -> tuple[float, ...]:
        """About `count` round values within the scale."""
        return _log_ticks(self.low, self.high, count) if self.log else _ticks(self.low, self.high, count)


def linear(values: Iterable[float], start: float, end: float, *, within: tuple[float, float] = (-math.inf, math.inf)) -> Scale:
    """A scale that holds all values with some air around them and ends at round numbers.

    It does not leave `within`, the values that a measure usually has, unless a value does.
    """
    known = list(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    air = 0.08 * (high - low) if high > low else max(0.05 * abs(high), 0.05)
    step = _step(high - low + 2 * air, 5)
    low, high = math.floor((low - air) / step) * step, math.ceil((high + air) / step) * step
    lowest, highest = min((within[0], *known)), max((within[1], *known))
    return Scale(max(low, lowest), min(high, highest), start, end)


def logarithmic(values: Iterable[float], start: float, end: float) -> Scale:
    """The same for positive values whose ratios matter. Always wide enough for two labels."""
    known = [value for value in values if value > 0]
    low, high = (min(known), max(known)) if known else (1.0, 10.0)
    return Scale(_down(low / 1.25), _up(high * 1.25), start, end, log=True)


def _ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    step = _step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(n * step, 12) for n in range(first, last + 1))


def _log_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9) + 1)
    found: tuple[float, ...] = ()
    for digits in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        found = tuple(d * 10.0**n for n in decades for d in digits if low * (1 - 1e-9) <= d * 10.0**n <= high * (1 + 1e-9))
        if len(found) >= min(count, 4):
            return found
    return found


def _step(span: float, count: int) -> float:
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(r for r in _ROUND if r * power >= rough * (1 - 1e-9)) * power


def _down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(r for r in _ROUND if r * power <= value * (1 + 1e-9)) * power


def _up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(r for r in _ROUND if r * power >= value * (1 - 1e-9)) * power

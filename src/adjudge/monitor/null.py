"""What chance does to PSI and KS when nothing has changed: the distance that is exceeded with a given, small probability.

PSI. For independent values, PSI of n values against a reference of m is distributed as (1/n + 1/m) times chi-square with one degree of
freedom less than there are bins (Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk Model
Validation, 2020). The scores of one query are not independent: an easy query has many high ones. Then it is a sum of squared standard
normals with unequal weights, the generalised design effects (Rao and Scott, "The analysis of categorical data from complex sample
surveys", JASA 76, 1981). Its far tail is computed by the saddlepoint formula of Lugannani and Rice (Kuonen, "Saddlepoint approximations
for distributions of quadratic forms in normal variables", Biometrika 86, 1999), within 1 % of chi-square's own quantiles here; the usual
two-moment approximations are too small out there.

KS. P(KS > d) <= 2 exp(-2 d^2 / v), v = 1/n + 1/m for independent values (Smirnov's limit, first term), v times the design effect
otherwise. Equal values make the distance smaller, so the bound holds for them too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from ..errors import ConfigError

__all__ = ["ks_threshold", "psi_threshold", "sum_of_squares_quantile"]

_STEPS = 40  # of a bisection: twelve digits
_MOST = 0.1  # the formula is for tails


def psi_threshold(chance: float, weights: Sequence[float]) -> float:
    """The PSI that chance exceeds with probability `chance`. `weights`: one for each degree of freedom; 0 where there is none."""
    return sum_of_squares_quantile(chance, tuple(weights)) if weights else 0.0


def ks_threshold(chance: float, variance: float) -> float:
    """The KS distance that chance exceeds with probability `chance` at the most; may exceed 1, which nothing does."""
    _check(chance)
    return math.sqrt(0.5 * math.log(2.0 / chance) * variance)


@lru_cache(maxsize=256)
def sum_of_squares_quantile(chance: float, weights: tuple[float, ...]) -> float:
    """The x with P(sum of weights_i Z_i^2 > x) = chance, for independent standard normal Z_i and chance up to 0.1."""
    _check(chance)
    largest = max(weights)
    scaled = [weight / largest for weight in weights]
    low, high = 0.0, 0.5  # the saddlepoint: x rises from the mean to infinity between them
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _tail(middle, scaled) > chance:
            low = middle
        else:
            high = middle
    return largest * _place(high, scaled)


def _place(t: float, weights: Sequence[float]) -> float:
    """The x whose saddlepoint is t."""
    return sum(w / (1 - 2 * t * w) for w in weights)


def _tail(t: float, weights: Sequence[float]) -> float:
    """P(sum > x) at the x whose saddlepoint is t."""
    x = cumulant = curvature = 0.0
    for weight in weights:
        left = 1 - 2 * t * weight
        x += weight / left
        cumulant -= 0.5 * math.log(left)
        curvature += 2 * (weight / left) ** 2
    w = math.sqrt(max(2 * (t * x - cumulant), 1e-300))
    u = t * math.sqrt(curvature)
    return 0.5 * math.erfc((w + math.log(u / w) / w) / math.sqrt(2))


def _check(chance: float) -> None:
    if not 0 < chance <= _MOST:
        raise ConfigError(f"the chance of a false alarm must be above 0 and at most {_MOST}, not {chance!r}")

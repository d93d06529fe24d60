"""The judge's order joined with the first stage's, by places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ConfigError

__all__ = ["RankFusion", "fused", "parse_fusion"]


@dataclass(frozen=True, slots=True)
class RankFusion:
    """A document's worth is 1 / (k + its place by the judge) + weight / (k + its place in the first stage's list); places begin at 1.

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009); that a cross-encoder gains by what retrieved its candidates was
    found by Wang, Zhuang and Zuccon, ICTIR 2021, and others. Scores play no part, so the first stage's need not be comparable.
    """

    weight: float = 0.5  # of the first stage, the judge's being 1
    k: float = 20  # the smaller, the more the first places count

    def __post_init__(self) -> None:
        for name in ("weight", "k"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigError(f"fusion: {name} must be a finite number of 0 or more, not {value!r}")

    def __str__(self) -> str:
        """`0.5`, or `0.5 with k=60`."""
        return f"{self.weight:g}" if self.k == RankFusion().k else f"{self.weight:g} with k={self.k:g}"


def parse_fusion(value: object) -> RankFusion | None:
    """A weight is a RankFusion of that weight. Raises ConfigError for what is neither, nor None."""
    if value is None or isinstance(value, RankFusion):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"fusion must be a weight such as 0.5, a RankFusion or None, not {value!r}")
    return RankFusion(value)


def fused(judged: Sequence[int], places: Sequence[int], fusion: RankFusion) -> list[tuple[int, float]]:
    """What is worth most first: (position in `judged`, worth). `judged` and `places`: each document's place by the judge and before it.

    Documents of equal worth go by the judge.
    """
    worth = [1 / (fusion.k + own) + fusion.weight / (fusion.k + first) for own, first in zip(judged, places, strict=True)]
    return [(at, worth[at]) for at in sorted(range(len(worth)), key=lambda at: (-worth[at], judged[at]))]

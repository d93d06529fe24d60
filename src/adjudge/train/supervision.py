"""More than relevant or not: aspects of a passage, and how they shape what the judge is taught.

- coverage: the share of the query's sub-intents that the passage answers, 0..1;
- contradiction: 1 where it speaks of the matter and says the opposite, of another version, date or condition, or dodges the question;
- terminology: 1 where the term is the one asked for, 0 where it is a neighbour (type 1 for type 2 diabetes).

Each is a head of its own beside relevance, and each moves the gain, the single number that the ranking losses see.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import ConfigError

__all__ = ["ASPECTS", "Aspects", "Shaping", "aspects_of_kind", "gain"]

ASPECTS = ("coverage", "contradiction", "terminology")
"""The order of the auxiliary heads' outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspects:
    """Labels 0..1; None where nobody said."""

    coverage: float | None = None
    contradiction: float | None = None
    terminology: float | None = None

    def values(self) -> tuple[float, ...]:
        """In the order of ASPECTS, NaN for unknown."""
        return tuple(math.nan if value is None else value for value in (self.coverage, self.contradiction, self.terminology))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """How far aspects move the gain. The plain grade is `Shaping(coverage=False, contradiction=0, terminology=0)`."""

    coverage: bool = True  # half coverage is at most half a grade
    contradiction: float = 0.5  # taken off: a contradiction ends below an unrelated passage, whose gain is 0
    terminology: float = 0.0  # taken off where the term is a neighbour

    def __post_init__(self) -> None:
        for name in ("contradiction", "terminology"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"data.shaping.{name}={getattr(self, name)} must lie between 0 and 1")


def gain(grade: float | None, aspects: Aspects, shaping: Shaping) -> float | None:
    """What the ranking losses order by: -1..1, None where there is neither a grade nor a coverage."""
    if grade is None:
        if aspects.coverage is None or not shaping.coverage:
            return None
        grade = aspects.coverage
    elif shaping.coverage and aspects.coverage is not None:
        grade = min(grade, aspects.coverage)
    if aspects.contradiction is not None:
        grade -= shaping.contradiction * aspects.contradiction
    if aspects.terminology is not None:
        grade -= shaping.terminology * (1.0 - aspects.terminology)
    return max(-1.0, min(1.0, grade))


_KINDS: Mapping[str, tuple[float | None, float | None]] = MappingProxyType(
    {
        # kind: (contradiction, terminology)
        "answer": (0.0, 1.0),
        "cross": (0.0, 1.0),
        "partial": (0.0, 1.0),
        "contradiction": (1.0, None),
        "near_term": (0.0, 0.0),
        "related": (0.0, None),
        "trap": (0.0, None),
    }
)


def aspects_of_kind(kind: str, *, covered: int, intents: int) -> Aspects:
    """The labels that a passage of a judgement group carries: its kind, and how many of the query's intents it answers.

    Raises ConfigError for an unknown kind, naming the known ones.
    """
    if kind not in _KINDS:
        raise ConfigError(f"the kind {kind!r} of a passage is not known; known are {', '.join(sorted(_KINDS))}")
    if not 0 <= covered <= intents:
        raise ConfigError(f"a passage cannot cover {covered} of {intents} intents")
    contradiction, terminology = _KINDS[kind]
    return Aspects(coverage=covered / intents if intents else None, contradiction=contradiction, terminology=terminology)

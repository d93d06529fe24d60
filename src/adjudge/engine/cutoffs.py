"""Cut-offs that a calibration measured: ask for a precision or a recall, and get the score that gave it on labelled pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ConfigError
from ..models.calibration import Calibration, CutOff

__all__ = ["MeasuredCut", "Precision", "Recall"]


@dataclass(frozen=True, slots=True)
class MeasuredCut:
    """What Precision or Recall becomes once it is bound to a model: the cut-off that its calibration holds."""

    rule: str  # as it was asked for: "precision:0.9"
    found: CutOff
    needs_probabilities = True

    def cut(self, scores: Sequence[float]) -> float:
        """The measured cut-off, whatever the scores are."""
        return self.found.score

    def __str__(self) -> str:
        return self.rule


@dataclass(frozen=True, slots=True)
class Precision:
    """Keep what scores at least the lowest cut-off whose precision, on the calibration's pairs, was `share` or more.

    Of what is kept, at least `share` should be relevant, on queries and candidates like those of the calibration.
    """

    share: float
    needs_probabilities = True

    def __post_init__(self) -> None:
        _check("Precision", self.share)

    def bind(self, calibration: Calibration) -> MeasuredCut:
        """Look the cut-off up. Raises ConfigError where no cut-off is known, or none reaches this precision."""
        rows = _rows(self, calibration)
        found = next((row for row in rows if row.precision >= self.share), None)
        if found is None:
            best = rows[-1]
            raise ConfigError(
                f"no cut-off of this model's calibration reaches a precision of {self.share}: the best is {best.precision:.3f} "
                f'(cut-off {best.score:.3f}, recall {best.recall:.3f}). Ask for "precision:{_floor(best.precision):g}" or less'
            )
        return MeasuredCut(str(self), found)

    def cut(self, scores: Sequence[float]) -> float:
        """Raise ConfigError: only bind() knows the cut-off."""
        raise _unbound(self)

    def __str__(self) -> str:
        return f"precision:{self.share}"


@dataclass(frozen=True, slots=True)
class Recall:
    """Keep what scores at least the highest cut-off whose recall, on the calibration's pairs, was `share` or more.

    Of what is relevant among the candidates, at least `share` should be kept, on queries and candidates like those of the calibration.
    """

    share: float
    needs_probabilities = True

    def __post_init__(self) -> None:
        _check("Recall", self.share)

    def bind(self, calibration: Calibration) -> MeasuredCut:
        """Look the cut-off up. Raises ConfigError where no cut-off is known, or none reaches this recall."""
        rows = _rows(self, calibration)
        found = next((row for row in reversed(rows) if row.recall >= self.share), None)
        if found is None:
            best = rows[0]
            raise ConfigError(
                f"no cut-off of this model's calibration reaches a recall of {self.share}: the best is {best.recall:.3f} "
                f'(cut-off {best.score:.3f}, precision {best.precision:.3f}). Ask for "recall:{_floor(best.recall):g}" or less'
            )
        return MeasuredCut(str(self), found)

    def cut(self, scores: Sequence[float]) -> float:
        """Raise ConfigError: only bind() knows the cut-off."""
        raise _unbound(self)

    def __str__(self) -> str:
        return f"recall:{self.share}"


def _rows(rule: Precision | Recall, calibration: Calibration) -> tuple[CutOff, ...]:
    if not calibration.cutoffs:
        raise ConfigError(
            f"the threshold {rule} needs measured cut-offs, and this model's calibration holds none. Run `adjudge calibrate` on labelled "
            'pairs of yours (it says plainly when no cut-off separates), or use a number, "dynamic" or "gap"'
        )
    return calibration.cutoffs


def _unbound(rule: Precision | Recall) -> ConfigError:
    name = type(rule).__name__
    return ConfigError(
        f"the threshold {rule} does not know its model yet; rank with a Reranker, or call {name}(...).bind(calibration) first"
    )


def _check(name: str, share: float) -> None:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:  # NaN fails the comparison
        raise ConfigError(f"{name}(share) must be a number between 0 and 1, not {share!r}")


def _floor(share: float) -> float:
    """Three digits, and never more than it was."""
    return math.floor(share * 1000) / 1000

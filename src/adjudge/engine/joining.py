"""Two judges read one list: their rankings joined into one, in which every document stands once, marked with who judged it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from ..models.model import Model
from ..types import Ranked, Ranking, Timings, Usage
from .ranking import RankOptions, cut

__all__ = ["Judges", "Readings", "join", "summed"]

T = TypeVar("T", Usage, Timings)


@dataclass(frozen=True, slots=True)
class Judges:
    """Who looks first, and who reads the best of it."""

    first: Model
    strong: Model

    def incomparable(self, *, normalize: bool) -> str:
        """Why a score of one says nothing about a score of the other; empty where it does."""
        bare = [model.name for model in (self.first, self.strong) if not model.calibration.fitted]
        if bare:
            return f"{' and '.join(bare)} {'have' if len(bare) > 1 else 'has'} no calibration"
        return "" if normalize else "normalize=False asks for raw logits"


@dataclass(frozen=True, slots=True)
class Readings:
    """What the two said of one query, nothing cut."""

    first: Ranking | None  # of all documents; None: it was spared, because the strong judge read them all
    strong: Ranking | None  # of those it was given; None: there was no time for any

    @property
    def taken(self) -> tuple[Ranking, ...]:
        """Those that took place; at least one."""
        return tuple(ranking for ranking in (self.first, self.strong) if ranking is not None)


def join(readings: Readings, judges: Judges, options: RankOptions, notes: Sequence[str] = ()) -> Ranking:
    """One ranking of all documents, then threshold and top_n. What the strong judge read counts, whatever the first one said.

    Where both models are calibrated the order is that of the calibrated logits. Where they are not, what the strong judge read comes
    first, by its logit, then the rest by the first one's, and a warning says so. Equals stay in the order of the input.
    """
    read = [] if readings.strong is None else list(readings.strong)
    known = {result.index for result in read}
    rest = [] if readings.first is None else [result for result in readings.first if result.index not in known]
    reason = judges.incomparable(normalize=options.normalize) if read and rest else ""
    kept, dropped = cut(_ordered(read, rest, judges, apart=bool(reason)), options)
    taken = readings.taken
    total = summed(Usage, [ranking.usage for ranking in taken])
    return replace(
        taken[0],
        results=tuple(kept),
        dropped=tuple(dropped),
        warnings=(*notes, *_not_read(taken), *([_apart(judges, reason)] if reason else [])),
        score_type=taken[-1].score_type if read else taken[0].score_type,
        model=judges.strong.name,
        revision=judges.strong.revision,
        usage=replace(total, documents=taken[0].usage.documents, truncated=sum(r.truncated for r in (*read, *rest))),
        timings=summed(Timings, [ranking.timings for ranking in taken]),
    )


def summed(kind: type[T], values: Sequence[T]) -> T:
    """Field by field."""
    return kind(**{field.name: sum(getattr(value, field.name) for value in values) for field in fields(kind)})


def _ordered(read: Sequence[Ranked], rest: Sequence[Ranked], judges: Judges, *, apart: bool) -> list[Ranked]:
    """Best first. `apart`: the strong judge's before all others; else by calibrated logit, of equals the strong judge's first."""
    keyed: list[tuple[tuple[float, int, float, int], Ranked]] = []
    for place, (model, results) in enumerate(((judges.strong, read), (judges.first, rest))):
        logits = np.array([result.logit for result in results], np.float32)
        for key, r in zip(model.calibration.apply(logits), results, strict=True):
            # Two logits may meet in float32 once they are divided by a temperature; of one judge the larger still comes first.
            keyed.append(((0.0 if apart else -float(key), place, -r.logit, r.index), r))
    return [result for _, result in sorted(keyed, key=lambda pair: pair[0])]


def _not_read(taken: Sequence[Ranking]) -> Iterable[str]:
    """What each judge did not read, with its name where both took part."""
    return [f"{ranking.model}: {warning}" if len(taken) > 1 else warning for ranking in taken for warning in ranking.warnings]


def _apart(judges: Judges, reason: str) -> str:
    return (
        f"scores of {judges.strong.name} and {judges.first.name} cannot be compared ({reason}): "
        f"what {judges.strong.name} read comes first, then the rest"
    )

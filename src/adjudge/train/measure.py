"""Dev groups scored and measured while training. The measures are those of ir_measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..measures import measure_values, parse_measure
from .outcome import Evaluation
from .rows import Group

__all__ = ["MEASURES", "evaluate", "usable"]

MEASURES = ("nDCG@10", "RR@10", "Success@1")


def usable(groups: Sequence[Group]) -> list[Group]:
    """Groups that an order can be right or wrong about: graded, with two different whole grades."""
    return [g for g in groups if len({_whole(item.grade) for item in g.items if item.grade is not None}) > 1]


def evaluate(groups: Sequence[Group], score: Callable[[Sequence[Group]], list[np.ndarray]], *, step: int) -> Evaluation:
    """Score every group and measure the orders, in all and for each source of at least five groups.

    Grades 0..1 become whole grades 0..3 for nDCG; RR and Success count what is 2 of 3 then: over half of the best grade. Of equal logits
    the worse passage comes first.
    """
    asked = [parse_measure(name, relevant_from=2, what="evaluation during training", extra="train") for name in MEASURES]
    logits = score(groups)
    grades: dict[str, dict[str, int]] = {}
    order: dict[str, list[str]] = {}
    for number, (group, said) in enumerate(zip(groups, logits, strict=True)):
        judged = {str(at): _whole(item.grade) for at, item in enumerate(group.items) if item.grade is not None}
        if judged:
            grades[str(number)], order[str(number)] = judged, _order(judged, said)
    each = dict(zip(MEASURES, measure_values(asked, grades, order), strict=True))
    measures = {shown: float(np.mean(list(values.values()))) for shown, values in each.items()}
    for source in sorted({group.source for group in groups}):
        own = [each["nDCG@10"][str(n)] for n, group in enumerate(groups) if group.source == source and str(n) in each["nDCG@10"]]
        if source and len(own) >= 5:
            measures[f"nDCG@10 of {source}"] = float(np.mean(own))
    spread = float(np.std(np.concatenate(logits))) if logits else 0.0
    return Evaluation(step=step, measures=measures, spread=spread)


def _order(judged: Mapping[str, int], logits: np.ndarray) -> list[str]:
    """Graded passages, best first. Where files list the answer first, the place among equals would make a judge of one value perfect."""
    places = np.array([int(at) for at in judged])
    ranked = np.lexsort((list(judged.values()), -logits[places]))  # by the last key; what is not a number comes last
    return [str(places[at]) for at in ranked]


def _whole(grade: float) -> int:
    return math.ceil(grade * 3 - 0.5)  # half a grade is 1 of 3: round() would take it to the even 2, an answer

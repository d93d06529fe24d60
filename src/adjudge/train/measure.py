"""Dev groups scored and measured while training. The measures are ir_measures' own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import MissingExtraError
from .outcome import Evaluation
from .rows import Group

__all__ = ["MEASURES", "evaluate", "usable"]

MEASURES = ("nDCG@10", "RR@10", "Success@1")


def usable(groups: Sequence[Group]) -> list[Group]:
    """Groups that an order can be right or wrong about: graded, with two different whole grades."""
    return [g for g in groups if len({_whole(item.grade) for item in g.items if item.grade is not None}) > 1]


def evaluate(groups: Sequence[Group], score: Callable[[Sequence[Group]], list[np.ndarray]], *, step: int) -> Evaluation:
    """Score every group and measure the orders, in all and for each source of at least five groups.

    Grades 0..1 become whole grades 0..3 for nDCG; RR and Success count what is 2 of 3 then: over half of the best grade.
    """
    try:
        import ir_measures
    except ImportError:
        raise MissingExtraError(package="ir-measures", extra="train", what="evaluation during training") from None

    logits = score(groups)
    names = [ir_measures.parse_measure(name) for name in ("nDCG@10", "RR(rel=2)@10", "Success(rel=2)@1")]
    qrels, run = [], []
    for number, (group, said) in enumerate(zip(groups, logits, strict=True)):
        for at, (item, logit) in enumerate(zip(group.items, said, strict=True)):
            if item.grade is not None:
                qrels.append(ir_measures.Qrel(str(number), str(at), _whole(item.grade)))
                run.append(ir_measures.ScoredDoc(str(number), str(at), float(logit)))
    each: dict[str, dict[str, float]] = {shown: {} for shown in MEASURES}
    for metric in ir_measures.iter_calc(names, qrels, run):
        each[MEASURES[names.index(metric.measure)]][metric.query_id] = float(metric.value)
    measures = {shown: float(np.mean(list(values.values()))) for shown, values in each.items()}
    for source in sorted({group.source for group in groups}):
        own = [each["nDCG@10"][str(n)] for n, group in enumerate(groups) if group.source == source and str(n) in each["nDCG@10"]]
        if source and len(own) >= 5:
            measures[f"nDCG@10 of {source}"] = float(np.mean(own))
    spread = float(np.std(np.concatenate(logits))) if logits else 0.0
    return Evaluation(step=step, measures=measures, spread=spread)


def _whole(grade: float) -> int:
    return math.ceil(grade * 3 - 0.5)  # half a grade is 1 of 3: round() would take it to the even 2, an answer

"""A measure of ir_measures on lists that are in their order already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, MissingExtraError
from .judged import Question

__all__ = ["measured"]


def measured(name: str, questions: Sequence[Question], lists: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(questions,) the measure of each question's list of keys. An empty list is worth nothing, and counts.

    Raises ConfigError for a measure that is not known, MissingExtraError without ir_measures.
    """
    try:
        import ir_measures
    except ImportError:
        raise MissingExtraError(package="ir-measures", extra="evaluate", what="tuning") from None
    try:
        measure = ir_measures.parse_measure(name)
    except (ValueError, NameError, SyntaxError) as exc:
        raise ConfigError(f"the measure {name!r} is not known: {exc}; use one like nDCG@10, RR@10 or Success@3") from exc
    qrels = [ir_measures.Qrel(str(at), key, grade) for at, question in enumerate(questions) for key, grade in question.grades.items()]
    # The scores only carry the order: equal ones would be sorted by id.
    run = [ir_measures.ScoredDoc(str(at), key, -float(place)) for at, keys in enumerate(lists) for place, key in enumerate(keys)]
    values = np.zeros(len(questions))
    for metric in ir_measures.iter_calc([measure], qrels, run):
        values[int(metric.query_id)] = metric.value
    return values

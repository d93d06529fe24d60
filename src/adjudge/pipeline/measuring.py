"""A measure of ir_measures on lists that are in their order already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..measures import measure_values, parse_measure
from .judged import Question

__all__ = ["check_measure", "measured"]


def check_measure(name: str) -> Any:
    """The measure of a name, for measured().

    Raises ConfigError for one that is not known or cannot be computed, MissingExtraError without ir_measures.
    """
    return parse_measure(name, what="tuning")


def measured(measure: Any, questions: Sequence[Question], lists: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(questions,) the `measure` that check_measure() gave, of each question's list of keys. An empty list is worth nothing, and counts."""
    places = [str(at) for at in range(len(questions))]  # two questions of a test may have one id
    grades = {place: question.grades for place, question in zip(places, questions, strict=True)}
    (values,) = measure_values([measure], grades, dict(zip(places, lists, strict=True)))
    return np.array([values[place] for place in places], np.float64)

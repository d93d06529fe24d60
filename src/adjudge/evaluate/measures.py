"""Measures of rankings, query by query, by ir_measures: its names, its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from ..measures import measure_values, parse_measure

__all__ = ["default_measures", "parse_measures", "per_query"]


def default_measures(candidates: int) -> tuple[str, ...]:
    """What is measured unless other measures are named; the first is the one that decides."""
    return ("nDCG@10", "RR@10", "Success@1", "Success@3", f"R@{candidates}", "AP")


def parse_measures(names: Sequence[str], *, relevant_from: int = 1) -> Mapping[str, Any]:
    """The ir_measures measure of each name. Where a name does not say from which grade on a document is relevant, `relevant_from` does.

    Raises ConfigError for a name that ir_measures does not know or cannot compute here, MissingExtraError without it.
    """
    found = {name: parse_measure(name, relevant_from=relevant_from, what="evaluation") for name in names}
    if not found:
        raise ConfigError("name one measure at least")
    return found


def per_query(
    measures: Mapping[str, Any], grades: Mapping[str, Mapping[str, int]], order: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Name -> query -> value. `order`: documents of each query, best first. A judged query without any counts as zero.

    Raises InputError for a grade that no measure can take.
    """
    return dict(zip(measures, measure_values(list(measures.values()), grades, order), strict=True))

"""Measures of rankings, query by query, by ir_measures: its names, its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigError, MissingExtraError

__all__ = ["default_measures", "parse_measures", "per_query"]


def default_measures(candidates: int) -> tuple[str, ...]:
    """What is measured unless other measures are named; the first is the one that decides."""
    return ("nDCG@10", "RR@10", "Success@1", "Success@3", f"R@{candidates}", "AP")


def parse_measures(names: Sequence[str], *, relevant_from: int = 1) -> Mapping[str, Any]:
    """The ir_measures measure of each name. Where a name does not say from which grade on a document is relevant, `relevant_from` does.

    Raises ConfigError for a name that ir_measures does not know or cannot compute here, MissingExtraError without it.
    """
    try:
        import ir_measures
    except ImportError:
        raise MissingExtraError(package="ir-measures", extra="evaluate", what="evaluation") from None
    pipeline: Any = ir_measures.DefaultPipeline
    found: dict[str, Any] = {}
    for name in names:
        try:
            measure = ir_measures.parse_measure(name)
        except (ValueError, NameError, SyntaxError) as exc:
            raise ConfigError(f"{name!r} is no measure that ir_measures knows, as nDCG@10, RR@10, Success@3, R@100 or AP are") from exc
        if relevant_from != 1 and "rel" in measure.SUPPORTED_PARAMS and "rel" not in measure.params:
            measure = measure(rel=relevant_from)
        if not pipeline.supports(measure):
            raise ConfigError(f"{name!r} needs a package that is not installed: ir_measures knows the measure and cannot compute it")
        found[name] = measure
    if not found:
        raise ConfigError("name one measure at least")
    return found


def per_query(
    measures: Mapping[str, Any], grades: Mapping[str, Mapping[str, int]], order: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Name -> query -> value. `order`: documents of each query, best first. A judged query without any counts as zero."""
    import ir_measures

    qrels = [ir_measures.Qrel(query, document, grade) for query, judged in grades.items() for document, grade in judged.items()]
    run = [
        ir_measures.ScoredDoc(query, document, float(-place))  # all different: no library's own rule for ties has a say
        for query, documents in order.items()
        if query in grades
        for place, document in enumerate(documents)
    ]
    names: dict[Any, list[str]] = {}
    for name, measure in measures.items():  # RR@10 and MRR@10 are one measure under two names
        names.setdefault(measure, []).append(name)
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(grades, 0.0) for name in measures}
    if run:
        for metric in ir_measures.iter_calc(list(names), qrels, run):
            for name in names[metric.measure]:
                values[name][metric.query_id] = float(metric.value)
    return values

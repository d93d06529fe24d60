"""Measures of ir_measures, checked before anything is computed, and their values query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

from .errors import ConfigError, InputError, MissingExtraError

__all__ = ["GRADE_LIMIT", "check_grades", "measure_values", "parse_measure"]

GRADE_LIMIT = 1000
"""Grades lie between this and its negative: trec_eval keeps a counter for each grade up to the highest, and wraps around in silence."""


def parse_measure(name: str, *, relevant_from: int = 1, what: str, extra: str = "evaluate") -> Any:
    """The measure of a name. Where it does not say from which grade on a document is relevant, `relevant_from` does.

    Raises ConfigError for a name that ir_measures does not know or cannot compute here, MissingExtraError without it: `what` needs
    it, and `extra` brings it.
    """
    try:
        import ir_measures
    except ImportError:
        raise MissingExtraError(package="ir-measures", extra=extra, what=what) from None
    pipeline: Any = ir_measures.DefaultPipeline
    try:
        measure = ir_measures.parse_measure(name)
        if relevant_from != 1 and "rel" in measure.SUPPORTED_PARAMS and "rel" not in measure.params:
            measure = measure(rel=relevant_from)
        supported = pipeline.supports(measure)  # looks at the parameters too
    except (ValueError, NameError, SyntaxError) as exc:
        raise ConfigError(f"{name!r} is no measure that ir_measures knows, as nDCG@10, RR@10, Success@3, R@100 or AP are") from exc
    except (AssertionError, TypeError) as exc:
        raise ConfigError(f"{name!r} has a parameter that ir_measures does not know there, or lacks one that it needs") from exc
    _check_parameters(name, measure.params)
    if not supported:
        raise ConfigError(f"{name!r} needs a package that is not installed: ir_measures knows the measure and cannot compute it")
    _try(name, measure)
    return measure


def measure_values(
    measures: Sequence[Any], grades: Mapping[str, Mapping[str, int]], order: Mapping[str, Sequence[str]]
) -> list[dict[str, float]]:
    """For each measure, query -> value. `order`: documents of each query, best first. A judged query without any counts as zero.

    Raises InputError for a grade that is no whole number up to GRADE_LIMIT.
    """
    import ir_measures

    check_grades(grades)
    # Numbers in the place of ids: what computes is written in C, which stops at a NUL and dies of half a character, or in Perl.
    queries = {query: str(at) for at, query in enumerate(grades)}
    documents: dict[str, str] = {}
    qrels = [
        ir_measures.Qrel(queries[query], documents.setdefault(document, str(len(documents))), int(grade))
        for query, judged in grades.items()
        for document, grade in judged.items()
    ]
    run = [
        ir_measures.ScoredDoc(queries[query], documents.setdefault(document, str(len(documents))), float(-place))
        for query, listed in order.items()
        if query in queries
        for place, document in enumerate(listed)  # scores are all different: no library's own rule for ties has a say
    ]
    values = [dict.fromkeys(grades, 0.0) for _ in measures]
    places: dict[Any, list[int]] = {}
    for at, measure in enumerate(measures):  # RR@10 and MRR@10 are one measure under two names
        places.setdefault(measure, []).append(at)
    names = list(queries)
    for metric in ir_measures.iter_calc(list(places), qrels, run) if run else ():
        for at in places[metric.measure]:
            values[at][names[int(metric.query_id)]] = float(metric.value)
    return values


def check_grades(grades: Mapping[str, Mapping[str, int]]) -> None:
    """Raises InputError for a grade that is no whole number up to GRADE_LIMIT."""
    for query, judged in grades.items():
        for document, grade in judged.items():
            if not _is_grade(grade):
                raise InputError(
                    f"the grade {grade!r} of {document!r} for {query!r} must be a whole number from {-GRADE_LIMIT} to {GRADE_LIMIT}"
                )


def _is_grade(value: object) -> bool:
    return isinstance(value, Integral) and abs(int(value)) <= GRADE_LIMIT


def _check_parameters(name: str, params: Mapping[str, Any]) -> None:
    if params.get("cutoff", 1) < 1:
        raise ConfigError(f"{name!r} looks at no document: after the @ stands how many, 1 or more")
    gains = params.get("gains")
    asked = [params.get("rel", 0), *(gains.values() if isinstance(gains, Mapping) else ())]
    for grade in asked:
        if not _is_grade(grade):
            raise ConfigError(f"{name!r} asks for a grade {grade!r}; grades are whole numbers from {-GRADE_LIMIT} to {GRADE_LIMIT}")


def _try(name: str, measure: Any) -> None:
    """Compute it for queries at the edge: only relevant documents, and none. What fails here would fail after hours of work."""
    right = measure.params.get("rel", 1)
    grades = {"only": {"a": right}, "none": {"a": 0}, "both": {"a": right, "b": 0}}
    try:
        measure_values([measure], grades, {"only": ["a"], "none": ["a"], "both": ["b", "a"]})
    except Exception as exc:
        why = f"{type(exc).__name__}: {exc}".splitlines()[0]
        raise ConfigError(f"{name!r} cannot be computed ({why}); name another measure") from exc

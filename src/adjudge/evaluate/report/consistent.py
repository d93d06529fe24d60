"""An evaluation that was read may have been changed by hand: what the drawings take for granted is looked at first."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import InputError
from ..result import Evaluation, System

__all__ = ["check_consistent"]


def check_consistent(evaluation: Evaluation) -> None:
    """Raise InputError where parts of an evaluation do not fit one another, naming the first."""
    wrong = next(_contradictions(evaluation), None)
    if wrong is not None:
        raise InputError(f"the evaluation contradicts itself: {wrong}; evaluate again, it cannot be drawn")


def _contradictions(evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.systems:
        yield "it has no systems"
        return
    names = {system.name for system in evaluation.systems}
    for system in evaluation.systems:
        yield from _of_system(system, len(evaluation.queries))
    for found in evaluation.comparisons:
        for name in (found.system, found.baseline):
            if name not in names:
                yield f"{name!r} is compared, and is no system of it"


def _of_system(system: System, queries: int) -> Iterator[str]:
    for measure, values in system.per_query.items():
        if len(values) != queries:
            yield f"{system.name} has {len(values)} values of {measure} for {queries} queries"
    if system.scores is None:
        return
    spread = system.scores.distribution
    edges = spread.edges
    if len(edges) < 2 or any(low >= high for low, high in zip(edges, edges[1:], strict=False)):
        yield f"the histogram of {system.name} has no rising edges"
    for counts in (spread.relevant, spread.irrelevant, spread.unjudged):
        if len(counts) != len(edges) - 1 or any(number < 0 for number in counts):
            yield f"the histogram of {system.name} does not hold a count for each of its bins"
    if any(one.pairs < 0 for one in system.scores.reliability):
        yield f"a bin of {system.name}'s reliability holds less than no pairs"

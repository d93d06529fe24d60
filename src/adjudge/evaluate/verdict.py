"""The sentence that stands first: does reranking help here?"""

from __future__ import annotations

from collections.abc import Sequence

from .result import Change, Verdict, VerdictKind
from .significance import queries_needed

__all__ = ["LEAST_QUERIES", "LEVEL", "judge_change", "not_reranked", "rival_verdict"]

LEVEL = 0.05
"""What a corrected p-value must not exceed."""

LEAST_QUERIES = 20
"""The interval of fewer queries than this is too narrow too often for a gain to be ruled out by it."""


def judge_change(
    system: str,
    measure: str,
    change: Change,
    *,
    p_corrected: float,
    least_gain: float,
    differences: Sequence[float],
    query_ms: float | None,
) -> Verdict:
    """Of a reranker against the first stage, by interval and corrected p-value.

    It hurts where the loss is sure, does not help where a gain of `least_gain` can be ruled out, helps where a gain is sure. All else
    cannot be told.
    """
    kind = _kind(change, p_corrected, least_gain)
    cost = "" if query_ms is None else f", {_milliseconds(query_ms)} per query"
    needed = queries_needed(differences, least=least_gain) if kind == "cannot_tell" else None
    head = {
        "helps": "Reranking helps here",
        "hurts": "Reranking hurts here",
        "does_not_help": "Reranking does not help here",
        "cannot_tell": f"Cannot tell with {_queries(change.queries)}",
    }[kind]
    more = "" if needed is None else f"; about {needed:,} queries would tell"
    return Verdict(kind=kind, sentence=f"{head}: {_figures(measure, change)}{cost}{more}", system=system, queries_needed=needed)


def rival_verdict(system: str, baseline: str, measure: str, change: Change, *, p_corrected: float, least_gain: float) -> Verdict:
    """Of a reranker against another one."""
    kind = _kind(change, p_corrected, least_gain)
    head = {
        "helps": f"{system} is better than {baseline}",
        "hurts": f"{system} is worse than {baseline}",
        "does_not_help": f"{system} is no better than {baseline}",
        "cannot_tell": f"Cannot tell {system} from {baseline} with {_queries(change.queries)}",
    }[kind]
    return Verdict(kind=kind, sentence=f"{head}: {_figures(measure, change)}", system=system)


def not_reranked(measure: str, mean: float, queries: int) -> Verdict:
    """Where no reranker was named."""
    return Verdict(
        kind="not_reranked", sentence=f"No reranker was named; the first stage reaches {measure} {mean:.3f} on {_queries(queries)}"
    )


def _kind(change: Change, p_corrected: float, least_gain: float) -> VerdictKind:
    sure = p_corrected <= LEVEL
    if sure and change.high < 0:
        return "hurts"
    if change.high < least_gain and change.queries >= LEAST_QUERIES:
        return "does_not_help"
    if sure and change.low > 0:
        return "helps"
    return "cannot_tell"


def _figures(measure: str, change: Change) -> str:
    digits = 2 if min(abs(change.difference), change.high - change.low) >= 0.02 else 3
    low, high = f"{change.low:.{digits}f}", f"{change.high:.{digits}f}"
    return (
        f"{measure} {change.before:.{digits}f} -> {change.after:.{digits}f} "
        f"({change.difference:+.{digits}f}, 95 % interval {low} to {high})"
    )


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"

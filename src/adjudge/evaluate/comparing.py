"""Systems compared: on the same queries, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset
from .losses import worst_losses
from .orders import Ordered
from .result import Change, Comparison, ComparisonKind, Verdict
from .significance import bootstrap_intervals, holm, permutation_p
from .verdict import judge_change, rival_verdict

__all__ = ["Measured", "compare_all"]

Floats = NDArray[np.float64]

_TIE = 1e-9  # the same order may come out a bit apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Every system's rankings and values; the first system is the first stage."""

    data: Dataset
    orders: Mapping[str, Mapping[str, Ordered]]
    values: Mapping[str, Mapping[str, Mapping[str, float]]]  # system -> measure -> query
    measures: tuple[str, ...]  # the first one decides
    seed: int
    resamples: int

    def groups(self) -> dict[str, list[str]]:
        """Queries of each language; "" has them all."""
        found: dict[str, list[str]] = {"": list(self.data.queries)}
        for query, asked in self.data.queries.items():
            found.setdefault(asked.language, []).append(query)
        return found

    def differences(self, system: str, baseline: str, measure: str) -> Floats:
        """(queries,) in the data's order, what rounding alone makes being 0."""
        ours, theirs = self.values[system][measure], self.values[baseline][measure]
        found = np.array([ours[query] - theirs[query] for query in self.data.queries], np.float64)
        found[np.abs(found) < _TIE] = 0.0
        return found


@dataclass(frozen=True, slots=True)
class _Pair:
    system: str
    baseline: str
    kind: ComparisonKind


@dataclass(frozen=True, slots=True)
class _Tested:
    pair: _Pair
    differences: Floats  # of the main measure
    p_value: float
    p_corrected: float
    corrected_for: int


def compare_all(measured: Measured, *, latencies: Mapping[str, float], least_gain: float, worst: int) -> tuple[Comparison, ...]:
    """Each reranker with the first stage, then each other reranker with the first one; p-values corrected within either kind.

    `latencies`: median milliseconds a query of each system, where they were timed. `worst`: how many losses are shown.
    """
    first, *rerankers = measured.orders
    gains = [_Pair(name, first, "gain") for name in rerankers]
    rivals = [_Pair(name, rerankers[0], "rival") for name in rerankers[1:]]
    return tuple(
        _compare(measured, tested, query_ms=latencies.get(tested.pair.system), least_gain=least_gain, worst=worst)
        for pairs in (gains, rivals)
        for tested in _tested(measured, pairs)
    )


def _tested(measured: Measured, pairs: list[_Pair]) -> list[_Tested]:
    differences = [measured.differences(pair.system, pair.baseline, measured.measures[0]) for pair in pairs]
    p_values = [permutation_p(given, resamples=measured.resamples, seed=measured.seed) for given in differences]
    rows = zip(pairs, differences, p_values, holm(p_values), strict=True)
    return [_Tested(pair, given, p, corrected, len(pairs)) for pair, given, p, corrected in rows]


def _compare(measured: Measured, tested: _Tested, *, query_ms: float | None, least_gain: float, worst: int) -> Comparison:
    pair, main, differences = tested.pair, measured.measures[0], tested.differences
    changes = _changes(measured, pair, list(measured.data.queries), measured.measures)
    groups = {language: queries for language, queries in measured.groups().items() if language}
    before, after = measured.values[pair.baseline][main], measured.values[pair.system][main]
    fallen = {query: (before[query], after[query]) for query, d in zip(measured.data.queries, differences, strict=True) if d < 0}
    return Comparison(
        system=pair.system,
        baseline=pair.baseline,
        kind=pair.kind,
        changes=changes,
        languages={language: _changes(measured, pair, queries, (main,))[main] for language, queries in groups.items()},
        p_value=tested.p_value,
        p_corrected=tested.p_corrected,
        corrected_for=tested.corrected_for,
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        ties=int((differences == 0).sum()),
        worst_losses=worst_losses(measured.data, measured.orders[pair.baseline], measured.orders[pair.system], values=fallen, most=worst),
        verdict=_verdict(tested, main, changes[main], query_ms=query_ms, least_gain=least_gain),
    )


def _changes(measured: Measured, pair: _Pair, queries: list[str], measures: tuple[str, ...]) -> dict[str, Change]:
    before, after = (
        np.array([[measured.values[name][measure][query] for measure in measures] for query in queries], np.float64)
        for name in (pair.baseline, pair.system)
    )
    lows, highs = bootstrap_intervals(after - before, resamples=measured.resamples, seed=measured.seed)
    return {
        measure: Change(
            before=float(before[:, at].mean()),
            after=float(after[:, at].mean()),
            difference=float((after - before)[:, at].mean()),
            low=float(lows[at]),
            high=float(highs[at]),
            queries=len(queries),
        )
        for at, measure in enumerate(measures)
    }


def _verdict(tested: _Tested, main: str, change: Change, *, query_ms: float | None, least_gain: float) -> Verdict:
    pair, corrected = tested.pair, tested.p_corrected
    if pair.kind == "rival":
        return rival_verdict(pair.system, pair.baseline, main, change, p_corrected=corrected, least_gain=least_gain)
    differences = [float(d) for d in tested.differences]
    return judge_change(pair.system, main, change, p_corrected=corrected, least_gain=least_gain, differences=differences, query_ms=query_ms)

"""What `adjudge monitor` came to, as values: a reference made from queries, and queries held against a reference."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from ..errors import InputError
from ..monitor import Comparison, DriftConfig, DriftMonitor, Limits, Origin, Reference, Tally, compare, make_reference, measure
from ..types import ScoreType
from .monitor_rows import ScoredQuery

__all__ = ["CHANCE", "Episode", "Report", "build_reference", "compare_with", "file_names", "named"]

CHANCE = 0.01
"""Of any of the distances being over its threshold though nothing changed, when all queries are looked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """From when to when the sliding windows alarmed, in queries from 1; `until` is None where they still do."""

    begins: int
    until: int | None
    quantities: tuple[str, ...]  # that alarmed at its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Queries against a reference."""

    queries: int
    left_out: int  # whose scores are of another type
    comparisons: tuple[Comparison, ...]  # of all queries at once
    shares: dict[str, tuple[float, ...]]  # of each quantity, what each of PSI's bins holds now
    expected: dict[str, tuple[float, ...]]  # and what it held in the reference
    episodes: tuple[Episode, ...]
    looks: int
    config: DriftConfig
    differences: tuple[str, ...] = field(default=())

    @property
    def drifting(self) -> bool:
        """Whether the queries as a whole lie elsewhere, or the last of them do."""
        return any(one.exceeded for one in self.comparisons) or any(one.until is None for one in self.episodes)

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "drifting": self.drifting,
            "queries": self.queries,
            "left_out": self.left_out,
            "differences": list(self.differences),
            "quantities": {
                one.quantity: {**one.fields(), "shares": self.shares[one.quantity], "reference_shares": self.expected[one.quantity]}
                for one in self.comparisons
            },
            "chance": CHANCE,
            "sliding": {**asdict(self.config), "looks": self.looks, "alarms": [asdict(one) for one in self.episodes]},
        }


def named(queries: Iterable[ScoredQuery], *, model: str, revision: str, score_type: str) -> Iterator[ScoredQuery]:
    """The queries, and where a row does not say what made its scores, these. Raises InputError where neither does."""
    for query in queries:
        own = ScoredQuery(
            place=query.place,
            scores=query.scores,
            model=query.model if query.model else model,
            revision=query.revision if query.model else revision,
            score_type=query.score_type if query.score_type else score_type,
        )
        if not own.model:
            raise InputError(f"{query.place}: the row does not say which model made the scores; name it with --model")
        if own.score_type not in get_args(ScoreType):
            said = f"{own.score_type!r} is no score type" if own.score_type else "the row does not say what its scores are"
            raise InputError(f"{query.place}: {said}; it is one of {', '.join(get_args(ScoreType))}, and --score-type names it")
        yield own


def build_reference(queries: Iterable[ScoredQuery], *, data: tuple[str, ...]) -> Reference:
    """A reference of queries that were all judged alike. Raises InputError where they were not, or are too few."""
    found: list[tuple[float, ...]] = []
    first: ScoredQuery | None = None
    for query in queries:
        first = query if first is None else first
        if (query.model, query.revision, query.score_type) != (first.model, first.revision, first.score_type):
            raise InputError(f"a reference is of one judge, but {_judge(first)} and {_judge(query)}; leave one of them out")
        _check(query)
        found.append(query.scores)
    if first is None:
        raise InputError("there are no queries to make a reference from")
    origin = Origin(
        model=first.model, revision=first.revision, score_type=cast("ScoreType", first.score_type), data=data, created=int(time.time())
    )
    return make_reference(found, origin)


def compare_with(reference: Reference, queries: Iterable[ScoredQuery], config: DriftConfig | None = None) -> Report:
    """All queries at once, and as sliding windows see them one after the other."""
    monitor = DriftMonitor(reference, config, log=False)  # the report says it
    own = reference.origin.score_type
    tally = Tally(own)
    left_out = 0
    differences: dict[str, None] = {}
    episodes: list[Episode] = []
    for query in queries:
        differences |= dict.fromkeys(
            reference.differences(model=query.model, revision=query.revision, score_type=query.score_type),
        )
        if query.score_type != own:
            left_out += 1
        elif query.scores:
            _check(query)
            tally.add(measure(query.scores, own))
            monitor.observe(query.scores)
            _follow(monitor, episodes)
    if not tally.queries:
        raise InputError(f"no query has {own} scores, which the reference is of" if left_out else "there are no queries with scores")
    limits = Limits(chance=CHANCE / (2 * len(reference.quantities)), least_psi=monitor.config.least_psi, least_ks=monitor.config.least_ks)
    comparisons = tuple(compare(reference, tally, limits))
    return Report(
        queries=tally.queries,
        left_out=left_out,
        comparisons=comparisons,
        shares={one.quantity: _shares(reference, one, tally) for one in comparisons},
        expected={one.quantity: _shares(reference, one, None) for one in comparisons},
        episodes=tuple(episodes),
        looks=monitor.state().looks,
        config=monitor.config,
        differences=tuple(differences),
    )


def file_names(paths: Iterable[Path]) -> tuple[str, ...]:
    """What a reference says that it was made from: names, not where they lay."""
    return tuple(path.name or str(path) for path in paths)


def _follow(monitor: DriftMonitor, episodes: list[Episode]) -> None:
    state = monitor.state()
    open_one = bool(episodes) and episodes[-1].until is None
    if state.drifting and not open_one:
        alarming = tuple(name for name, one in state.quantities.items() if one.drifting)
        episodes.append(Episode(begins=state.queries, until=None, quantities=alarming))
    elif open_one and not state.drifting:
        episodes[-1] = Episode(begins=episodes[-1].begins, until=state.queries, quantities=episodes[-1].quantities)


def _check(query: ScoredQuery) -> None:
    try:
        measure(query.scores, cast("ScoreType", query.score_type))
    except InputError as exc:
        raise InputError(f"{query.place}: {exc}; are these really {query.score_type} scores?") from exc


def _judge(query: ScoredQuery) -> str:
    revision = f" {query.revision}" if query.revision else ""
    return f"the {query.score_type} scores of {query.place} are of {query.model}{revision}"


def _shares(reference: Reference, one: Comparison, tally: Tally | None) -> tuple[float, ...]:
    from ..monitor.divergence import in_bins

    own = reference.quantities[one.quantity]
    counts = own.bins if tally is None else in_bins(tally.sketches[one.quantity].counts, own.borders)
    return tuple(round(float(count) / float(counts.sum()), 4) for count in counts)

"""From what was computed to the Evaluation: measures, intervals, tests, costs and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .comparing import Measured, compare_all
from .dataset import Dataset
from .environment import look_around
from .experiment import ExperimentConfig, Raw
from .journal import Record
from .latency import latency_of, pair_latency
from .measures import default_measures, parse_measures, per_query
from .orders import Ordered, first_order, reranked, scored_labels
from .result import Cost, DataFacts, Estimate, Evaluation, Query, Settings, System
from .score_worth import worth_of
from .significance import bootstrap_intervals
from .verdict import not_reranked
from .warn import warnings_of

__all__ = ["MeasureConfig", "assemble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureConfig:
    """How results are measured. None of it changes what is computed by a model."""

    measures: tuple[str, ...] | None = None  # names of ir_measures; the first one decides; None: default_measures()
    resamples: int = 10_000  # of bootstrap and permutation test
    least_gain: float = 0.01  # a smaller difference in the first measure is not worth having
    worst: int = 10  # losses that are shown as text

    def __post_init__(self) -> None:
        if isinstance(self.resamples, bool) or not isinstance(self.resamples, int) or self.resamples < 100:
            raise ConfigError(f"resamples must be a whole number of 100 or more, not {self.resamples!r}")
        if isinstance(self.worst, bool) or not isinstance(self.worst, int) or self.worst < 0:
            raise ConfigError(f"worst must be a whole number of 0 or more, not {self.worst!r}")
        if isinstance(self.least_gain, bool) or not isinstance(self.least_gain, int | float) or not 0 < self.least_gain < 1:
            raise ConfigError(f"least_gain must be a number between 0 and 1, not {self.least_gain!r}")

    def names(self, candidates: int) -> tuple[str, ...]:
        """The measures, by name."""
        return default_measures(candidates) if self.measures is None else tuple(dict.fromkeys(self.measures))


def assemble(data: Dataset, raw: Raw, experiment: ExperimentConfig, config: MeasureConfig | None = None) -> Evaluation:
    """Measure everything. Raises ConfigError for a measure that ir_measures does not know, MissingExtraError without ir_measures."""
    config = MeasureConfig() if config is None else config
    names = config.names(experiment.candidates)
    measures = parse_measures(names, relevant_from=data.relevant_from)
    orders = {raw.first.name: first_order(raw), **{spec.name: reranked(data, raw, spec.name) for spec in experiment.rerankers}}
    values = {
        name: per_query(measures, data.grades, {query: ordered.documents for query, ordered in order.items()})
        for name, order in orders.items()
    }
    measured = Measured(data=data, orders=orders, values=values, measures=names, seed=experiment.seed, resamples=config.resamples)
    estimates = _estimates(measured)
    systems = tuple(_system(measured, raw, name, experiment, estimates[name]) for name in orders)
    latencies = {system.name: system.cost.query_ms.p50 for system in systems if system.cost is not None}
    comparisons = compare_all(measured, latencies=latencies, least_gain=config.least_gain, worst=config.worst)
    first = systems[0].means[names[0]].mean
    evaluation = Evaluation(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=comparisons[0].verdict if comparisons else not_reranked(names[0], first, len(data.queries)),
        data=_data_facts(data, raw, orders[raw.first.name]),
        settings=_settings(data, raw, experiment, config, names),
        queries=_queries(data, orders[raw.first.name]),
        systems=systems,
        comparisons=comparisons,
        machine=look_around(),
    )
    return replace(evaluation, warnings=warnings_of(evaluation, raw, measured))


def _estimates(measured: Measured) -> dict[str, dict[str, dict[str, Estimate]]]:
    """System -> language ("" for all queries) -> measure -> mean and interval; one draw of queries serves every system."""
    found: dict[str, dict[str, dict[str, Estimate]]] = {name: {} for name in measured.values}
    columns = [(name, measure) for name in measured.values for measure in measured.measures]
    for language, queries in measured.groups().items():
        table: NDArray[np.float64] = np.array([[measured.values[n][m][q] for n, m in columns] for q in queries], np.float64)
        lows, highs = bootstrap_intervals(table, resamples=measured.resamples, seed=measured.seed)
        for at, (name, measure) in enumerate(columns):
            estimate = Estimate(mean=float(table[:, at].mean()), low=float(lows[at]), high=float(highs[at]), queries=len(queries))
            found[name].setdefault(language, {})[measure] = estimate
    return found


def _system(
    measured: Measured, raw: Raw, name: str, experiment: ExperimentConfig, estimates: Mapping[str, Mapping[str, Estimate]]
) -> System:
    values = {
        measure: tuple(round(measured.values[name][measure][query], 6) for query in measured.data.queries) for measure in measured.measures
    }
    system = System(
        name=name,
        kind="first_stage",
        means=estimates[""],
        languages={language: means for language, means in estimates.items() if language},
        per_query=values,
    )
    spec = next((spec for spec in experiment.rerankers if spec.name == name), None)
    if spec is None:
        return replace(system, runtime=raw.first.runtime, cost=_first_cost(raw))
    sessions = raw.sessions[name]
    nothing: Record = {"versions": {}, "model": spec.model, "revision": "", "runtime": "", "score_type": ""}
    facts = sessions[-1] if sessions else nothing  # no query had a candidate, so nothing was loaded
    versions: Mapping[str, str] = facts["versions"]
    library = next((f"{package} {version}" for package, version in versions.items() if package != "python"), "") if spec.peer else ""
    scores, labels = scored_labels(measured.data, raw, name)
    return replace(
        system,
        kind="peer" if spec.peer else "reranker",
        model=facts["model"],
        revision=facts["revision"],
        runtime=facts["runtime"],
        library=library,
        versions=versions,
        cost=_cost(raw, name),
        scores=worth_of(scores, labels, queries=len(raw.judged[name]), score_type=facts["score_type"]),
        warnings=raw.warnings.get(name, ()),
    )


def _first_cost(raw: Raw) -> Cost | None:
    query_ms = latency_of([found.milliseconds for found in raw.first.found.values() if found.milliseconds is not None])
    return None if query_ms is None else Cost(query_ms=query_ms, load_ms=raw.first.load_ms)


def _cost(raw: Raw, name: str) -> Cost | None:
    timed = list(raw.judged[name].values())
    query_ms = latency_of([answer.milliseconds for answer in timed])
    if query_ms is None:
        return None
    memory = [answer.memory_mib for answer in timed if answer.memory_mib is not None]
    session = raw.sessions[name][-1]
    counts = [len(answer.scores) for answer in timed]
    return Cost(
        query_ms=query_ms,
        pair_ms=pair_latency([answer.milliseconds for answer in timed], counts),
        load_ms=session["load_ms"],
        memory_mib=max(memory, default=None),
        memory_before_mib=session["memory_before_mib"],
        pairs=sum(counts),
        runs=len(raw.sessions[name]),
    )


def _data_facts(data: Dataset, raw: Raw, first: Mapping[str, Ordered]) -> DataFacts:
    relevant = sum(len(data.relevant(query)) for query in data.queries)
    seen = sum(_relevant_seen(data, query, first) for query in data.queries)
    return DataFacts(
        name=data.name,
        format=data.format,
        digest=data.digest,
        queries=len(data.queries),
        documents=len(data.documents),
        judgements=sum(map(len, data.grades.values())),
        relevant=relevant,
        recall_of_candidates=seen / relevant,
        problems=(*data.problems, *raw.problems),
    )


def _settings(data: Dataset, raw: Raw, experiment: ExperimentConfig, config: MeasureConfig, names: Sequence[str]) -> Settings:
    return Settings(
        retriever=raw.first.name,
        rerankers=tuple(spec.name for spec in experiment.rerankers),
        candidates=experiment.candidates,
        measures=tuple(names),
        main=names[0],
        seed=experiment.seed,
        resamples=config.resamples,
        least_gain=config.least_gain,
        interleaved=experiment.interleave,
        queries=data.drawn,
    )


def _queries(data: Dataset, first: Mapping[str, Ordered]) -> tuple[Query, ...]:
    return tuple(
        Query(
            id=query,
            text=asked.text,
            language=asked.language,
            judged=len(data.grades[query]),
            relevant=len(data.relevant(query)),
            relevant_in_candidates=_relevant_seen(data, query, first),
            candidates=len(first[query].documents),
        )
        for query, asked in data.queries.items()
    )


def _relevant_seen(data: Dataset, query: str, first: Mapping[str, Ordered]) -> int:
    return len(data.relevant(query) & set(first[query].documents))

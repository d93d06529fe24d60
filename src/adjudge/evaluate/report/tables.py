"""The two tables: what every system reached, and what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Comparison, Cost, Estimate, Evaluation, System
from .blocks import Section, section, table
from .drawings import colour
from .markup import Markup, group, tag
from .numbers import chance, count, measure, milliseconds, size

__all__ = ["costs", "named", "results"]

_NOTHING = "\u2013"


def results(evaluation: Evaluation) -> Section:
    """Every measure of every system, and how many queries changed."""
    measures = evaluation.settings.measures
    best = {name: max((s.means[name].mean for s in evaluation.systems if name in s.means), default=0.0) for name in measures}
    compared = any(found.kind == "gain" for found in evaluation.comparisons)
    head = ["System", *measures, *(["Better / same / worse"] if compared else [])]
    rows = [[named(system, at), *(_mean(system, name, best[name]) for name in measures)] for at, system in enumerate(evaluation.systems)]
    if compared:
        for row, system in zip(rows, evaluation.systems, strict=True):
            row.append(_tally(evaluation.comparison(system.name)))
    return section(
        "results",
        "What each system reached",
        table("Measures of every system", head, rows),
        tag("p", _results_note(evaluation, compared=compared), class_="under"),
        name="Results",
    )


def costs(evaluation: Evaluation) -> Section | None:
    """Time and memory of every system that was timed."""
    timed = [(at, system, system.cost) for at, system in enumerate(evaluation.systems) if system.cost is not None]
    if not timed:
        return None
    head = ["System", "Query, median", "p95", "Pair, median", "p95", "Load", "Memory", "Runs as"]
    rows = [[named(system, at), *_cost(cost), _runs_as(system)] for at, system, cost in timed]
    order = "rerankers took turns query by query" if evaluation.settings.interleaved else "one reranker after the other"
    machine = evaluation.machine
    note = (
        f"Wall clock on {machine.processor}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}; warm-up left out, {order}. "
        f"A query is all of its {count(evaluation.settings.candidates)} candidates. "
        "Memory is the most that the system's process ever held, and below it, what that held before the model was loaded."
    )
    again = [system.name for _, system, cost in timed if cost.runs > 1]
    stopped = [tag("p", f"Stopped once and continued, which the times show: {', '.join(again)}.", class_="under")] if again else []
    shown = table("Time and memory of every system", head, rows)
    return section("cost", "What it takes", shown, tag("p", note, class_="under"), *stopped, name="Cost")


def named(system: System, position: int) -> Markup:
    """A system's name beside its colour."""
    return group(tag("span", class_=f"chip {colour(position)}", aria_hidden="true"), tag("bdi", system.name))


def _mean(system: System, name: str, best: float) -> Markup:
    estimate = system.means.get(name)
    if estimate is None:
        return group(_NOTHING)
    return _estimate(estimate, best=estimate.mean == best)


def _estimate(estimate: Estimate, *, best: bool) -> Markup:
    between = f"{measure(estimate.low)} to {measure(estimate.high)}"
    return group(tag("strong" if best else "span", measure(estimate.mean), class_="number"), tag("small", between))


def _tally(found: Comparison | None) -> Markup:
    if found is None:
        return group(_NOTHING)
    every = max(1, found.wins + found.ties + found.losses)
    widths = [100 * part / every for part in (found.wins, found.ties, found.losses)]
    starts = (0.0, widths[0], widths[0] + widths[1])
    bars = [
        tag("rect", x=x, y=0, width=wide, height=8, class_=kind)
        for x, wide, kind in zip(starts, widths, ("won", "tied", "lost"), strict=True)
    ]
    counts = f"{count(found.wins)} / {count(found.ties)} / {count(found.losses)}"
    drawn = tag("svg", *bars, viewBox="0 0 100 8", preserveAspectRatio="none", class_="tally", aria_hidden="true")
    return group(tag("span", counts, class_="number"), drawn, tag("small", f"p {chance(found.p_corrected)}"))


def _results_note(evaluation: Evaluation, *, compared: bool) -> str:
    main = evaluation.settings.main
    note = "Means over all judged queries; one without results counts as zero. Small: the 95\u00a0% interval. Strong: the best of a column."
    if not compared:
        return note
    tests = max((found.corrected_for for found in evaluation.comparisons if found.kind == "gain"), default=1)
    holm = f", corrected for {tests} comparisons (Holm)" if tests > 1 else ""
    return f"{note} Better, same and worse are numbers of queries by {main}; p is of a two-sided paired permutation test of {main}{holm}."


def _cost(cost: Cost) -> Sequence[Markup]:
    pair = cost.pair_ms
    times = [cost.query_ms.p50, cost.query_ms.p95, pair.p50 if pair else None, pair.p95 if pair else None, cost.load_ms]
    shown = [group(_NOTHING) if time is None else tag("span", milliseconds(time), class_="number") for time in times]
    if cost.memory_mib is None:
        return [*shown, group(_NOTHING)]
    before = [] if cost.memory_before_mib is None else [tag("small", f"{size(cost.memory_before_mib)} before")]
    return [*shown, group(tag("span", size(cost.memory_mib), class_="number"), *before)]


def _runs_as(system: System) -> Markup:
    lines = [line for line in (system.model if system.model != system.name else "", system.runtime, system.library) if line]
    return group(*(tag("small", line) for line in lines)) if lines else group(_NOTHING)

"""The drawings over the whole page: quality against time, query by query, language by language."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Estimate, Evaluation, System
from .blocks import PANEL, Section, figure, numbers_behind, section, table, two_widths
from .drawings.languages import LanguageBars, draw_languages
from .drawings.queries import draw_queries
from .drawings.tradeoff import Timed, draw_tradeoff, pareto_front
from .markup import Markup, tag
from .numbers import count, measure
from .tables import named

__all__ = ["languages", "queries", "tradeoff"]


def tradeoff(evaluation: Evaluation) -> Section | None:
    """Quality against time, where at least one reranker was timed."""
    main = evaluation.settings.main
    baseline = evaluation.first_stage.means.get(main)
    points = [point for at, system in enumerate(evaluation.systems) if at and (point := _timed(system, at, main)) is not None]
    if baseline is None or not points:
        return None
    front = pareto_front(points, baseline.mean)

    def draw(width: float) -> Markup:
        return draw_tradeoff(points, baseline, names=(main, evaluation.first_stage.name), width=width)

    return section("tradeoff", "Quality against time", figure(two_widths(draw), _front_said(points, front)), name="Quality and time")


def queries(evaluation: Evaluation) -> Section | None:
    """Every query's change under each reranker."""
    main = evaluation.settings.main
    before = evaluation.first_stage.per_query.get(main)
    if not before:
        return None
    changed = [
        (named(system, at), system.name, [new - old for old, new in zip(before, system.per_query[main], strict=True)])
        for at, system in enumerate(evaluation.systems)
        if at and main in system.per_query
    ]
    if not changed:
        return None
    every = [difference for _, _, differences in changed for difference in differences]
    reach = (min(every), max(every))
    drawn = [
        tag("figure", tag("h3", shown), _query_drawing(differences, name, reach, alone=len(changed) == 1))
        for shown, name, differences in changed
    ]
    every_query = "The one judged query" if len(before) == 1 else f"All {count(len(before))} judged queries"
    note = (
        f"{every_query}, sorted by how much their {main} changed: at the left those that got better, "
        "at the right those that got worse. Heights say by how much, widths how many."
    )
    return section(
        "queries", "Query by query", tag("div", *drawn, class_="panels" if len(drawn) > 1 else None), tag("p", note, class_="under")
    )


def languages(evaluation: Evaluation) -> Section | None:
    """Bars for each language, where there are several."""
    main = evaluation.settings.main
    found = _language_bars(evaluation, main)
    if len(found) < 2:
        return None

    def draw(width: float) -> Markup:
        return draw_languages(found, main, width=width)

    legend = tag("p", *(tag("span", named(system, at)) for at, system in enumerate(evaluation.systems)), class_="legend")
    caption = f"{main} in each language, with 95\u00a0% intervals. Languages with few queries have wide ones: read them before the bars."
    rows = [[one.language, count(one.queries), *_language_row(one, evaluation)] for one in found]
    head = ["Language", "Queries", *(system.name for system in evaluation.systems)]
    behind = numbers_behind("These numbers as a table", table(f"{main} in each language", head, rows))
    return section("languages", "Language by language", legend, figure(two_widths(draw), caption), behind, name="Languages")


def _timed(system: System, position: int, main: str) -> Timed | None:
    quality, cost = system.means.get(main), system.cost
    if quality is None or cost is None:
        return None
    return Timed(name=system.name, position=position, quality=quality, p50=cost.query_ms.p50, p95=cost.query_ms.p95)


def _front_said(points: Sequence[Timed], front: Sequence[Timed]) -> str:
    if not front:
        return "No reranker is better than the first stage alone, which takes no extra time: there is nothing to choose."
    if len(points) == 1:
        return "Up is better, left is faster. The time comes on top of the first stage's."
    names = ", ".join(point.name for point in front)
    return (
        "Up is better, left is faster; the time comes on top of the first stage's. The line is the Pareto front: "
        f"{names}. A hollow dot is a reranker that another one (or none at all) beats in quality and in time."
    )


def _query_drawing(differences: Sequence[float], name: str, reach: tuple[float, float], *, alone: bool) -> Markup:
    """Over the whole page where there is one reranker, beside the others where there are several."""

    def draw(width: float) -> Markup:
        return draw_queries(differences, name=name, reach=reach, width=width)

    return two_widths(draw) if alone else draw(PANEL)


def _language_row(one: LanguageBars, evaluation: Evaluation) -> list[str]:
    held = {position: estimate for _, position, estimate in one.bars}
    return [_said(held[at]) if at in held else "\u2013" for at in range(len(evaluation.systems))]


def _said(estimate: Estimate) -> str:
    return f"{measure(estimate.mean)} ({measure(estimate.low)} to {measure(estimate.high)})"


def _language_bars(evaluation: Evaluation, main: str) -> list[LanguageBars]:
    """The languages, most queries first."""
    every = dict.fromkeys(language for system in evaluation.systems for language in system.languages)
    found = []
    for language in every:
        bars = tuple(
            (system.name, at, system.languages[language][main])
            for at, system in enumerate(evaluation.systems)
            if main in system.languages.get(language, {})
        )
        if bars:
            found.append(LanguageBars(language, max(bar[2].queries for bar in bars), bars))
    return sorted(found, key=lambda one: (-one.queries, one.language))

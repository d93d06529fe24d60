"""What scores are worth, a row of drawings for each reranker: distribution, reliability, cut-offs."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import CutOffPoint, Evaluation, Scores, System
from .blocks import PANEL, Section, figure, numbers_behind, section, table
from .drawings.cutoffs import best_f1, draw_cutoffs
from .drawings.distribution import draw_distribution
from .drawings.reliability import draw_reliability_diagram
from .markup import Markup, group, tag
from .numbers import measure, plain, share
from .tables import named

__all__ = ["scores"]

_OPEN = 3
"""Rerankers whose drawings are not behind a click."""

_HALVES = "Each half has its own scale."

_SHOWN = 12
"""Cut-offs in a table: enough to choose from."""


def scores(evaluation: Evaluation) -> Section | None:
    """A row for each reranker that scored documents of both kinds."""
    rows = [_row(system, at, system.scores) for at, system in enumerate(evaluation.systems) if at and system.scores is not None]
    if not rows:
        return None
    note = (
        "Reliability and cut-offs count a document that nobody judged as irrelevant; where many relevant ones were never judged, "
        "both look worse than they are."
    )
    return section("scores", "What the scores are worth", *rows, tag("p", note, class_="under"), name="Scores")


def _row(system: System, position: int, found: Scores) -> Markup:
    panels = [_distribution(system, found)]
    panels += [_reliability(system, found)] if found.reliability else []
    panels += [_cutoffs(system, found)] if found.cutoffs else []
    behind = [numbers_behind("Cut-offs as a table", _cutoff_table(system, found.cutoffs))] if found.cutoffs else []
    shown = tag("div", *panels, class_="panels")
    return tag("details", tag("summary", tag("h3", named(system, position))), shown, *behind, class_="worth", open=position <= _OPEN)


def _distribution(system: System, found: Scores) -> Markup:
    drawn = draw_distribution(found.distribution, name=system.name, width=PANEL)
    if found.auc is None:
        return figure(drawn, _HALVES, title="Scores")
    chance = f"{_HALVES} A relevant candidate outscores an irrelevant one in {share(found.auc)} of all cases (AUC; 50\u00a0% is chance)."
    return figure(drawn, chance, title="Scores")


def _reliability(system: System, found: Scores) -> Markup:
    drawn = draw_reliability_diagram(found.reliability, name=system.name, expected_error=found.expected_error, width=PANEL)
    error = "" if found.expected_error is None else f" Expected calibration error {measure(found.expected_error)}."
    fix = " adjudge calibrate fits them to your data." if found.expected_error is not None and found.expected_error > 0.05 else ""
    return figure(drawn, f"On the diagonal, 0.8 means right eight times in ten.{error}{fix}", title="Reliability")


def _cutoffs(system: System, found: Scores) -> Markup:
    edges = found.distribution.edges
    span = (0.0, 1.0) if found.probabilities else (edges[0], edges[-1])
    best = best_f1(found.cutoffs)
    kept = f"F1 is best at {plain(round(best.score, 3))}: precision {share(best.precision)}, recall {share(best.recall)}"
    caption = f"{kept}, {best.kept_per_query:.1f} kept of a query. Recall is of the relevant candidates."
    return figure(draw_cutoffs(found.cutoffs, span, name=system.name, width=PANEL), caption, title="Cut-offs")


def _cutoff_table(system: System, points: Sequence[CutOffPoint]) -> Markup:
    best = best_f1(points)
    wanted = points if len(points) <= _SHOWN else [points[at * (len(points) - 1) // (_SHOWN - 1)] for at in range(_SHOWN)]
    shown = sorted({*wanted, best}, key=lambda point: point.score)
    head = ["Keep from", "Precision", "Recall", "F1", "Kept of a query"]
    rows = [
        [
            group(plain(round(one.score, 4)), tag("small", "best F1") if one is best else ""),
            share(one.precision),
            share(one.recall),
            measure(one.f1),
            f"{one.kept_per_query:.1f}",
        ]
        for one in shown
    ]
    return table(f"Cut-offs of {system.name}", head, rows)

"""The points of the curve: how much the strong judge reads, what comes out of it, and what it took."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjudge.config import CascadeConfig
from adjudge.engine.cascade import Cascade
from adjudge.engine.documents import accept_documents
from adjudge.engine.ranking import RankOptions
from adjudge.models.spec import ModelSpec
from adjudge.reranker import Reranker
from adjudge.types import Ranking

__all__ = ["MEASURES", "Point", "Question", "Seen", "flops_a_token", "mean_points", "quality", "run", "summary"]

MEASURES = ("nDCG@10", "Success@1")
EVERYTHING = RankOptions(top_n=None, threshold=None, normalize=True)


@dataclass(frozen=True, slots=True)
class Point:
    """One setting. `keep`: documents that the strong judge reads, 0 for none at all, None where the budget decides."""

    keep: int | None
    budget_ms: float | None = None

    @property
    def name(self) -> str:
        """For tables and JSON."""
        if self.budget_ms is not None:
            return f"{self.budget_ms:g} ms"
        return "first alone" if self.keep == 0 else f"keep {self.keep}"


@dataclass(frozen=True, slots=True)
class Question:
    """A query, its candidates as the first stage ordered them, and which of them answer it."""

    id: str
    text: str
    candidates: dict[str, str]  # document id -> text
    relevant: tuple[str, ...]  # also those that are no candidates: what was not found cannot be ranked, and counts


@dataclass(frozen=True, slots=True)
class Seen:
    """One question at one point."""

    order: tuple[str, ...]  # document ids, best first
    strong_first: tuple[str, ...]  # the same, were what the strong judge read put before the rest
    read: int  # documents that the strong judge read
    first_tokens: int
    strong_tokens: int
    milliseconds: float  # wall clock, from texts to the ranking


def run(first: Reranker, strong: Reranker, questions: Sequence[Question], points: Sequence[Point]) -> dict[Point, list[Seen]]:
    """Every question at every point, in an order of points that moves on by one each question, so that noise hits all alike."""
    cascades = {
        point: Cascade(first.engine, strong.engine, CascadeConfig(first=first.model.name, keep=point.keep or None)) for point in points
    }
    found: dict[Point, list[Seen]] = {point: [] for point in points}
    for question in questions[:1]:  # set-up, and what the strong judge costs, are no part of the figures
        for point in points:
            _ask(first, cascades[point], question, point)
    for number, question in enumerate(questions):
        shift = number % len(points)
        looked = first.rank(question.text, list(question.candidates.values())).usage.tokens
        for point in [*points[shift:], *points[:shift]]:
            began = time.perf_counter()
            ranking = _ask(first, cascades[point], question, point)
            taken = (time.perf_counter() - began) * 1e3
            found[point].append(_seen(ranking, question, point, looked, strong.model.name, taken))
    return found


def _ask(first: Reranker, cascade: Cascade, question: Question, point: Point) -> Ranking:
    documents = list(question.candidates.values())
    if point.keep == 0:
        return first.rank(question.text, documents)
    return cascade.rank([(question.text, accept_documents(documents))], EVERYTHING, budget_ms=point.budget_ms)[0]


def _seen(ranking: Ranking, question: Question, point: Point, looked: int, strong: str, milliseconds: float) -> Seen:
    ids = list(question.candidates)
    spared = point.budget_ms is None and point.keep is not None and 0 < len(ids) <= point.keep
    by_first = 0 if spared else looked
    return Seen(
        order=tuple(ids[r.index] for r in ranking),
        strong_first=tuple(ids[r.index] for r in sorted(ranking, key=lambda r: r.judge != strong)),
        read=sum(r.judge == strong for r in ranking),
        first_tokens=by_first,
        strong_tokens=ranking.usage.tokens - by_first,
        milliseconds=milliseconds,
    )


def flops_a_token(spec: ModelSpec) -> float:
    """Floating-point operations of the layers' matrices for one token; embeddings, attention's own products and the head left out."""
    return 2.0 * spec.layers * (4 * spec.hidden_size**2 + 2 * spec.hidden_size * spec.intermediate_size)


def quality(orders: Sequence[Sequence[str]], questions: Sequence[Question]) -> dict[str, list[float]]:
    """Each measure for each question, by ir_measures. A question whose candidates hold no answer scores 0."""
    import ir_measures

    measures = {ir_measures.parse_measure(name): name for name in MEASURES}
    qrels = [ir_measures.Qrel(question.id, document, 1) for question in questions for document in question.relevant]
    run = [
        ir_measures.ScoredDoc(question.id, document, float(-rank))
        for question, order in zip(questions, orders, strict=True)
        for rank, document in enumerate(order)
    ]
    found = {name: dict.fromkeys((question.id for question in questions), 0.0) for name in MEASURES}
    for metric in ir_measures.iter_calc(list(measures), qrels, run):
        found[measures[metric.measure]][metric.query_id] = float(metric.value)
    return {name: [values[question.id] for question in questions] for name, values in found.items()}


def summary(found: dict[Point, list[Seen]], questions: Sequence[Question], flops: tuple[float, float]) -> list[dict[str, Any]]:
    """One row a point. `flops`: of a token of the first and of the strong model. Differences are to the point that reads most."""
    best = quality([seen.order for seen in found[max(found, key=_reads)]], questions)
    rows = []
    for point, all_seen in found.items():
        values = quality([seen.order for seen in all_seen], questions)
        apart = quality([seen.strong_first for seen in all_seen], questions)
        milliseconds = [seen.milliseconds for seen in all_seen]
        row: dict[str, Any] = {"point": point.name, "keep": point.keep, "budget_ms": point.budget_ms}
        row |= {name: statistics.fmean(values[name]) for name in MEASURES}
        row |= {f"{name} strong first": statistics.fmean(apart[name]) for name in MEASURES}
        row |= {f"{name} less than the most": _difference(best[name], values[name]) for name in MEASURES}
        row["read"] = statistics.fmean(seen.read for seen in all_seen)
        row["first_tokens"] = statistics.fmean(seen.first_tokens for seen in all_seen)
        row["strong_tokens"] = statistics.fmean(seen.strong_tokens for seen in all_seen)
        row["gigaflop"] = (row["first_tokens"] * flops[0] + row["strong_tokens"] * flops[1]) / 1e9
        row["ms"] = statistics.fmean(milliseconds)
        row["ms_median"] = statistics.median(milliseconds)
        row["ms_p95"] = float(np.percentile(milliseconds, 95))
        if point.budget_ms is not None:
            row["late"] = statistics.fmean(m > point.budget_ms for m in milliseconds)
        rows.append(row)
    return rows


def mean_points(sets: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The mean over sets, each set counting alike, of every number of a row. Of differences only the mean is kept."""
    rows = []
    for parts in zip(*sets, strict=True):
        row: dict[str, Any] = {name: parts[0][name] for name in ("point", "keep", "budget_ms")}
        for name, value in parts[0].items():
            if name not in row:
                inner = isinstance(value, dict)
                row[name] = statistics.fmean(part[name]["mean"] if inner else part[name] for part in parts)
        rows.append(row)
    return rows


def _reads(point: Point) -> float:
    return -1.0 if point.keep is None else float(point.keep)


def _difference(best: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    """Mean of the paired differences, and its standard error."""
    lost = [b - v for b, v in zip(best, values, strict=True)]
    error = statistics.stdev(lost) / len(lost) ** 0.5 if len(lost) > 1 else float("inf")
    return {"mean": statistics.fmean(lost), "standard_error": error}

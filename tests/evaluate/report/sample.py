"""Evaluations to draw: drawn at random where only shapes matter, consistent in themselves, as large or as bare as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adjudge.evaluate.calibration_error import bins, expected_error
from adjudge.evaluate.result import (
    Change,
    Comparison,
    ComparisonKind,
    Cost,
    CutOffPoint,
    DataFacts,
    Distribution,
    Environment,
    Estimate,
    Evaluation,
    Latency,
    Loss,
    Problem,
    Query,
    ReliabilityBin,
    Scores,
    Settings,
    ShownDocument,
    System,
    Verdict,
)
from adjudge.evaluate.separation import auc, kept_at

__all__ = ["HOSTILE", "LOSSES", "Shape", "evaluation"]

Floats = NDArray[np.float64]

HOSTILE = "<script>alert('x')</script> & \"quotes\" </style> ]]> \u202e\x00\x1b[31m"

MEASURES = ("nDCG@10", "RR@10", "Success@1", "Success@3", "R@100", "AP")
SPREAD = {"nDCG@10": 1.0, "RR@10": 1.05, "Success@1": 0.8, "Success@3": 1.25, "R@100": 1.35, "AP": 0.9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the evaluation has."""

    rerankers: tuple[tuple[str, float, float], ...] = (("embedded", 0.16, 41.0),)  # name, gain, milliseconds
    queries: int = 300
    languages: tuple[str, ...] = ("en", "zh", "es")
    losses: Sequence[Loss] = ()
    timed: bool = True
    scored: bool = True
    probabilities: bool = True
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    name: str = "mlqa-dev"


def _document(id: str, text: str, grade: float | None, ranks: tuple[int, int | None], score: float) -> ShownDocument:
    relevant = grade is not None and grade >= 1
    return ShownDocument(id=id, text=text, grade=grade, relevant=relevant, rank=ranks[0], other_rank=ranks[1], score=score)


MOVED = (
    "The museum moved into its present building on the river in 1974, after a fire had made the old hall unsafe. "
    "The move took eleven weeks, and two of the largest canvases had to be lowered through the roof."
)
OPENED, BUILT = "The museum of modern art opened in 1929.", "The building was designed by two brothers."
PANDA = "一只成年大熊猫每天要吃十二到三十八公斤竹子，一天中有十几个小时都在进食。"

LOSSES = (
    Loss(
        query="q-17",
        text="Which year did the museum of modern art move to its present building?",
        language="en",
        before=1.0,
        after=0.315,
        top_before=(
            _document("d-301", MOVED, 1.0, (1, 6), 14.2),
            _document("d-12", OPENED, 0.0, (2, 1), 13.9),
            _document("d-77", BUILT, None, (3, 2), 9.0),
        ),
        top_after=(
            _document("d-12", OPENED, 0.0, (1, 2), 0.912),
            _document("d-77", BUILT, None, (2, 3), 0.88),
            _document("d-90", "A new wing for modern art was promised for 2011.", None, (3, None), 0.41),
        ),
    ),
    Loss(
        query="q-203",
        text="متى تأسست جامعة القاهرة؟",
        language="ar",
        before=0.63,
        after=0.0,
        top_before=(_document("أ-1", "تأسست جامعة القاهرة عام 1908.", 2.0, (1, 1), 8.0),),
        top_after=(),
    ),
    Loss(
        query="q-8",
        text="大熊猫每天吃多少竹子？",
        language="zh",
        before=1.0,
        after=0.5,
        top_before=(_document("c-4", PANDA, 1.0, (1, 2), 21.0),),
        top_after=(_document("c-9", "小熊猫吃竹叶，也吃果实和鸟蛋。", 0.0, (1, 2), 0.77), _document("c-4", PANDA, 1.0, (2, 1), 0.74)),
    ),
)


def evaluation(shape: Shape | None = None) -> Evaluation:
    """The same one for the same shape."""
    wanted = Shape() if shape is None else shape
    rng = np.random.default_rng(5)
    asked = [wanted.languages[int(n)] for n in rng.geometric(0.45, wanted.queries) % len(wanted.languages)]
    before = np.where(rng.random(wanted.queries) < 0.2, 0.0, rng.beta(2.2, 2.0, wanted.queries))
    first = _system("bm25", before, asked, "first_stage")
    systems = [replace(first, cost=_cost(2.4, rng) if wanted.timed else None)]
    for name, gain, milliseconds in wanted.rerankers:
        after = np.clip(before + np.where(rng.random(wanted.queries) < 0.25, 0.0, rng.normal(gain * 4 / 3, 0.22, wanted.queries)), 0, 1)
        made = _system(name, after, asked, "reranker")
        cost = _cost(milliseconds, rng, candidates=100) if wanted.timed else None
        systems.append(replace(made, cost=cost, scores=_scores(wanted, gain, rng) if wanted.scored else None))
    comparisons = [_compared(one, systems[0], asked, wanted, kind="gain") for one in systems[1:]]
    comparisons += [_compared(one, systems[1], asked, wanted, kind="rival") for one in systems[2:]]
    nothing = Verdict(kind="not_reranked", sentence="No reranker was named; the first stage reaches nDCG@10 0.412 on 300 queries")
    verdict = comparisons[0].verdict if comparisons else nothing
    return Evaluation(
        created="2026-11-22T11:42:00+00:00",
        verdict=verdict,
        data=DataFacts(
            name=wanted.name,
            format="beir",
            digest="9f" * 32,
            queries=wanted.queries,
            documents=5183,
            judgements=9120,
            relevant=411,
            recall_of_candidates=0.9634,
            problems=wanted.problems,
        ),
        settings=Settings(
            retriever="bm25",
            rerankers=tuple(name for name, _, _ in wanted.rerankers),
            candidates=100,
            measures=MEASURES,
            main="nDCG@10",
            seed=7,
            resamples=10_000,
            least_gain=0.01,
        ),
        queries=tuple(
            Query(id=f"q-{n}", text=f"query {n}", language=language, judged=30, relevant=1, relevant_in_candidates=1, candidates=100)
            for n, language in enumerate(asked)
        ),
        systems=tuple(systems),
        comparisons=tuple(comparisons),
        machine=Environment(
            system="Linux 6.8",
            processor="a processor with AVX-512",
            cores=2,
            memory_gib=24.0,
            python="3.11.9",
            versions={"adjudge": "0.9.0", "openvino": "2026.4.0"},
        ),
        warnings=wanted.warnings,
    )


def _system(name: str, values: Floats, asked: Sequence[str], kind: str) -> System:
    per_query = {measure: np.clip(values * factor, 0, 1) for measure, factor in SPREAD.items()}
    places = {language: np.array([at for at, one in enumerate(asked) if one == language]) for language in dict.fromkeys(asked)}
    return System(
        name=name,
        kind="first_stage" if kind == "first_stage" else "reranker",
        means={measure: _estimate(found) for measure, found in per_query.items()},
        languages={
            language: {measure: _estimate(found[chosen]) for measure, found in per_query.items()} for language, chosen in places.items()
        },
        per_query={measure: tuple(float(v) for v in found) for measure, found in per_query.items()},
        runtime="" if kind == "first_stage" else "openvino cpu int8",
    )


def _estimate(values: Floats) -> Estimate:
    mean, reach = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    return Estimate(mean=mean, low=max(0.0, mean - reach), high=min(1.0, mean + reach), queries=len(values))


def _change(before: Floats, after: Floats) -> Change:
    differences = after - before
    mean, reach = float(differences.mean()), 1.96 * float(differences.std()) / len(differences) ** 0.5
    return Change(
        before=float(before.mean()), after=float(after.mean()), difference=mean, low=mean - reach, high=mean + reach, queries=len(before)
    )


def _compared(system: System, baseline: System, asked: Sequence[str], wanted: Shape, *, kind: ComparisonKind) -> Comparison:
    pairs = {name: (np.array(baseline.per_query[name]), np.array(system.per_query[name])) for name in MEASURES}
    before, after = pairs["nDCG@10"]
    change = _change(before, after)
    helps = "helps" if change.low > 0.01 else "hurts" if change.high < 0 else "cannot_tell"
    words = {"helps": "Reranking helps here", "hurts": "Reranking hurts here", "cannot_tell": f"Cannot tell with {wanted.queries} queries"}
    numbers = (
        f"nDCG@10 {change.before:.2f} -> {change.after:.2f} ({change.difference:+.2f}, 95 % interval {change.low:.2f} to {change.high:.2f})"
    )
    return Comparison(
        system=system.name,
        baseline=baseline.name,
        kind=kind,
        changes={name: _change(*pair) for name, pair in pairs.items()},
        languages={
            language: _change(*(values[[one == language for one in asked]] for values in (before, after)))
            for language in dict.fromkeys(asked)
        },
        p_value=0.0002,
        p_corrected=0.0004,
        corrected_for=len(wanted.rerankers),
        wins=int((after > before).sum()),
        losses=int((after < before).sum()),
        ties=int((after == before).sum()),
        worst_losses=tuple(wanted.losses) if kind == "gain" else (),
        verdict=Verdict(
            kind=helps,
            sentence=f"{words[helps]}: {numbers}, 41 ms per query",
            system=system.name,
            queries_needed=1800 if helps == "cannot_tell" else None,
        ),
    )


def _cost(p50: float, rng: np.random.Generator, *, candidates: int | None = None) -> Cost:
    times = p50 * rng.lognormal(0.0, 0.25, 300)

    def latency(values: Floats) -> Latency:
        return Latency(p50=float(np.median(values)), p95=float(np.quantile(values, 0.95)), mean=float(values.mean()), count=len(values))

    return Cost(
        query_ms=latency(times),
        pair_ms=latency(times / candidates) if candidates else None,
        load_ms=12 * p50,
        memory_mib=210 + 6 * p50,
        memory_before_mib=96.0,
        pairs=300 * candidates if candidates else 0,
    )


def _scores(wanted: Shape, gain: float, rng: np.random.Generator) -> Scores:
    relevant = (rng.random(6000) < 0.15).astype(np.float64)
    logits = rng.normal(-3.2, 1.7, 6000) + relevant * (2.2 + 12 * gain)
    scores = 1 / (1 + np.exp(-logits)) if wanted.probabilities else logits
    edges = np.linspace(0, 1, 21) if wanted.probabilities else np.linspace(scores.min(), scores.max(), 21)
    judged = rng.random(6000) < 0.8
    kinds = ((relevant > 0.5) & judged, (relevant < 0.5) & judged, ~judged)
    counts = [tuple(int(n) for n in np.histogram(scores[kind], edges)[0]) for kind in kinds]
    found = [kept_at(float(cut), scores, relevant) for cut in np.quantile(scores, np.linspace(0.02, 0.995, 60))]
    diagram = bins(scores, relevant, count=10) if wanted.probabilities else ()
    return Scores(
        score_type="calibrated" if wanted.probabilities else "logit",
        probabilities=wanted.probabilities,
        distribution=Distribution(edges=tuple(map(float, edges)), relevant=counts[0], irrelevant=counts[1], unjudged=counts[2]),
        auc=auc(scores, relevant),
        cutoffs=tuple(
            CutOffPoint(score=one.score, precision=one.precision or 0.0, recall=one.recall, f1=one.f1, kept_per_query=100 * one.share)
            for one in found
        ),
        reliability=tuple(
            ReliabilityBin(low=b.low, high=b.high, pairs=b.pairs, said=b.said, found=b.found, least=b.least, most=b.most) for b in diagram
        ),
        expected_error=expected_error(scores, relevant) if wanted.probabilities else None,
    )

"""Lists into one: the formulas, by hand and by property; scales that keep the order; curves that are the likeliest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ConfigError, InputError
from adjudge.retrieval.base import Candidate
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.fusion import RRF, Fusion, Weighted, fuse
from adjudge.retrieval.hybrid import HybridRetriever
from adjudge.retrieval.scores import Logistic, MinMax, fit_logistic, fit_scalings
from adjudge.types import Document
from tests.retrieval.corpora import CORPUS, QRELS, QUERIES


def found(stage: str, **scores: float) -> tuple[Candidate, ...]:
    """A list of documents by id, in the order given."""
    return tuple(
        Candidate(document=Document(name, name), score=score, rank=rank, scores={stage: score}, ranks={stage: rank})
        for rank, (name, score) in enumerate(scores.items(), 1)
    )


WORDS, VECTORS = found("bm25", a=12.0, b=6.0, c=0.0), found("dense", d=0.9, b=0.8, a=0.7)
LISTS = {"bm25": WORDS, "dense": VECTORS}


def fused(fusion: Fusion, k: int = 10) -> dict[str, float]:
    return {one.document.text: one.score for one in fuse(LISTS, fusion, k=k)}


def test_reciprocal_rank_fusion() -> None:
    scores = fused(RRF())
    assert list(scores) == ["a", "b", "d", "c"]
    assert scores == pytest.approx({"a": 1 / 61 + 1 / 63, "b": 2 / 62, "d": 1 / 61, "c": 1 / 63})
    assert fused(RRF(k=0))["a"] == pytest.approx(1 + 1 / 3)
    assert list(fused(RRF(weights={"bm25": 0}))) == ["d", "b", "a", "c"]


def test_weighted_means_of_scaled_scores() -> None:
    scores = fused(Weighted({"bm25": 1, "dense": 3}))
    assert scores == pytest.approx({"d": 0.75, "b": 0.25 * 0.5 + 0.75 * 0.5, "a": 0.25, "c": 0.0})
    assert fused(Weighted({"bm25": 10, "dense": 30})) == pytest.approx(scores)
    floors = Weighted({"bm25": 1, "dense": 1}, {"bm25": MinMax(floor=0.0), "dense": MinMax(floor=-1.0)})
    assert fused(floors)["a"] == pytest.approx((1 + 1.7 / 1.9) / 2)


def test_every_stage_is_accounted_for() -> None:
    best = fuse(LISTS, RRF(), k=2)
    assert [one.rank for one in best] == [1, 2]
    assert best[0].scores == {"bm25": 12.0, "dense": 0.7, "hybrid": best[0].score}
    assert best[0].ranks == {"bm25": 1, "dense": 3, "hybrid": 1}
    assert fuse(LISTS, RRF(), k=4)[2].ranks == {"dense": 1, "hybrid": 3}


def test_ties_go_by_rank_then_by_list() -> None:
    lists = {"one": found("one", a=1.0, b=1.0), "two": found("two", c=1.0, d=1.0)}
    assert [one.document.text for one in fuse(lists, RRF(), k=9)] == ["a", "c", "b", "d"]


def test_documents_without_ids_are_told_apart_by_text() -> None:
    def plain(text: str, rank: int) -> Candidate:
        return Candidate(document=Document(text), score=1 / rank, rank=rank)

    lists = {"one": (plain("same", 1), plain("same", 2)), "two": (plain("same", 1), plain("other", 2))}
    merged = fuse(lists, RRF(k=0), k=9)
    assert {one.document.text: one.score for one in merged} == {"same": 2.0, "other": 0.5}


@pytest.mark.parametrize(
    "make",
    [
        lambda: RRF(k=-1),
        lambda: RRF(k=math.nan),
        lambda: RRF(k=True),
        lambda: RRF(weights={"a": -1}),
        lambda: Weighted({}),
        lambda: Weighted({"a": 0.0}),
        lambda: Weighted({"a": math.inf}),
        lambda: Weighted(0.5),  # type: ignore[arg-type]
        lambda: MinMax(floor=math.nan),
        lambda: Logistic(-1.0, 0.0),
        lambda: fuse(LISTS, Weighted({"bm25": 1}), k=3),
        lambda: fuse(LISTS, RRF(weights={"splade": 1}), k=3),
        lambda: fuse(LISTS, Weighted({"bm25": 1, "dense": 1}, {"bm25": MinMax()}), k=3),
        lambda: fuse(LISTS, "rrf", k=3),  # type: ignore[arg-type]
    ],
)
def test_senseless_settings_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ConfigError):
        make()


_scores = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(scores=_scores, scaling=st.sampled_from([MinMax(), MinMax(floor=-60.0), MinMax(floor=0.0), Logistic(0.3, -1.0), Logistic(0.0, 2.0)]))
def test_scales_run_from_0_to_1_and_keep_the_order(scores: list[float], scaling: MinMax | Logistic) -> None:
    given_scores = np.array(scores)
    scaled = scaling(given_scores)
    assert ((scaled >= 0) & (scaled <= 1)).all()
    order = np.argsort(given_scores, kind="stable")
    assert (np.diff(scaled[order]) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_fitted_curve_is_the_likeliest(data: st.DataObject) -> None:
    scores = data.draw(st.lists(st.floats(-20, 80, width=32), min_size=2, max_size=20))
    relevant = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)).filter(lambda r: any(r) and not all(r)))
    curve = fit_logistic(scores, relevant)
    positive, negative = sum(relevant), len(relevant) - sum(relevant)
    target = np.where(relevant, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = np.array(scores, np.float64)
    assert curve.slope >= 0

    def loss(slope: float, intercept: float) -> float:
        logits = slope * x + intercept
        return float(np.sum(np.logaddexp(0, logits) - target * logits))

    least, spread = loss(curve.slope, curve.intercept), max(float(x.std()), 1e-3)
    centre = float(x.mean())
    for step in (-0.05, 0.05):
        assert least <= loss(curve.slope, curve.intercept + step) + 1e-6
        slope = curve.slope + step / spread
        if slope >= 0:
            assert least <= loss(slope, curve.intercept - (slope - curve.slope) * centre) + 1e-6


def test_curves_find_what_made_the_scores() -> None:
    random = np.random.default_rng(4)
    scores = random.normal(10, 4, 20_000)
    relevant = random.random(20_000) < 1 / (1 + np.exp(-(0.6 * scores - 7)))
    curve = fit_logistic(scores.tolist(), relevant.tolist())
    assert curve.slope == pytest.approx(0.6, abs=0.03)
    assert curve.intercept == pytest.approx(-7, abs=0.35)


def test_scores_that_say_nothing_get_a_flat_curve() -> None:
    assert fit_logistic([1.0, 1.0, 1.0], [True, False, False]).slope == 0
    assert fit_logistic([3.0, 2.0, 1.0], [False, False, True]).slope == 0
    for scores, relevant in (([1.0, 2.0], [True, True]), ([], []), ([math.nan, 1.0], [True, False]), ([1.0], [True, False])):
        with pytest.raises(InputError):
            fit_logistic(scores, relevant)


def test_curves_are_fitted_on_judged_queries() -> None:
    retriever = BM25Retriever.from_documents(CORPUS)
    scalings = fit_scalings([retriever], QUERIES, QRELS)
    assert scalings["bm25"].slope > 0
    hybrid = HybridRetriever([retriever], Weighted({"bm25": 1.0}, scalings))
    best = hybrid.retrieve(QUERIES["q-caffeine"], 1).candidates[0]
    assert best.document.id == "caffeine-en"
    assert best.score == pytest.approx(float(scalings["bm25"](np.array([best.scores["bm25"]]))[0]))
    with pytest.raises(InputError, match="'bm25' cannot be fitted"):
        fit_scalings([retriever], QUERIES, {"q-panda": {"nothing": 1}})

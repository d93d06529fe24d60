"""The judge's order joined with the first stage's: what comes first, what is cut, and what a tuning makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Document, Reranker
from adjudge.answer import Answerer
from adjudge.errors import ConfigError
from adjudge.pipeline import Pipeline, PipelineConfig, RankFusion, TuneConfig
from adjudge.pipeline.fusing import fused, parse_fusion
from adjudge.retrieval.base import Candidate
from adjudge.retrieval.fusion import RRF, fuse
from tests.pipeline.searching import QRELS, QUERIES, Given, bm25
from tests.pipeline.test_pipeline import QUERY, account
from tests.pipeline.test_tune import question


def test_places_are_added_up() -> None:
    order = fused([1, 2, 3], [9, 1, 2], RankFusion(1.0, k=0))
    assert [at for at, _ in order] == [1, 0, 2]
    assert [worth for _, worth in order] == pytest.approx([1 / 2 + 1, 1 + 1 / 9, 1 / 3 + 1 / 2])


def test_equal_worth_goes_by_the_judge() -> None:
    assert [at for at, _ in fused([1, 2], [2, 1], RankFusion(1.0))] == [0, 1]
    assert [at for at, _ in fused([2, 1], [1, 2], RankFusion(1.0))] == [1, 0]


@given(st.permutations(range(1, 13)), st.floats(0, 4), st.floats(0, 100))
def test_it_is_the_fusion_of_first_stages(places: list[int], weight: float, k: float) -> None:
    """`places`: of the judge's best, second, ... document in the first stage's list."""
    documents = {place: Document(f"text {place}", str(place)) for place in places}
    judge = [Candidate(document=documents[place], score=0.0, rank=rank) for rank, place in enumerate(places, 1)]
    first = [Candidate(document=documents[place], score=0.0, rank=place) for place in sorted(places)]
    theirs = {c.document.id: c.score for c in fuse({"judge": judge, "first": first}, RRF(k, {"first": weight}), k=12)}
    ours = fused(range(1, 13), places, RankFusion(weight, k=k))
    assert {str(places[at]): worth for at, worth in ours} == pytest.approx(theirs)
    assert [worth for _, worth in ours] == sorted((worth for _, worth in ours), reverse=True)


@given(st.permutations(range(1, 9)))
def test_without_weight_the_judge_is_alone(places: list[int]) -> None:
    assert [at for at, _ in fused(range(1, 9), places, RankFusion(0.0))] == list(range(8))


def test_a_search(word_judge: Reranker) -> None:
    alone = Pipeline(bm25(), word_judge, top_n=None).search(QUERY)
    both = Pipeline(bm25(), word_judge, top_n=None, fusion=0.5).search(QUERY)
    assert {hit.candidate: hit.score for hit in both} == {hit.candidate: hit.score for hit in alone}
    expected = fused([hit.ranks["judge"] for hit in alone], [hit.ranks["bm25"] for hit in alone], RankFusion(0.5))
    assert [hit.candidate for hit in both] == [alone[at].candidate for at, _ in expected]
    assert [hit.scores["fusion"] for hit in both] == [worth for _, worth in expected]
    assert all(hit.score == hit.scores["judge"] and hit.rank == hit.ranks["fusion"] for hit in both)
    assert {hit.candidate: hit.ranks["judge"] for hit in both} == {hit.candidate: hit.rank for hit in alone}


def test_a_large_weight_gives_the_first_stages_order(word_judge: Reranker) -> None:
    result = Pipeline(Given(), word_judge, top_n=4, fusion=1e6).search(QUERY)
    assert [hit.candidate for hit in result] == [0, 1, 2, 3]
    assert {hit.rule for hit in result.dropped} == {"top_n=4"}
    assert all(hit.passage is None for hit in result.dropped)
    assert all(hit.passage is not None for hit in result)


def test_the_ranking_is_what_is_shown(word_judge: Reranker) -> None:
    """An answer is written from the ranking: in the order of the results, and from no more of them."""
    result = Pipeline(Given(), word_judge, top_n=3, fusion=1e6).search(QUERY)
    account(result)
    assert [hit.candidate for hit in result] == [0, 1, 2]
    ranking = result.ranking
    assert ranking is not None
    assert [one.score for one in ranking] == [hit.score for hit in result]
    assert [(one.index, one.score, one.rule) for one in ranking.dropped] == [(hit.candidate, hit.score, hit.rule) for hit in result.dropped]
    assert [one.document for one in ranking.dropped] == [hit.document for hit in result.dropped]
    assert all(one.judge for one in ranking.dropped)
    explained = ranking.explain(1)
    assert (explained.index, explained.score) == (1, pytest.approx(ranking[1].score))
    with Answerer() as answerer:
        assert [source.document for source in answerer.answer(ranking).sources] == [hit.document for hit in result]


def test_nothing_that_a_threshold_drops_is_in_the_ranking(word_judge: Reranker) -> None:
    middle = Pipeline(Given(), word_judge, top_n=None).search(QUERY)[4].score
    result = Pipeline(Given(), word_judge, top_n=1, threshold=middle, fusion=1e6).search(QUERY)
    account(result)
    assert result.ranking is not None
    assert all(one.score >= middle for one in result.ranking)
    rules = {one.index: one.rule for one in result.ranking.dropped}
    assert {rule.partition("=")[0].partition(":")[0] for rule in rules.values()} == {"top_n", "absolute"}
    assert rules == {hit.candidate: hit.rule for hit in result.dropped}


@settings(max_examples=30)
@given(
    texts=st.lists(st.text("panda eat bamboo. ", max_size=30), max_size=8),
    top_n=st.none() | st.integers(0, 9),
    threshold=st.none() | st.floats(0, 1) | st.just("dynamic"),
    weight=st.floats(0, 3),
)
def test_every_document_is_accounted_for(
    word_judge: Reranker, texts: list[str], top_n: int | None, threshold: float | str | None, weight: float
) -> None:
    documents = tuple(Document(text, str(at)) for at, text in enumerate(texts))
    options = {"top_n": top_n, "threshold": threshold}
    alone = Pipeline(Given(documents), word_judge, top_n=None, threshold=threshold).search("panda eat")
    result = Pipeline(Given(documents), word_judge, **options, fusion=weight).search("panda eat")  # type: ignore[arg-type]
    account(result)
    assert len(result) == min(len(alone), math.inf if top_n is None else top_n)
    assert {hit.candidate for hit in result} <= {hit.candidate for hit in alone}, "what a threshold drops, no first stage brings back"


def test_a_fusion_is_for_one_search_too(word_judge: Reranker) -> None:
    pipeline = Pipeline(Given(), word_judge, fusion=RankFusion(1e6, k=60))
    assert pipeline.search(QUERY)[0].candidate == 0
    account(pipeline.search(QUERY, fusion=None))
    assert pipeline.config.fusion == RankFusion(1e6, k=60)
    assert str(pipeline).endswith("fusion=1e+06 with k=60)")
    assert PipelineConfig(fusion=0.5).fusion == RankFusion(0.5)


@pytest.mark.parametrize("wrong", [-0.5, math.nan, math.inf, True, "0.5", RRF(20)], ids=repr)
def test_what_is_no_weight(word_judge: Reranker, wrong: object) -> None:
    with pytest.raises(ConfigError, match=r"^fusion"):
        Pipeline(Given(), word_judge, fusion=wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^fusion"):
        Pipeline(Given(), word_judge).tune(QUERIES, QRELS, TuneConfig(fusions=(wrong,)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="k must be"):
        RankFusion(0.5, k=-1)


def test_a_first_stage_alone_joins_nothing() -> None:
    with pytest.raises(ConfigError, match="fusion are for judging"):
        Pipeline(Given(), None, fusion=0.5)
    assert parse_fusion(None) is None


def test_a_trial_orders_as_the_search_does(word_judge: Reranker) -> None:
    pipeline = Pipeline(Given(), word_judge, candidates=14, top_n=5, fusion=0.7)
    tuning = pipeline.tune(QUERIES, QRELS, TuneConfig(candidates=(14,), fusions=(2.0,), resamples=200))
    assert {trial.fusion for trial in tuning.trials if trial.rerank} == {None, RankFusion(0.7), RankFusion(2.0)}
    found = [[hit.document.id for hit in pipeline.search(text)] for text in QUERIES.values()]
    gains = [1 / np.log2(ids.index(name[2:]) + 2) if name[2:] in ids else 0.0 for name, ids in zip(QUERIES, found, strict=True)]
    assert next(trial for trial in tuning.trials if trial.current).mean == pytest.approx(np.mean(gains))
    assert any("judged, fusion 0.7" in line for line in tuning.lines(most=99))


def test_trials_show_what_joining_is_worth(word_judge: Reranker) -> None:
    """The first stage has the answer first, the judge, to whom the four others share more words with the question, last."""
    answer = Document("κείμενο", "right")
    stage = Given((answer, *(Document(f"the panda number {at}", str(at)) for at in range(4))))
    questions = {f"q{at}": f"the panda of {at + 10}" for at in range(12)}
    config = TuneConfig(candidates=(5,), fusions=(0.5, 1.0), resamples=200)
    tuning = Pipeline(stage, word_judge, candidates=5, top_n=5).tune(questions, {name: {"right": 1} for name in questions}, config)
    worth = {trial.fusion: trial.mean for trial in tuning.trials if trial.rerank}
    places = {None: 5, RankFusion(0.5): 4, RankFusion(1.0): 3}
    assert worth == pytest.approx({fusion: 1 / np.log2(place + 1) for fusion, place in places.items()})


def test_positions_of_a_trial() -> None:
    asked = question((2, 0, 3, 1), [3, 1, 0, 2])
    assert asked.ranked(0, 4, rerank=True, fusion=RankFusion(1e6)) == [2, 0, 3, 1]
    assert asked.ranked(0, 4, rerank=True, fusion=RankFusion(0.0)) == [3, 1, 0, 2]
    assert asked.ranked(0, 2, rerank=True, fusion=RankFusion(1e6)) == [2, 0]
    assert question((0, 1, 0, 3), [3, 1, 0, 2]).ranked(0, 4, rerank=True, fusion=RankFusion(1e6)) == [0, 1, 3], "of two places the first"

"""A search through two stages: every document that was found is accounted for, with what every stage said of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Absolute, Document, Reranker, WindowConfig
from adjudge.errors import ClosedError, ConfigError, InputError
from adjudge.pipeline import Pipeline, PipelineConfig, PipelineResult
from adjudge.retrieval.dense_retriever import DenseRetriever
from adjudge.retrieval.hybrid import HybridRetriever
from tests.engine.stand_ins import Gate, give_up, judge_with, model_of
from tests.pipeline.searching import CORPUS, QUERIES, Given, bm25

QUERY = "Do giant pandas eat nothing but bamboo, and is the sea salty?"  # BM25 finds several


def account(result: PipelineResult) -> None:
    """Every candidate is a result, dropped or refused, once; ranks rise, and the ranking has the same order."""
    places = [hit.candidate for hit in (*result.results, *result.dropped)] + [refused.index for refused in result.refused]
    assert sorted(places) == list(range(len(result.retrieval.candidates)))
    assert [hit.rank for hit in (*result.results, *result.dropped)] == list(range(1, len(result.results) + len(result.dropped) + 1))
    assert all(not hit.rule for hit in result.results)
    assert all(hit.rule for hit in result.dropped)
    for hit in (*result.results, *result.dropped):
        assert hit.document is result.retrieval.candidates[hit.candidate].document
    if result.ranking is not None:
        assert [hit.candidate for hit in result.results] == [ranked.index for ranked in result.ranking]
        assert [hit.candidate for hit in result.dropped] == [dropped.index for dropped in result.ranking.dropped]


@pytest.fixture(scope="module")
def pipeline(word_judge: Reranker) -> Pipeline:
    return Pipeline(bm25(), word_judge, top_n=3)


def test_a_search(pipeline: Pipeline) -> None:
    result = pipeline.search(QUERY)
    account(result)
    best = result[0]
    assert (best.document.id, best.rank, len(result)) == ("panda", 1, 3)
    assert set(best.scores) == set(best.ranks) == {"bm25", "judge"}
    assert best.score == best.scores["judge"]
    assert best.ranks["judge"] == 1
    assert best.passage is not None
    assert best.passage.text == best.document.text
    assert {hit.rule for hit in result.dropped} == {"top_n=3"}
    assert all(hit.passage is None for hit in result.dropped)
    assert result.query == QUERY


def test_scores_are_those_of_rank(pipeline: Pipeline, word_judge: Reranker) -> None:
    result = pipeline.search(QUERY)
    found = [candidate.document for candidate in result.retrieval.candidates]
    assert [hit.score for hit in result] == [ranked.score for ranked in word_judge.rank(QUERY, found, top_n=3)]


def test_the_clock_names_every_stage(pipeline: Pipeline) -> None:
    timings = pipeline.search(QUERY).timings
    assert list(timings) == ["bm25", "retrieve", "judge", "total"]
    assert all(spent >= 0 for spent in timings.values())
    assert timings["bm25"] <= timings["retrieve"] <= timings["total"]
    assert timings["total"] == pytest.approx(timings["retrieve"] + timings["judge"])


def test_ranks_of_every_stage_of_a_hybrid(embedded: Reranker) -> None:
    with closing(HybridRetriever([bm25(), DenseRetriever.from_documents(CORPUS)])) as hybrid:
        result = Pipeline(hybrid, embedded, top_n=2).search(QUERIES["q-竹"])
    account(result)
    assert result[0].document.id in ("竹", "panda")
    assert {"bm25", "dense", "hybrid", "judge"} == set(next(hit for hit in result if hit.document.id == "竹").ranks)
    assert {"embed", "dense", "fuse", "retrieve", "judge", "total"} <= set(result.timings)


def test_a_threshold_drops_and_says_so(pipeline: Pipeline) -> None:
    result = pipeline.search(QUERY, threshold=0.999, top_n=None)
    account(result)
    assert len(result) == 0
    assert {hit.rule for hit in result.dropped} == {"absolute:0.999 (cut-off 0.999)"}


def test_changes_are_for_one_search(pipeline: Pipeline) -> None:
    assert len(pipeline.search(QUERY, top_n=0)) == 0
    assert len(pipeline.search(QUERY, top_n=1)) == 1
    assert len(pipeline.search(QUERY, candidates=2).retrieval.candidates) <= 2
    assert len(pipeline.search(QUERY)) == 3
    assert pipeline.config == PipelineConfig(top_n=3)


def test_the_first_stage_alone() -> None:
    result = Pipeline(Given(), None, top_n=2).search(QUERY)
    account(result)
    assert [hit.document.id for hit in result] == ["panda", "tower"]
    assert result[0].scores == {"given": 1.0}
    assert result.ranking is None
    assert result[0].passage is not None
    assert list(result.timings) == ["look", "retrieve", "total"]
    assert result.dropped[0].rule == "top_n=2"
    assert len(Pipeline(Given(), None, top_n=None).search(QUERY)) == len(CORPUS)


def test_the_number_of_candidates_is_what_the_first_stage_is_asked_for(word_judge: Reranker) -> None:
    stage = Given(more=2)
    result = Pipeline(stage, word_judge, candidates=4).search(QUERY)
    account(result)
    assert stage.asked == [(QUERY, 4)]
    assert len(result.retrieval.candidates) == 4
    assert result.warnings == ("looked", "given brought 2 more than the 4 candidates that were asked for; they were left out")


def test_a_document_without_text_fails_nobody(word_judge: Reranker) -> None:
    result = Pipeline(Given((CORPUS[0], Document(" ", "empty"), CORPUS[1])), word_judge).search(QUERY)
    account(result)
    assert [refused.index for refused in result.refused] == [1]
    assert len(result) == 2


def test_nothing_is_found(word_judge: Reranker) -> None:
    result = Pipeline(Given(()), word_judge).search(QUERY)
    assert (len(result), result.dropped, result.refused) == (0, (), ())


def test_filters_reach_the_first_stage(pipeline: Pipeline) -> None:
    everywhere = pipeline.search("What is it made of?", top_n=None)
    only = pipeline.search("What is it made of?", top_n=None, where={"source": ["glass.md", "bread.md"]})
    assert {hit.document.id for hit in only} <= {"glass", "bread"}
    assert len(only) < len(everywhere)


def test_headings_are_read_with_the_passage(word_judge: Reranker) -> None:
    section = Document("Hold both keys for five seconds.", "a", {"headings": ("Manual", "Reset the device")})
    other = Document("The device has keys.", "b", {"headings": "The device"})
    pipeline = Pipeline(Given((section, other)), word_judge)
    read, alone = pipeline.search("reset the device manual"), pipeline.search("reset the device manual", headings=False)
    account(read)
    scores = {hit.document.id: hit.score for hit in read}
    assert scores["a"] > {hit.document.id: hit.score for hit in alone}["a"]
    assert scores["b"] == {hit.document.id: hit.score for hit in alone}["b"], "a heading that the text holds is not said twice"
    hit = next(hit for hit in read if hit.document.id == "a")
    assert hit.document is section
    assert hit.passage is not None
    assert hit.passage.text == section.text[hit.passage.start : hit.passage.end] == section.text
    assert read.ranking is not None
    assert read.ranking[hit.rank - 1].document.text == "Manual\nReset the device\nHold both keys for five seconds."


@settings(max_examples=30)
@given(
    texts=st.lists(st.text("panda eat bamboo. ", max_size=30), max_size=8),
    top_n=st.none() | st.integers(0, 9),
    threshold=st.none() | st.floats(0, 1),
    headings=st.lists(st.text("panda eat", max_size=12), max_size=2),
)
def test_every_document_is_accounted_for(
    word_judge: Reranker, texts: list[str], top_n: int | None, threshold: float | None, headings: list[str]
) -> None:
    documents = tuple(Document(text, str(at), {"headings": headings}) for at, text in enumerate(texts))
    result = Pipeline(Given(documents), word_judge, top_n=top_n, threshold=threshold).search("panda eat")
    account(result)
    for hit in result:
        assert hit.passage is not None
        assert hit.passage.text == hit.document.text[hit.passage.start : hit.passage.end]


def test_threads_and_the_event_loop(pipeline: Pipeline) -> None:
    questions = list(QUERIES.values())
    serial = [[hit.document.id for hit in pipeline.search(question)] for question in questions]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(pipeline.search, questions))

    async def gather() -> list[PipelineResult]:
        return list(await asyncio.gather(*(pipeline.asearch(question, top_n=3) for question in questions)))

    assert [[hit.document.id for hit in result] for result in found] == serial
    assert [[hit.document.id for hit in result] for result in asyncio.run(gather())] == serial


def test_what_a_cancelled_search_has_left_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = model_of("xlm-roberta", tmp_path)
    backend = Gate(words)
    with judge_with(monkeypatch, words, lambda _: backend, max_batch_pairs=1) as judge:
        asyncio.run(give_up(Pipeline(Given(), judge).asearch(QUERY), backend))
    assert 1 <= len(backend.shapes) < len(CORPUS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, "candidates must be a whole number of 1 or more, not 0"),
        ({"candidates": True}, "candidates"),
        ({"top_n": -1}, "top_n must be a whole number of 0 or more"),
        ({"threshold": "so-so"}, "threshold 'so-so' is not known"),
        ({"threshold": 1.5}, "lies above every score"),
        ({"windows": "truncate"}, "windows must be a WindowConfig"),
        ({"headings": "no"}, "headings must be True or False"),
        ({"depth": 3}, "a pipeline has no option depth; it knows candidates"),
        ({"budget_ms": 5}, "budget_ms needs a first judge"),
    ],
)
def test_settings_are_checked(word_judge: Reranker, options: Mapping[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Pipeline(Given(), word_judge, **options).search(QUERY)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        Pipeline(Given(), word_judge).search(QUERY, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"threshold": 0.0}, {"budget_ms": 5.0}, {"windows": WindowConfig()}])
def test_what_needs_a_judge(options: Mapping[str, object]) -> None:
    with pytest.raises(ConfigError):
        Pipeline(Given(), None, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("query", ["", "  ", 3])
def test_a_query_must_be_text(pipeline: Pipeline, query: object) -> None:
    with pytest.raises(InputError):
        pipeline.search(query)  # type: ignore[arg-type]


def test_what_is_no_retriever(word_judge: Reranker) -> None:
    with pytest.raises(ConfigError, match="retriever must be something with name"):
        Pipeline(["a", "b"], word_judge)  # type: ignore[arg-type]


def test_a_first_stage_named_as_a_later_one(word_judge: Reranker) -> None:
    """Its own score and rank would be lost under that key."""
    with pytest.raises(ConfigError, match="the first stage is called 'judge'"):
        Pipeline(Given(name="judge"), word_judge)
    named = Pipeline(Given(name="fusion"), word_judge)
    assert set(named.search(QUERY)[0].scores) == {"fusion", "judge"}
    with pytest.raises(ConfigError, match="the first stage is called 'fusion'"):
        named.search(QUERY, fusion=0.5)
    assert set(Pipeline(Given(name="judge"), None).search(QUERY)[0].scores) == {"judge"}, "nobody else uses the name there"


def test_what_was_handed_in_stays_open(word_judge: Reranker) -> None:
    stage = bm25()
    assert len(Pipeline(stage, word_judge).search(QUERY)) > 0
    assert len(Pipeline(stage, None).search(QUERY)) > 0
    stage.close()
    with pytest.raises(ClosedError):
        Pipeline(stage, word_judge).search(QUERY)


def test_repr_names_the_settings(pipeline: Pipeline) -> None:
    changed = Pipeline(pipeline.retriever, pipeline.reranker, threshold="0.5")
    assert changed.config.threshold == Absolute(0.5)
    assert "candidates=100, top_n=5, threshold=absolute:0.5" in repr(changed)

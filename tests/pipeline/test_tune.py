"""Tuning: the choice on questions it has seen, its worth on those it has not, and an honest word on how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Absolute, Document, Reranker
from adjudge.errors import ConfigError, InputError
from adjudge.measures import parse_measure
from adjudge.pipeline import Pipeline, TuneConfig, Tuning
from adjudge.pipeline.cuts import f1
from adjudge.pipeline.judged import Question
from adjudge.pipeline.measuring import check_measure, measured
from adjudge.pipeline.stages import Remembering
from adjudge.pipeline.tune import choose
from adjudge.pipeline.tuning import compare
from adjudge.retrieval.hybrid import HybridRetriever
from tests.pipeline.searching import CORPUS, QRELS, QUERIES, Given, bm25

QUICK = TuneConfig(candidates=(3, 14), resamples=1000)
EMPTY = np.empty(0, np.int64)


def question(found: tuple[int, ...], order: list[int], keys: str = "abcd") -> Question:
    return Question(
        id="q",
        relevant={"a": 1},
        grades={"a": 1, "b": 0},
        keys=tuple(keys),
        found=(found,),
        order=np.array(order),
        scores=np.zeros(len(keys)),
    )


@pytest.fixture(scope="module")
def worse(word_judge: Reranker) -> Tuning:
    """A first stage that knows nothing of the question, with a judge that reads too little of it."""
    return Pipeline(Given(), word_judge, candidates=3, top_n=5).tune(QUERIES, QRELS, QUICK)


def test_more_candidates_are_picked_where_they_help(worse: Tuning) -> None:
    assert worse.pipeline.config.candidates == 14
    assert worse.ranking.sure
    assert worse.ranking.difference > 0.3
    assert worse.ranking.better > 0.99
    assert worse.agreement == 1.0
    assert (worse.queries, worse.unanswerable) == (len(QUERIES), 0)
    assert (worse.recall, worse.recall_at) == (1.0, 14)
    picked = next(trial for trial in worse.trials if trial.picked)
    assert (picked.candidates, picked.rerank, picked.pairs) == (14, True, 14.0)
    assert [trial.current for trial in worse.trials].count(True) == 1
    assert [trial.mean for trial in worse.trials] == sorted((trial.mean for trial in worse.trials), reverse=True)


def test_the_measure_is_what_the_picked_pipeline_does(worse: Tuning) -> None:
    found = [[hit.document.id for hit in worse.pipeline.search(text, threshold=None)] for text in QUERIES.values()]
    gains = [1 / np.log2(ids.index(name[2:]) + 2) if name[2:] in ids else 0.0 for name, ids in zip(QUERIES, found, strict=True)]
    assert next(trial for trial in worse.trials if trial.picked).mean == pytest.approx(np.mean(gains))
    assert worse.ranking.measure == "nDCG@5"


def test_the_report_can_be_read(worse: Tuning) -> None:
    lines = list(worse.lines())
    assert "nDCG@5" in lines[0]
    assert any("<- picked" in line for line in lines)
    assert any("<- now" in line for line in lines)
    assert "R@14 1.000" in "\n".join(lines)
    assert any(line.startswith("order: nDCG@5") and line.endswith(": sure") for line in lines)
    assert any("more trials" in line for line in worse.lines(most=1)) or len(worse.trials) <= 3


def test_no_judge_where_it_does_not_help(word_judge: Reranker) -> None:
    """The first stage is right already, so judging costs pairs for nothing."""

    class Right(Given):
        def retrieve(self, query: str, k: int = 100, *, where: object = None) -> object:  # type: ignore[override]
            name = next(name for name, text in QUERIES.items() if text == query)[2:]
            self._documents = tuple(sorted(CORPUS, key=lambda document: document.id != name))
            return super().retrieve(query, k)

    tuned = Pipeline(Right(), word_judge, candidates=14).tune(QUERIES, QRELS, QUICK)
    assert tuned.pipeline.reranker is None
    assert tuned.threshold is None
    assert next(trial for trial in tuned.trials if trial.picked).pairs == 0


def test_what_may_be_chance_changes_nothing(word_judge: Reranker) -> None:
    tuned = Pipeline(bm25(), word_judge, candidates=14).tune(QUERIES, QRELS, TuneConfig(candidates=(14,), resamples=1000))
    picked = next(trial for trial in tuned.trials if trial.picked)
    assert picked.current or picked.pairs < 14
    assert not (tuned.ranking.sure and tuned.ranking.difference > 0)


def test_the_same_again(worse: Tuning, word_judge: Reranker) -> None:
    again = Pipeline(Given(), word_judge, candidates=3, top_n=5).tune(QUERIES, QRELS, QUICK)
    assert (again.ranking, again.trials) == (worse.ranking, worse.trials)


def test_parts_and_weights_of_a_hybrid_are_tried(word_judge: Reranker) -> None:
    hybrid = HybridRetriever([bm25(), Given()], depth=14)
    config = TuneConfig(candidates=(5,), weights=(0.2, 0.9), fusions=(), resamples=1000)
    tuned = Pipeline(hybrid, word_judge, candidates=5).tune(QUERIES, QRELS, config)
    labels = {trial.retriever for trial in tuned.trials}
    assert labels == {"hybrid", "bm25 alone", "given alone", "hybrid of bm25 0.2 and given 0.8", "hybrid of bm25 0.9 and given 0.1"}
    assert len(tuned.trials) == 10
    picked = next(trial for trial in tuned.trials if trial.picked)
    assert "given alone" not in picked.retriever
    assert tuned.pipeline.search(QUERIES["q-panda"])[0].document.id == "panda"


def test_a_mixture_asks_its_parts_once() -> None:
    part = Given()
    kept = Remembering(part)
    assert kept.retrieve("a", 5) is kept.retrieve("a", 5)
    kept.retrieve("b", 5)
    kept.retrieve("b", 6)
    assert part.asked == [("a", 5), ("b", 5), ("b", 6)]


def test_a_threshold_where_questions_have_no_answer(embedded: Reranker) -> None:
    strange = {f"none-{at}": f"What did the committee decide on paragraph {at}?" for at in range(14)}
    qrels = {**QRELS, **{name: {} for name in strange}}
    config = TuneConfig(candidates=(5,), resamples=1000)
    tuned = Pipeline(bm25(), embedded, candidates=5, top_n=3).tune({**QUERIES, **strange}, qrels, config)
    assert tuned.unanswerable == 14
    assert tuned.threshold is not None
    if tuned.pipeline.reranker is not None and tuned.threshold.sure:
        assert isinstance(tuned.pipeline.config.threshold, Absolute)
        assert tuned.threshold.difference > 0.2
        assert len(tuned.pipeline.search(QUERIES["q-panda"])) >= 1


def test_files_may_be_what_was_judged(word_judge: Reranker) -> None:
    qrels = {name: {f"{key}.md": grade for key, grade in grades.items()} for name, grades in QRELS.items()}
    by_file = Pipeline(Given(), word_judge, candidates=14).tune(QUERIES, qrels, TuneConfig(candidates=(14,), by="source", resamples=200))
    by_id = Pipeline(Given(), word_judge, candidates=14).tune(QUERIES, QRELS, TuneConfig(candidates=(14,), resamples=200))
    assert by_file.trials == by_id.trials
    with pytest.raises(InputError, match="no metadata 'page'"):
        Pipeline(Given(), word_judge).tune(QUERIES, qrels, TuneConfig(by="page"))


def test_passages_of_one_file_count_once() -> None:
    assert question((0, 1, 2, 3), [3, 1, 0, 2], "abba").ranked(0, 4, rerank=True) == [3, 1]
    assert question((2, 0, 3), [3, 1, 0, 2]).ranked(0, 2, rerank=False) == [2, 0, 3]
    assert question((2, 0, 3), [3, 1, 0, 2]).ranked(0, 2, rerank=True) == [0, 2]


@pytest.mark.parametrize(
    ("queries", "qrels", "message"),
    [
        ({}, {}, "tuning needs 10 questions with a relevant document at least, not 0"),
        (QUERIES, {name: {key: 0 for key in grades} for name, grades in QRELS.items()}, "not 0"),
        (QUERIES, {**QRELS, "other": {"panda": 1}}, "questions that queries does not hold .*'other'"),
    ],
    ids=["none", "none relevant", "unknown"],
)
def test_questions_are_checked(word_judge: Reranker, queries: dict[str, str], qrels: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Pipeline(Given(), word_judge).tune(queries, qrels)


def test_documents_need_ids(word_judge: Reranker) -> None:
    with pytest.raises(InputError, match="without an id"):
        Pipeline(Given((Document("no id"),)), word_judge).tune(QUERIES, QRELS)


@pytest.mark.parametrize(
    "wrong",
    [{"folds": 1}, {"resamples": 10}, {"queries": 3}, {"candidates": (0,)}, {"weights": (1.0,)}, {"measure": "goodness@5"}],
    ids=repr,
)
def test_settings_are_checked(word_judge: Reranker, wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Pipeline(Given(), word_judge, candidates=2).tune(QUERIES, QRELS, TuneConfig(**({"candidates": (2,)} | wrong)))  # type: ignore[arg-type]


def test_two_first_stages_of_one_name(word_judge: Reranker) -> None:
    with pytest.raises(ConfigError, match="two first stages are called 'given'"):
        Pipeline(Given(), word_judge).tune(QUERIES, QRELS, TuneConfig(retrievers=(Given(),)))


def test_so_many_questions_are_drawn(word_judge: Reranker) -> None:
    tuned = Pipeline(Given(), word_judge, candidates=2).tune(QUERIES, QRELS, TuneConfig(candidates=(2,), queries=10, resamples=200))
    assert tuned.queries == 10


def test_choose_takes_the_cheapest_of_those_as_good_as_the_best() -> None:
    best, alike, bad = [0.9] * 50, [0.89, 0.91] * 25, [0.1] * 50
    assert choose(np.array([best, alike, bad]), [100, 10, 0]) == 1
    assert choose(np.array([best, alike, bad]), [100, 100, 0]) == 0
    assert choose(np.array([best, best, bad]), [5, 5, 0]) == 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_setting_against_itself(values: list[float]) -> None:
    same = np.array(values)
    found = compare("m", same, same, resamples=200, seed=0)
    assert (found.low, found.high, found.better, found.sure) == (0.0, 0.0, 0.5, False)


def test_the_bootstrap_is_scipys() -> None:
    from scipy.stats import bootstrap

    random = np.random.default_rng(1)
    before, after = random.random(80), random.random(80) + 0.1
    found = compare("m", before, after, resamples=20_000, seed=0)
    theirs = bootstrap((after - before,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2))
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.005)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.005)
    assert found.difference == pytest.approx(np.mean(after - before))
    assert "resamples of 80 questions" in str(found)


@pytest.mark.parametrize(
    ("right", "wanted", "cut", "expected"),
    [
        ([True, False], 1, 0.0, 2 / 3),
        ([True, False], 1, 0.5, 1.0),
        ([True, False], 2, 0.5, 2 / 3),
        ([True, False], 1, 1.0, 0.0),
        ([False, False], 0, 0.0, 0.0),
        ([False, False], 0, 1.0, 1.0),
        ([], 0, 0.0, 1.0),
        ([], 1, 0.0, 0.0),
    ],
)
def test_f1(right: list[bool], wanted: int, cut: float, expected: float) -> None:
    scores = np.array([0.9, 0.2])[: len(right)]
    assert f1(scores, np.array(right, np.bool_), wanted, cut) == pytest.approx(expected)


def test_lists_are_measured_in_their_order_and_an_empty_one_counts() -> None:
    questions = [question((0,), [0]), question((0,), [0])]
    assert measured(check_measure("RR@10"), questions, [["z", "b", "a"], []]).tolist() == pytest.approx([1 / 3, 0.0])
    assert measured(check_measure("nDCG@1"), questions, [["a"], ["b", "a"]]).tolist() == [1.0, 0.0]


def test_a_measure_is_tried_once_for_all_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def counted(name: str, **options: Any) -> Any:
        tried.append(name)
        return parse_measure(name, **options)

    monkeypatch.setattr("adjudge.pipeline.measuring.parse_measure", counted)
    tuned = Pipeline(HybridRetriever([bm25(), Given()], depth=14), None).tune(QUERIES, QRELS, TuneConfig(measure="RR@5", resamples=1000))
    assert len(tuned.trials) > 1
    assert tried == ["RR@5"]


def test_keys_may_be_of_any_characters() -> None:
    """File names that are no UTF-8 come as half characters; a C library would stop at a NUL."""
    odd = [Question(**{**fields(question((0, 1), [0])), "grades": {key: 1}}) for key in ("caf\udce9.md", "a\0b", "a b")]
    assert measured(check_measure("RR@10"), odd, [["x", "caf\udce9.md"], ["a\0c", "a\0b"], ["a", "a b"]]).tolist() == [0.5, 0.5, 0.5]


def fields(of: Question) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__slots__}


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"measure": "goodness@5"}, ConfigError),
        ({"measure": "nDCG(foo=1)"}, ConfigError),
        ({"measure": "nDCG@0"}, ConfigError),
        ({"grade": 2**40}, InputError),
        ({"grade": 0.5}, InputError),
    ],
    ids=repr,
)
def test_what_cannot_be_measured_is_told_before_the_work(wrong: dict[str, Any], kind: type[Exception]) -> None:
    stage = Given()
    qrels = {name: dict.fromkeys(grades, wrong.get("grade", 1)) for name, grades in QRELS.items()}
    with pytest.raises(kind):
        Pipeline(stage, None).tune(QUERIES, qrels, TuneConfig(candidates=(2,), measure=wrong.get("measure")))
    assert stage.asked == []

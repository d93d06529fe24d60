"""Occlusion on word overlap, where every effect can be counted by hand, and on real forward passes, where it is what score() says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge import Document, Reranker
from adjudge.backends.base import Batch, Floats
from adjudge.config import WindowConfig
from adjudge.engine.explain import MOST_SENTENCES, Explainer, gather
from adjudge.engine.sentences import sentence_spans
from adjudge.errors import BackendError, ClosedError, ConfigError
from adjudge.models.model import Model
from adjudge.types import Explanation, Passage, Ranked
from tests.engine.stand_ins import FailsAt, StandIn, Told, engine_with, judge_with
from tests.tiny_models import Tiny

QUERY = "bamboo panda"
TEXT = "Bread is bread. The panda sleeps. It eats bamboo. Nobody saw it."


def result_of(text: str, **changes: Any) -> Ranked:
    """A document that was judged whole."""
    whole = Ranked(index=3, document=Document(text), score=0.5, logit=0.0, passage=Passage(text, 0, len(text)))
    return replace(whole, **changes)


def told(model: Model, texts: dict[str, float]) -> Explainer:
    """An explainer whose model gives each text the logit it is told."""
    engine = engine_with(model, Told)
    engine.backend.tell(engine, list(texts), list(texts.values()))  # type: ignore[attr-defined]
    return Explainer(engine)


def test_effects_are_what_is_lost_without_a_sentence(words: Model) -> None:
    a, b, c = "Pandas eat bamboo. ", "They sleep a lot. ", "No, they eat bread."
    explain = told(words, {a + b + c: 2.0, b + c: -1.5, a + c: 1.75, a + b: 4.0})
    found = explain("q", result_of(a + b + c))
    assert [s.effect for s in found.sentences] == [3.5, 0.25, -2.0]
    assert [s.logit_without for s in found.sentences] == [-1.5, 1.75, 4.0]
    assert [s.text for s in found.sentences] == [a.strip(), b.strip(), c]
    assert found.strongest is found.sentences[0]
    assert (found.query, found.index, found.logit, found.pairs) == ("q", 3, 2.0, 4)
    assert found.milliseconds > 0


def test_nothing_speaks_for_the_answer(words: Model) -> None:
    explain = told(words, {"One thing. Two things.": -3.0, "Two things.": -2.0, "One thing. ": -3.0})
    found = explain("q", result_of("One thing. Two things."))
    assert [s.effect for s in found.sentences] == [-1.0, 0.0]
    assert found.strongest is None


@pytest.mark.parametrize("start", [0, 17])
def test_offsets_are_those_of_the_document(words: Model, start: int) -> None:
    document = "x" * start + TEXT + "  and more"
    result = result_of(document, passage=Passage(TEXT, start, start + len(TEXT)))
    found = Explainer(engine_with(words))(QUERY, result)
    assert [document[s.start : s.end] for s in found.sentences] == [s.text for s in found.sentences]
    assert len(found.sentences) == 4
    assert found.passage == result.passage


def test_scores_are_calibrated_as_in_rank(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(words, calibration=replace(words.calibration, temperature=2.0, bias=0.5))
    with judge_with(monkeypatch, model) as judge:
        for normalize in (True, False):
            ranking = judge.rank(QUERY, [TEXT], normalize=normalize)
            found = ranking.explain(0)
            assert (found.score, found.logit) == (ranking[0].score, ranking[0].logit)
            for left_out in found.sentences:
                rest = TEXT.replace(left_out.text, "")
                assert judge.score([(QUERY, rest)], normalize=normalize) == [left_out.score_without]
                assert judge.score([(QUERY, rest)], normalize=False) == [left_out.logit_without]


@pytest.mark.parametrize("text", ["Pandas", "Pandas eat bamboo.", "  熊猫吃竹子。\n", "...", "🐼"])
def test_one_sentence_cannot_be_left_out(words: Model, text: str) -> None:
    found = Explainer(engine_with(words))(QUERY, result_of(text))
    assert (found.sentences, found.strongest, found.pairs) == ((), None, 1)


def test_all_are_judged_in_one_call(words: Model) -> None:
    backend: list[StandIn] = []

    def make(model: Model) -> StandIn:
        backend.append(StandIn(model))
        return backend[0]

    found = Explainer(engine_with(words, make))(QUERY, result_of(TEXT))
    assert backend[0].shapes[0][0] == len(backend[0].shapes) * found.pairs == 5


def test_aspects_are_the_results_own(words: Model) -> None:
    explain = Explainer(engine_with(words))
    assert explain(QUERY, result_of(TEXT, aspects={"coverage": 0.75})).aspects == {"coverage": 0.75}
    assert explain(QUERY, result_of(TEXT)).aspects == {}


def test_the_model_that_judged_a_result_explains_it(words: Model, tmp_path: Path) -> None:
    class Constant(StandIn):
        def forward(self, batch: Batch) -> Floats:
            return super().forward(batch) * 0 + 2.5

    small = replace(words, name="small")
    explain = Explainer(engine_with(words), others=[engine_with(small, Constant)])
    assert explain(QUERY, result_of(TEXT, judge="small")).logit == 2.5
    for judge in (words.name, "", "unknown"):
        assert explain(QUERY, result_of(TEXT, judge=judge)).logit == 4.0


def test_sentences_alone_are_judged_as_passages_of_their_own_by_the_same_model(words: Model) -> None:
    backends: list[StandIn] = []

    def make(model: Model) -> StandIn:
        backends.append(StandIn(model))
        return backends[-1]

    explain = Explainer(engine_with(words, make), others=[engine_with(replace(words, name="small"), make)])
    for judge, backend in ((words.name, backends[0]), ("small", backends[1])):
        result = result_of(TEXT, judge=judge)
        sentences = explain(QUERY, result).sentences
        before = len(backend.shapes)
        alone = explain.alone(QUERY, result, sentences)
        assert alone == [explain(QUERY, result_of(s.text, judge=judge)).logit for s in sentences]
        assert backend.shapes[before][0] == len(sentences)
    assert explain.alone(QUERY, result_of(TEXT), []) == []


@given(st.integers(0, 200), st.integers(2, 60))
def test_neighbours_are_gathered_evenly(count: int, most: int) -> None:
    given_spans = [(10 * i, 10 * i + 10) for i in range(count)]
    spans = gather(given_spans, most)
    assert len(spans) == min(count, most)
    assert sum(s.count for s in spans) == count
    assert max((s.count for s in spans), default=0) - min((s.count for s in spans), default=0) <= 1
    assert [i for s in spans for i in range(s.start, s.end)] == list(range(10 * count))


@pytest.mark.parametrize(("sentences", "most", "parts"), [(40, 40, 40), (41, 40, 40), (100, 40, 40), (7, 2, 2)])
def test_many_sentences_cost_no_more_than_asked(words: Model, sentences: int, most: int, parts: int) -> None:
    text = " ".join(f"S{i}." for i in range(sentences))
    found = Explainer(engine_with(words, max_length=None), most=most)(QUERY, result_of(text))
    assert (len(found.sentences), sum(s.count for s in found.sentences)) == (parts, sentences)
    assert "".join(s.text.replace(" ", "") for s in found.sentences) == text.replace(" ", "")


@pytest.mark.parametrize("most", [1, 0, -1, True, 2.5, None])
def test_a_most_that_leaves_nothing_over_is_refused(words: Model, most: Any) -> None:
    with pytest.raises(ConfigError, match="most must be a whole number of 2 or more"):
        Explainer(engine_with(words), most=most)


def test_a_closed_reranker_says_so(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with judge_with(monkeypatch, words) as judge:
        rankings = [judge.rank(QUERY, [text]) for text in (TEXT, "One.")]
    for ranking in rankings:
        with pytest.raises(ClosedError):
            ranking.explain(0)


def test_a_failing_backend_is_heard(words: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with judge_with(monkeypatch, words, lambda model: FailsAt(model, 2)) as judge:
        ranking = judge.rank(QUERY, [TEXT])
        with pytest.raises(BackendError, match="the device is gone"):
            ranking.explain(0)
        assert ranking.explain(0).pairs == 5


@pytest.fixture(scope="module")
def real(tiny_folder: Callable[[Tiny], Path]) -> Reranker:
    """A forward pass that reads positions and words."""
    return Reranker(tiny_folder(Tiny(family="xlm-roberta")), backend="openvino", precision="f32")


def as_alone(judge: Reranker, found: Explanation, text: str) -> None:
    """What is said of each sentence is what score() says of the text without it."""
    spans = [text[a:b] for a, b in sentence_spans(text)]
    rest = [(found.query, text.replace(span, "", 1)) for span in spans]
    alone = judge.score([(found.query, text), *rest], normalize=False)
    assert [found.logit, *(s.logit_without for s in found.sentences)] == pytest.approx(alone, abs=1e-4)
    assert [s.effect for s in found.sentences] == pytest.approx([alone[0] - logit for logit in alone[1:]], abs=2e-4)


def test_a_real_model(real: Reranker) -> None:
    text = "Giant pandas eat bamboo. 他们每天吃十二公斤。 No bread."
    found = real.rank("What do pandas eat?", [text]).explain(0)
    assert [s.text.strip() for s in found.sentences] == ["Giant pandas eat bamboo.", "他们每天吃十二公斤。", "No bread."]
    as_alone(real, found, text)


def test_the_window_that_decided_is_judged_whole(real: Reranker) -> None:
    """A window's text fits the room it was cut for, so that whole and remainder are one pair each."""
    document = " ".join(f"Giant pandas eat {i} stems of bamboo every day. Bread is baked." for i in range(60))
    ranking = real.rank("What do giant pandas eat?", [document], windows=WindowConfig(overlap_tokens=0))
    found = ranking.explain(0)
    assert ranking[0].windows > 1
    assert found.pairs == len(found.sentences) + 1 <= MOST_SENTENCES + 1
    assert found.logit == pytest.approx(ranking[0].logit, abs=1e-4)


def test_a_window_without_a_token_to_spare_is_not_split(word_judge: Reranker) -> None:
    """Without a border to end at, a window fills its room; read again from the middle of a word, its text comes to a token more."""
    run, query = "红富士苹果口感脆甜每斤五元", "What do giant pandas eat in China?"
    ranking = word_judge.rank(query, [run * 60 + "。Giant pandas live in China. They eat bamboo. " + run * 300])
    again = word_judge.engine.judge([(query, ranking[0].passage.text)]).verdicts[0]
    assert (ranking[0].passage.start > 0, again.windows) == (True, 2)
    found = ranking.explain(0)
    assert found.pairs == len(found.sentences) + 1 == 5
    assert found.logit == ranking[0].logit


def test_a_passage_longer_than_the_model_is_split(words: Model) -> None:
    text = " ".join(f"Bread {i} is baked from flour." for i in range(50)) + " A panda eats bamboo."
    engine = engine_with(words)
    whole = engine.judge([(QUERY, text)]).verdicts[0]
    assert whole.windows > 1
    found = Explainer(engine, most=10)(QUERY, result_of(text))
    assert found.logit == whole.logit == 4.0
    assert found.pairs > 11 * whole.windows
    assert found.strongest is found.sentences[-1]

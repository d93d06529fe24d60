"""Mining again with a judge: what it takes for an answer is out, the hardest of the rest come first."""

from __future__ import annotations

import pytest

from adjudge.errors import ConfigError
from adjudge.train import sharpen as module
from adjudge.train.negatives import Mined, NegativeConfig, choose
from adjudge.train.sharpen import sharpen
from tests.train.corpora import Corpus, corpus_of

CORPUS = corpus_of(
    [("answer", "en", 10, ""), *[(f"passage {i}", "en", 40.0 + 5 * i, "") for i in range(8)]],
    [(f"question {n}", "en", float(n), (0,)) for n in range(5)],
)


def judge(opinions: dict[str, float]) -> object:
    """Logits by passage, 0 for those it has no opinion about; asked questions are remembered."""
    asked: list[tuple[str, str]] = []

    def score(pairs: list[tuple[str, str]]) -> list[float]:
        asked.extend(pairs)
        return [opinions.get(passage, 0.0) for _, passage in pairs]

    score.asked = asked  # type: ignore[attr-defined]
    return score


def texts(mined: Mined, corpus: Corpus = CORPUS, question: int = 0) -> list[str]:
    return [corpus.sources[c.index].text for c in mined.candidates[question]]


def sharpened(opinions: dict[str, float], **options: float) -> Mined:
    return sharpen(CORPUS.mine(), CORPUS.questions, CORPUS.sources, score=judge(opinions), **options)


def test_the_judges_order_takes_the_place_of_the_bi_encoders() -> None:
    found = sharpened({"answer": 9.0, "passage 3": 5.0, "passage 6": 4.0})
    assert texts(found) == ["passage 3", "passage 6", "passage 0", "passage 1", "passage 2", "passage 4", "passage 5", "passage 7"]


def test_what_it_takes_for_an_answer_is_vetoed_and_counted() -> None:
    before = CORPUS.mine().statistics
    found = sharpened({"answer": 2.0, "passage 1": 2.0, "passage 4": 7.0})
    assert not {"passage 1", "passage 4"} & set(texts(found))
    assert found.statistics.refused == {**before.refused, "veto": 10}
    assert found.statistics.kept == before.kept - 10
    assert sum(found.statistics.proposed.values()) == sum(found.statistics.refused.values()) + found.statistics.kept


def test_the_margin_moves_the_line() -> None:
    opinions = {"answer": 2.0, "passage 1": 1.5}
    assert "passage 1" in texts(sharpened(opinions))
    assert "passage 1" not in texts(sharpened(opinions, margin=1.0))


def test_only_the_first_are_looked_at_and_the_rest_are_dropped() -> None:
    score = judge({"answer": 9.0})
    found = sharpen(CORPUS.mine(), CORPUS.questions, CORPUS.sources, score=score, depth=3)
    assert texts(found) == ["passage 0", "passage 1", "passage 2"]
    assert len(score.asked) == 5 * (1 + 3)  # type: ignore[attr-defined]


def test_the_best_of_several_positives_draws_the_line() -> None:
    made = corpus_of([], [("question", "en", 0.0, (0, 1))])
    corpus = Corpus(CORPUS.sources, made.questions, CORPUS.vectors, made.query_vectors)
    found = sharpen(corpus.mine(), corpus.questions, corpus.sources, score=judge({"answer": -5.0, "passage 0": 3.0, "passage 5": 2.0}))
    assert texts(found, corpus)[0] == "passage 5"


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    opinions = {"answer": 1.0, "passage 2": 3.0, "passage 5": 0.5}
    whole = sharpened(opinions)
    monkeypatch.setattr(module, "_BLOCK", 2)
    assert sharpened(opinions) == whole


def test_a_question_left_without_candidates_is_bare() -> None:
    found = sharpened({"answer": -9.0})
    assert found.candidates == ((),) * 5
    assert (found.statistics.bare, found.statistics.kept) == (5, 0)


def test_what_was_vetoed_does_not_come_back_as_a_random_one() -> None:
    found = sharpened({"answer": 2.0, "passage 1": 7.0, "passage 4": 7.0})
    for seed in range(20):
        config = NegativeConfig(per_question=6, random=6, seed=seed)
        for taken in choose(found, CORPUS.questions, CORPUS.sources, config):
            assert not {"passage 1", "passage 4"} & {CORPUS.sources[index].text for index in taken}


def test_nobody_asked_nothing_is_scored() -> None:
    empty = Mined(candidates=(), statistics=CORPUS.mine().statistics, refused=())
    assert sharpen(empty, [], CORPUS.sources, score=judge({})).candidates == ()


def test_a_judge_that_may_see_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="depth=0"):
        sharpened({}, depth=0)

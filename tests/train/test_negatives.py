"""Hard negatives out of a corpus made by hand: who is proposed, who is refused and why, who is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ConfigError, InputError
from adjudge.train import negatives
from adjudge.train.negatives import Mined, NegativeConfig, Question, Source, choose, mine
from tests.train.corpora import Corpus, corpus_of

ENGLISH = corpus_of(
    [
        ("pandas eat bamboo", "en", 10, "zoo"),  # 0: the answer
        ("pandas eat bamboo", "en", 50, ""),  # 1: word for word the same
        ("pandas feed on bamboo", "en", 15, ""),  # 2: a near copy, 5 degrees away: cosine 0.996
        ("giant pandas at lunch", "en", -9, ""),  # 3: nearer to the question than the answer is
        ("pandas sleep in trees", "en", 40, ""),  # 4: hard, and has a word of the question
        ("bread is baked of flour", "en", 45, ""),  # 5: as near, no word in common
        ("the zoo opens at nine", "en", 100, "zoo"),  # 6: far, but of the answer's group
        ("pandas pandas pandas", "en", 120, ""),  # 7: far, found by its words
        ("熊猫吃竹子", "zh", 11, "zoo"),  # 8: another language, which nobody asked in or answered in
        *[(f"filler number {i}", "en", 150 + i, "") for i in range(10)],  # 9 to 18
    ],
    [("what do pandas eat", "en", 0, (0,))],
)

ACROSS = corpus_of(
    [
        ("熊猫吃竹子", "zh", 40, "g"),  # 0: the answer, in Chinese
        ("pandas eat bamboo", "en", 5, "g"),  # 1: its twin, by group
        ("pandas eat the shoots of bamboo", "en", 42, ""),  # 2: its twin, by vector
        ("pandas sleep", "en", 3, ""),  # 3: own language, nearer than the answer: across languages that says nothing
        ("pandas climb", "en", 8, ""),  # 4
        ("pandas swim", "en", 11, ""),  # 5
        ("狗吃骨头", "zh", 75, ""),  # 6
        ("熊猫爬树", "zh", 70, ""),  # 7
        ("熊猫喜欢吃竹笋", "zh", 20, ""),  # 8: nearer than the answer, same language: may answer
        ("les pandas dorment", "fr", 20, ""),  # 9: neither
        *[(f"填充{i}", "zh", 150 + i, "") for i in range(6)],  # 10 to 15
    ],
    [("what do pandas eat", "en", 0, (0,))],
)


def test_hard_ones_are_proposed_and_what_may_answer_is_not() -> None:
    found = ENGLISH.found()
    assert list(found)[:5] == [
        "pandas sleep in trees",
        "bread is baked of flour",
        "the zoo opens at nine",
        "pandas pandas pandas",
        "filler number 0",
    ]
    assert not {"pandas eat bamboo", "pandas feed on bamboo", "giant pandas at lunch", "熊猫吃竹子"} & set(found)


def test_the_finder_is_told() -> None:
    found = ENGLISH.found(dense_depth=7)
    assert found["pandas sleep in trees"] == "lexical"
    assert found["bread is baked of flour"] == "dense"
    assert found["pandas pandas pandas"] == "lexical"
    assert found["the zoo opens at nine"] in ("dense", "neighbour")
    assert ENGLISH.found(dense_depth=1)["the zoo opens at nine"] == "neighbour"


def test_depths_limit_the_lists() -> None:
    assert set(ENGLISH.found(dense_depth=1, lexical_depth=1)) == {"the zoo opens at nine"}  # the others' first is the answer or its copy
    assert set(ENGLISH.found(dense_depth=9)) - set(ENGLISH.found(dense_depth=8)) == {"filler number 0"}
    assert len(ENGLISH.found(dense_depth=100)) == 14


def test_candidates_come_by_falling_similarity() -> None:
    (candidates,) = ENGLISH.mine().candidates
    similarities = [c.similarity for c in candidates]
    assert similarities == sorted(similarities, reverse=True)
    assert similarities[0] == pytest.approx(np.cos(np.radians(40)), abs=1e-6)


def test_what_each_filter_refused_is_counted() -> None:
    statistics = ENGLISH.mine().statistics
    assert statistics.refused == {"equal": 2, "twin": 1, "margin": 1}
    assert (statistics.questions, statistics.kept, statistics.bare) == (1, 14, 0)
    assert sum(statistics.proposed.values()) == sum(statistics.refused.values()) + statistics.kept


def test_the_margin_moves_the_line() -> None:
    near = ENGLISH.found(margin=np.cos(np.radians(10)) - np.cos(np.radians(42)))
    assert "pandas sleep in trees" not in near
    assert "bread is baked of flour" in near
    assert "giant pandas at lunch" in ENGLISH.found(margin=-0.1)


def test_the_best_of_several_positives_draws_the_line() -> None:
    asked = [("what do pandas eat", "en", 0.0, (4, 0))]
    corpus = Corpus(ENGLISH.sources, corpus_of([], asked).questions, ENGLISH.vectors, ENGLISH.query_vectors)
    assert "bread is baked of flour" not in corpus.found(twin=0.99)  # 5 degrees from passage 4: its twin
    assert "bread is baked of flour" in corpus.found(twin=0.999)
    assert "pandas feed on bamboo" in corpus.found(twin=0.999)  # between the two positives: below the better one
    assert "giant pandas at lunch" not in corpus.found(twin=0.999)


def test_what_counts_as_a_twin_can_be_set() -> None:
    assert "pandas feed on bamboo" in ENGLISH.found(twin=0.999)


def test_across_languages_both_are_candidates_and_third_ones_are_not() -> None:
    found = list(ACROSS.found())
    assert found[:3] == ["pandas sleep", "pandas climb", "pandas swim"]
    assert {"熊猫爬树", "狗吃骨头"} < set(found)
    assert not {"pandas eat bamboo", "pandas eat the shoots of bamboo", "熊猫喜欢吃竹笋", "les pandas dorment"} & set(found)
    statistics = ACROSS.mine().statistics
    assert statistics.refused == {"equal": 1, "twin": 2, "margin": 1}
    assert sum(statistics.proposed.values()) == sum(statistics.refused.values()) + statistics.kept


def test_a_third_language_takes_no_place_in_the_lists() -> None:
    """Else a crowd of French passages would hide the Chinese ones that a Chinese answer has to beat."""
    crowd = [(f"bruit {i}", "fr", 20.0 + i / 100, "") for i in range(50)]
    rest = [(s.text, s.lang, float(np.degrees(np.arctan2(*v[::-1]))), s.group) for s, v in zip(ACROSS.sources, ACROSS.vectors, strict=True)]
    crowded = corpus_of([*rest, *crowd], [("what do pandas eat", "en", 0, (0,))])
    assert crowded.found(dense_depth=5) == ACROSS.found(dense_depth=5)


def test_questions_are_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [("what do pandas eat", "en", float(3 * i), (0,)) for i in range(7)]
    made = corpus_of([], asked)
    corpus = Corpus(ENGLISH.sources, made.questions, ENGLISH.vectors, made.query_vectors)
    whole = corpus.mine()
    monkeypatch.setattr(negatives, "_BLOCK", 2)
    assert rounded(corpus.mine()) == rounded(whole)
    assert corpus.mine().statistics == whole.statistics
    for number, question in enumerate(corpus.questions):
        alone = Corpus(corpus.sources, [question], corpus.vectors, corpus.query_vectors[number : number + 1])
        assert rounded(alone.mine())[0] == rounded(whole)[number]


def rounded(mined: Mined) -> list[list[tuple[int, float, str]]]:
    """A matrix product of another height may end in another last digit, which some processors show."""
    return [[(c.index, round(c.similarity, 5), c.found) for c in candidates] for candidates in mined.candidates]


def test_a_question_without_candidates_is_counted_as_bare() -> None:
    corpus = corpus_of([("the answer", "en", 0, "")], [("question", "en", 0, (0,))])
    mined = corpus.mine()
    assert mined.candidates == ((),)
    assert mined.statistics.bare == 1
    assert choose(mined, corpus.questions, corpus.sources, NegativeConfig()) == [()]


def test_nothing_asked_gives_nothing() -> None:
    corpus = Corpus(ENGLISH.sources, [], ENGLISH.vectors, np.zeros((0, 2), np.float32))
    assert corpus.mine().candidates == ()


def test_statistics_are_told_in_lines() -> None:
    told = str(ENGLISH.mine().statistics)
    assert told.splitlines()[0] == "1 questions, 14.0 candidates each, 0 without any"
    assert "refused as twin: 1" in told
    assert "proposed by neighbour: " in told or "proposed by dense: " in told


def draw(corpus: Corpus, **options: object) -> list[str]:
    """The texts of the first question's negatives."""
    veto = options.pop("veto", None)
    config = NegativeConfig(**options)
    (taken,) = choose(corpus.mine(**options), corpus.questions, corpus.sources, config, veto=veto)
    return [corpus.sources[index].text for index in taken]


@pytest.mark.parametrize("seed", range(20))
def test_drawn_are_hard_ones_and_a_random_one(seed: int) -> None:
    taken = draw(ENGLISH, per_question=4, random=1, hardest=4, seed=seed)
    assert len(taken) == len(set(taken)) == 4
    hard = {"pandas sleep in trees", "bread is baked of flour", "the zoo opens at nine", "pandas pandas pandas"}
    assert set(taken[:3]) < hard
    assert taken[3] not in taken[:3]


@pytest.mark.parametrize("seed", range(40))
def test_what_a_filter_refused_does_not_come_back_as_a_random_one(seed: int) -> None:
    taken = draw(ENGLISH, per_question=10, random=10, seed=seed)
    assert not {"pandas eat bamboo", "pandas feed on bamboo", "giant pandas at lunch", "熊猫吃竹子"} & set(taken)


@pytest.mark.parametrize("seed", range(20))
def test_across_languages_own_distractors_have_their_places(seed: int) -> None:
    taken = draw(ACROSS, per_question=6, own_language=2, random=1, hardest=3, seed=seed)
    own = {"pandas sleep", "pandas climb", "pandas swim"}
    assert len(set(taken)) == 6
    assert set(taken[:2]) < own
    assert not set(taken[2:]) & own
    assert not {"les pandas dorment", "熊猫喜欢吃竹笋", "pandas eat bamboo"} & set(taken)


def test_within_one_language_no_place_is_kept_for_distractors() -> None:
    assert len(draw(ENGLISH, per_question=5, own_language=5, random=0)) == 5


def test_a_teachers_veto_holds_for_random_ones_too() -> None:
    refused = {i for i, source in enumerate(ENGLISH.sources) if not source.text.startswith("filler")}
    for seed in range(20):
        taken = draw(ENGLISH, per_question=6, random=3, seed=seed, veto=lambda question, index: question == 0 and index in refused)
        assert len(taken) == 6
        assert all(text.startswith("filler") for text in taken)


def test_the_seed_decides_and_neighbours_do_not() -> None:
    asked = [("what do pandas eat", "en", float(i), (0,)) for i in range(4)]
    made = corpus_of([], asked)
    four = Corpus(ENGLISH.sources, made.questions, ENGLISH.vectors, made.query_vectors)
    two = Corpus(ENGLISH.sources, made.questions[:2], ENGLISH.vectors, made.query_vectors[:2])
    drawn = {}
    for name, corpus, seed in (("once", four, 1), ("again", four, 1), ("fewer", two, 1), ("other", four, 2)):
        config = NegativeConfig(per_question=3, seed=seed)
        drawn[name] = choose(corpus.mine(), corpus.questions, corpus.sources, config)
    assert drawn["once"] == drawn["again"] != drawn["other"]
    assert drawn["fewer"] == drawn["once"][:2]


def test_where_there_are_too_few_there_are_fewer() -> None:
    corpus = corpus_of(
        [("the answer", "en", 10, ""), ("one", "en", 60, ""), ("one", "en", 61, ""), ("two", "en", 90, "")], [("question", "en", 0, (0,))]
    )
    taken = draw(corpus, per_question=6)
    assert sorted(taken) == ["one", "two"]  # equal texts count once


LANGUAGES = st.sampled_from(["en", "zh", "fr"])
PASSAGES = st.lists(
    st.tuples(st.sampled_from([f"text {i}" for i in range(9)]), LANGUAGES, st.floats(0, 180), st.sampled_from(["", "a", "b"])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60)
@given(data=st.data(), passages=PASSAGES, per_question=st.integers(1, 6), seed=st.integers(0, 9))
def test_laws(data: st.DataObject, passages: list[tuple[str, str, float, str]], per_question: int, seed: int) -> None:
    positives = st.lists(st.integers(0, len(passages) - 1), min_size=1, max_size=2).map(tuple)
    asked = data.draw(st.lists(st.tuples(st.just("text 1"), LANGUAGES, st.floats(0, 180), positives), min_size=1, max_size=3))
    corpus = corpus_of(passages, asked)
    options = {"per_question": per_question, "random": min(1, per_question), "seed": seed}
    mined = corpus.mine(**options)
    statistics = mined.statistics
    assert sum(statistics.proposed.values()) == sum(statistics.refused.values()) + statistics.kept
    assert statistics.kept == sum(map(len, mined.candidates))
    taken = choose(mined, corpus.questions, corpus.sources, NegativeConfig(**options))
    for number, question in enumerate(corpus.questions):
        answers = {corpus.sources[p].lang for p in question.positives}
        texts = {corpus.sources[p].text for p in question.positives}
        limit = max(float(corpus.query_vectors[number] @ corpus.vectors[p]) for p in question.positives)
        for index in (*(c.index for c in mined.candidates[number]), *taken[number]):
            source = corpus.sources[index]
            assert source.text not in texts
            assert source.lang in answers | {question.lang}
            assert max(float(corpus.vectors[index] @ corpus.vectors[p]) for p in question.positives) < 0.95 + 1e-6
            if source.lang in answers:
                assert float(corpus.query_vectors[number] @ corpus.vectors[index]) < limit + 1e-6
        chosen = [corpus.sources[index].text for index in taken[number]]
        assert len(chosen) == len(set(chosen)) <= per_question


@pytest.mark.parametrize(
    "values",
    [
        {"per_question": 0},
        {"lexical_depth": 0},
        {"dense_depth": 0},
        {"hardest": 0},
        {"own_language": -1},
        {"random": -1},
        {"random": 7, "per_question": 6},
        {"margin": 1.5},
        {"margin": float("nan")},
        {"twin": 0.0},
        {"twin": 1.1},
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        NegativeConfig(**values)


@pytest.mark.parametrize(
    ("vectors", "query_vectors", "positives"),
    [
        (np.zeros((1, 2)), np.zeros((1, 2)), (0,)),  # a passage without a vector
        (np.zeros((2, 2)), np.zeros((2, 2)), (0,)),  # a vector without a question
        (np.zeros((2, 2)), np.zeros((1, 3)), (0,)),  # two models
        (np.zeros(2), np.zeros((1, 2)), (0,)),
        (np.zeros((2, 2)), np.zeros((1, 2)), ()),
        (np.zeros((2, 2)), np.zeros((1, 2)), (2,)),
        (np.zeros((2, 2)), np.zeros((1, 2)), (-1,)),
    ],
)
def test_what_does_not_fit_together_is_refused(vectors: np.ndarray, query_vectors: np.ndarray, positives: tuple[int, ...]) -> None:
    sources = [Source(text="a", lang="en"), Source(text="b", lang="en")]
    with pytest.raises(InputError):
        mine(
            [Question(text="q", lang="en", positives=positives)],
            sources,
            query_vectors=query_vectors,
            vectors=vectors,
            config=NegativeConfig(),
        )

"""Words and BM25: terms of every script, the textbook's scores, ties in input order, honest blanks."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import ConfigError, InputError, MissingExtraError
from adjudge.retrieval.lexical import Lexical, words
from tests.retrieval.slow_bm25 import bm25
from tests.texts import DOCUMENTS, QUERIES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Giant pandas eat bamboo.", ["giant", "pandas", "eat", "bamboo"]),
        ("¿Qué comen los pandas?", ["qué", "comen", "los", "pandas"]),
        ("L'été à Orléans", ["l", "été", "à", "orléans"]),
        ("Что едят панды?", ["что", "едят", "панды"]),
        ("熊猫吃什么？", ["熊猫", "猫吃", "吃什", "什么"]),
        ("茶", ["茶"]),
        ("iPhone手机多少钱", ["iphone", "手机", "机多", "多少", "少钱"]),
        ("手机iPhone 15", ["手机", "iphone", "15"]),
        ("用Python编程", ["用", "python", "编程"]),
        ("2024年5月", ["2024", "年", "5", "月"]),
        ("东京タワー", ["东京", "京タ", "タワ", "ワー"]),
        ("snake_case v2", ["snake_case", "v2"]),
        ("...", []),
        ("", []),
        ("🐼🐼", []),
    ],
)
def test_words_of_every_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text() | st.text(st.sampled_from("aB1 熊猫,.年")))
def test_words_are_lower_case_and_stand_in_the_text(text: str) -> None:
    lowered = text.lower()
    at = 0
    for word in words(text):
        assert word == word.lower()
        at = lowered.index(word, at)  # in order; neighbouring bigrams overlap


WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "熊猫", "."]), max_size=6).map(" ".join)


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=8), WORDS)
def test_scores_are_the_textbooks(texts: list[str], query: str) -> None:
    expected = bm25(query, texts)
    hits = Lexical(texts).search([query], k=len(texts))
    found = {int(i): float(s) for i, s in zip(hits.indices[0], hits.scores[0], strict=True) if i >= 0}
    assert set(found) == {i for i, score in enumerate(expected) if score > 0}
    for index, score in found.items():
        assert score == pytest.approx(expected[index], rel=1e-4)


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, max_size=3), st.integers(1, 15))
def test_hits_are_the_best_with_ties_in_input_order_and_blanks_at_the_end(texts: list[str], queries: list[str], k: int) -> None:
    hits = Lexical(texts).search(queries, k=k)
    assert hits.indices.shape == hits.scores.shape == (len(queries), min(k, len(texts)))
    assert (hits.indices.dtype, hits.scores.dtype) == (np.int64, np.float32)
    every = Lexical(texts).search(queries, k=len(texts))
    for row, query in enumerate(queries):
        known = [(float(s), int(i)) for s, i in zip(every.scores[row], every.indices[row], strict=True) if i >= 0]
        order = [i for _, i in sorted(known, key=lambda entry: (-entry[0], entry[1]))]
        found = hits.indices[row].tolist()
        assert found == (order + [-1] * len(texts))[: min(k, len(texts))], query
        assert all(score == 0 for score, index in zip(hits.scores[row], found, strict=True) if index < 0)


def test_of_equal_texts_the_first_are_taken() -> None:
    texts = ["other words", *["the same text"] * 40]
    assert Lexical(texts).search(["same"], k=5).indices.tolist() == [[1, 2, 3, 4, 5]]


def test_it_finds_what_it_should_in_five_languages() -> None:
    texts = [*DOCUMENTS, "用iPhone手机付款", "Une tarte aux pommes"]
    index = Lexical(texts)
    found = index.search(["bamboo leaves", "咖啡因", "bambú", "бамбуком", "tarte pommes", "手机"], k=1).indices[:, 0]
    assert [texts[i] for i in found] == [
        DOCUMENTS[0],
        DOCUMENTS[7],
        DOCUMENTS[2],
        DOCUMENTS[3],
        "Une tarte aux pommes",
        "用iPhone手机付款",
    ]


def test_a_query_scores_the_same_in_any_company() -> None:
    index = Lexical(DOCUMENTS)
    together = index.search(QUERIES, k=5)
    for row, query in enumerate(QUERIES):
        alone = index.search([query], k=5)
        np.testing.assert_array_equal(together.indices[row], alone.indices[0])
        np.testing.assert_array_equal(together.scores[row], alone.scores[0])


def test_a_word_asked_twice_counts_twice() -> None:
    index = Lexical(["a b", "b c"])
    once, twice = (float(index.search([query], k=1).scores[0, 0]) for query in ("a", "a a"))
    assert twice == pytest.approx(2 * once)


@pytest.mark.parametrize("query", ["", "...", "unheard", "🐼"])
def test_a_query_without_a_known_word_finds_nothing(query: str) -> None:
    hits = Lexical(DOCUMENTS).search([query], k=3)
    assert hits.indices.tolist() == [[-1, -1, -1]]
    assert not hits.scores.any()


@pytest.mark.parametrize("texts", [["..."], ["", " "], ["🐼", "!"]])
def test_texts_without_words_are_never_found(texts: list[str]) -> None:
    assert (Lexical(texts).search(["a", "..."], k=2).indices == -1).all()


def test_no_queries_give_no_rows() -> None:
    assert Lexical(["a"]).search([], k=3).indices.shape == (0, 1)


def test_nothing_to_index_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to index"):
        Lexical([])


@pytest.mark.parametrize("k", [0, -1])
def test_less_than_one_hit_is_refused(k: int) -> None:
    with pytest.raises(ConfigError, match=f"k={k}"):
        Lexical(["a"]).search(["a"], k=k)


@pytest.mark.parametrize("texts", ["one text", [1], [None]])
def test_what_is_no_list_of_texts_is_refused(texts: object) -> None:
    with pytest.raises(InputError):
        Lexical(texts)
    with pytest.raises(InputError):
        Lexical(["a"]).search(texts, k=1)


def test_without_bm25s_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingExtraError, match=r'bm25s.*pip install "adjudge\['):
        Lexical(["a"])

"""Texts that nobody should send: each is ranked or refused by itself, and the others come out as if it were not there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Document, Reranker, WindowConfig
from adjudge.errors import InputError
from tests.texts import DOCUMENTS, LONG, QUERIES

ODD = {
    "emoji": "🐼🎋👨‍👩‍👧‍👦🏳️‍🌈" * 5,
    "nul": "\x00" * 20,
    "controls": "".join(chr(i) for i in range(1, 9)) + "\x7f",
    "lone surrogates": "bamboo \ud800 and \udfff\udc00 pandas",
    "only surrogates": "\ud83d" * 9,
    "right to left": "הפנדה אוכלת במבוק والباندا تأكل الخيزران \u202eabc\u202c",
    "zero width": "\u200b\u200c\u200d\ufeff\u2060" * 5,
    "combining": "e" + "\u0301" * 300,
    "one word": "x" * 50_000,
    "no spaces": "大熊猫吃竹子" * 2_000,
    "lines": "panda\n" * 10_000,
    "spaces": "panda" + " " * 10_000 + "bamboo",
    "ligatures": "ﷺ㍿ﬁ" * 50,
    "special tokens": "</s><s><pad><mask></s></s> [CLS] [SEP]",
    "private": "\ue000\U000f0000\uffff\U0010ffff",
    "tags": "<script>alert('x')</script>" * 20,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_documents_do_not_disturb_the_others(word_judge: Reranker, name: str) -> None:
    plain = word_judge.rank(QUERIES[0], DOCUMENTS)
    ranking = word_judge.rank(QUERIES[0], [ODD[name], *DOCUMENTS])
    assert [r.index - 1 for r in ranking if r.index > 0] == [r.index for r in plain]
    odd = next(r for r in ranking if r.index == 0)
    assert odd.document.text == ODD[name]
    assert odd.passage.text == ODD[name][odd.passage.start : odd.passage.end]
    assert math.isfinite(odd.logit)
    assert not odd.truncated


def test_odd_documents_on_the_shipped_model(embedded: Reranker) -> None:
    texts = [text[:300] for text in ODD.values()]
    ranking = embedded.rank("What do pandas eat?", [*texts, DOCUMENTS[0]])
    assert len(ranking) == len(texts) + 1
    assert all(math.isfinite(r.logit) and 0 <= r.score <= 1 for r in ranking)
    assert embedded.rank("What do pandas eat?", [DOCUMENTS[0]])[0].logit == pytest.approx(
        next(r.logit for r in ranking if r.index == len(texts)), abs=0.2
    )


@pytest.mark.parametrize("name", ["emoji", "nul", "lone surrogates", "zero width", "only surrogates", "special tokens", "one word"])
def test_odd_queries_are_ranked(embedded: Reranker, name: str) -> None:
    ranking = embedded.rank(ODD[name][:300], DOCUMENTS[:2])
    assert len(ranking) == 2
    assert all(math.isfinite(r.logit) for r in ranking)
    assert ranking.query == ODD[name][:300]


def test_what_is_no_text_is_refused_by_itself(word_judge: Reranker) -> None:
    given: list[Any] = ["bamboo", None, math.nan, b"bamboo", 7, "", " \n\t\u3000", {"body": "x"}, {"text": None}, Document(""), "bread"]
    ranking = word_judge.rank("bamboo", given)
    assert sorted(r.index for r in ranking) == [0, 10]
    reasons = dict.fromkeys((1, 2, 3, 4, 8), "not_text") | dict.fromkeys((5, 6, 9), "empty") | {7: "bad_mapping"}
    assert {r.index: r.reason for r in ranking.refused} == reasons
    assert ranking.usage.documents == len(given)


def test_nothing_but_refused(word_judge: Reranker) -> None:
    ranking = word_judge.rank("bamboo", ["", None], threshold="dynamic", top_n=3)  # type: ignore[list-item]
    assert (ranking.results, ranking.dropped, len(ranking.refused), ranking.usage.pairs) == ((), (), 2, 0)


def test_no_documents(word_judge: Reranker) -> None:
    ranking = word_judge.rank("bamboo", [])
    assert (ranking.results, ranking.refused, ranking.warnings, ranking.usage.documents) == ((), (), (), 0)
    assert word_judge.score([]) == []


@pytest.mark.parametrize("query", ["", "  \n", None, b"bamboo", 3, ["bamboo"]], ids=repr)
def test_query_that_is_none(word_judge: Reranker, query: Any) -> None:
    with pytest.raises(InputError, match="query"):
        word_judge.rank(query, DOCUMENTS)


@pytest.mark.parametrize("documents", ["bamboo", b"bamboo", {"text": "bamboo"}, Document("bamboo"), None, 5], ids=repr)
def test_documents_that_are_no_list(word_judge: Reranker, documents: Any) -> None:
    with pytest.raises(InputError, match="list"):
        word_judge.rank("bamboo", documents)


@pytest.mark.parametrize("pairs", ["ab", ("q", "p"), [("q",)], [("q", "p", "r")], [("q", None)], None, [None], {"q": "p"}], ids=repr)
def test_pairs_that_are_none(word_judge: Reranker, pairs: Any) -> None:
    with pytest.raises(InputError, match="pair"):
        word_judge.score(pairs)


def test_pairs_with_empty_sides_are_scored(embedded: Reranker) -> None:
    scores = embedded.score([("", ""), ("q", ""), ("", "p")], normalize=False)
    assert all(math.isfinite(s) for s in scores)


def test_generators_and_arrays(word_judge: Reranker) -> None:
    expected = word_judge.rank("bamboo", DOCUMENTS)
    for documents in ((d for d in DOCUMENTS), np.array(DOCUMENTS), dict.fromkeys(DOCUMENTS).keys(), iter(DOCUMENTS)):
        assert [r.index for r in word_judge.rank("bamboo", documents)] == [r.index for r in expected]
    pairs = [("bamboo", d) for d in DOCUMENTS]
    assert word_judge.score(p for p in pairs) == word_judge.score(pairs) == word_judge.score(np.array(pairs).tolist())


def test_100_000_characters(word_judge: Reranker) -> None:
    text = (LONG + "\n") * 100
    text = text[:70_000] + " xylophone quartz. " + text[:30_000]
    assert len(text) > 100_000
    found = word_judge.rank("xylophone quartz", [text])[0]
    assert "xylophone quartz" in found.passage.text
    assert found.passage.text == text[found.passage.start : found.passage.end]
    assert (found.score > 0.9, found.truncated, found.windows > 50) == (True, False, True)


@settings(max_examples=40)
@given(st.lists(st.text(st.characters(), max_size=60), max_size=8), st.text(st.characters(), min_size=1, max_size=20).filter(str.strip))
def test_any_text_is_ranked_or_refused(word_judge: Reranker, documents: list[str], query: str) -> None:
    ranking = word_judge.rank(query, documents, windows=WindowConfig(overlap_tokens=0))
    assert sorted([r.index for r in ranking] + [r.index for r in ranking.refused]) == list(range(len(documents)))
    assert all(r.passage.text == r.document.text for r in ranking)

"""R@k: what ir_measures says, and what it says to a user."""

from __future__ import annotations

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.recall import recall_at
from adjudge.types import Document
from tests.retrieval.corpora import CORPUS, QRELS, QUERIES


@pytest.fixture(scope="module")
def words() -> BM25Retriever:
    return BM25Retriever.from_documents(CORPUS)


@pytest.mark.parametrize("k", [1, 3, 5, 100])
def test_it_is_what_ir_measures_says(k: int, words: BM25Retriever) -> None:
    ir_measures = pytest.importorskip("ir_measures")
    run = {query: {one.document.id: one.score for one in words.retrieve(text, 100).candidates} for query, text in QUERIES.items()}
    expected = ir_measures.calc_aggregate([ir_measures.R @ k, ir_measures.Success @ k], QRELS, run)
    found = recall_at(words, QUERIES, QRELS, k)
    assert found.mean == pytest.approx(expected[ir_measures.R @ k])
    assert found.success == pytest.approx(expected[ir_measures.Success @ k])
    assert recall_at(words, QUERIES, QRELS, 100).at(k) == pytest.approx(found.mean)


def test_it_names_what_was_missed(words: BM25Retriever) -> None:
    found = recall_at(words, QUERIES, {**QRELS, "q-glass": {"recycling-es": 0}, "unasked": {"x": 1}}, 5)
    assert found.skipped == ("q-glass",)
    assert "unasked" not in found.relevant
    assert found.per_query["q-caffeine"] == 1.0
    assert "panda-ru" not in found.ranks["q-panda"]
    assert found.ranks["q-panda"]["panda-en"] == 1
    assert found.milliseconds > 0
    with pytest.raises(ConfigError, match="R@6 is not known"):
        found.at(6)


def test_passages_count_for_their_source() -> None:
    parts = [
        Document(text, f"{name}-{i}", {"source": name})
        for i, (name, text) in enumerate([("a", "pandas"), ("a", "bamboo pandas"), ("b", "x")])
    ]
    found = recall_at(
        BM25Retriever.from_documents(parts), {"q": "bamboo pandas"}, {"q": {"a": 1}}, 3, identify=lambda d: str(d.metadata["source"])
    )
    assert (found.mean, found.ranks) == (1.0, {"q": {"a": 1}})


def test_what_cannot_be_measured_is_refused(words: BM25Retriever) -> None:
    with pytest.raises(InputError, match="do the ids agree"):
        recall_at(words, QUERIES, {"other": {"a": 1}})
    with pytest.raises(InputError, match="without an id"):
        recall_at(BM25Retriever.from_documents(["pandas"]), {"q": "pandas"}, {"q": {"a": 1}})
    with pytest.raises(ConfigError):
        recall_at(words, QUERIES, QRELS, 0)

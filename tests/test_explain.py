"""Ranking.explain and Reranker.explain: what comes back, what it costs, and rankings that travel without their model."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
from typing import Any

import pytest

from adjudge import Document, Ranking, Reranker
from adjudge.errors import ClosedError, ConfigError, InputError
from adjudge.types import Explanation
from tests.source import ROOT

QUERY = "What do giant pandas eat?"
TEXT = "Giant pandas live in China. They eat bamboo. What do they dream of?"
LONG = "Bread is baked from flour. " * 150 + TEXT


@pytest.fixture
def ranking(word_judge: Reranker) -> Ranking:
    return word_judge.rank(QUERY, ["Bread.", {"text": TEXT, "id": "panda"}])


def without_time(explanation: Explanation) -> Explanation:
    return dataclasses.replace(explanation, milliseconds=0.0)


def test_each_result_can_be_explained(ranking: Ranking) -> None:
    best, last = ranking.explain(0), ranking.explain(-1)
    assert (best.index, last.index) == (1, 0)
    assert best.logit == ranking[0].logit
    assert len(best.sentences) == 3
    assert best.pairs == 4
    assert last.sentences == ()
    with pytest.raises(IndexError):
        ranking.explain(2)


def test_every_way_to_rank_can_be_explained(word_judge: Reranker) -> None:
    expected = without_time(word_judge.rank(QUERY, [TEXT]).explain(0))
    first, second = word_judge.rank_many(["bread", QUERY], [["Bread is baked. It is good."], [TEXT]])
    assert without_time(second.explain(0)) == expected
    assert first.explain(0).query == "bread"


def test_a_ranking_without_its_reranker_says_so(ranking: Ranking) -> None:
    alone = dataclasses.replace(ranking, explainer=None)
    assert alone == ranking
    with pytest.raises(ConfigError, match="rank again"):
        alone.explain(0)


@pytest.mark.parametrize("travel", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_rankings_travel_without_their_model(ranking: Ranking, travel: Any) -> None:
    arrived = travel(ranking)
    assert arrived == ranking
    assert arrived.explainer is None
    assert ranking.explainer is not None
    with pytest.raises(ConfigError, match="does not know its reranker"):
        arrived.explain(0)


def test_a_ranking_as_a_dict_is_plain_data(ranking: Ranking) -> None:
    plain = dataclasses.asdict(ranking)
    assert plain["explainer"] is None
    assert json.loads(json.dumps(plain))["results"][0]["document"]["id"] == "panda"


def test_a_shallow_copy_can_still_explain(ranking: Ranking) -> None:
    for same in (copy.copy(ranking), dataclasses.replace(ranking, query=QUERY)):
        assert without_time(same.explain(0)) == without_time(ranking.explain(0))
    assert "explainer" not in repr(ranking)


@pytest.mark.parametrize("document", [TEXT, Document(TEXT, "a"), {"text": TEXT}], ids=lambda d: type(d).__name__)
def test_a_document_is_explained_as_in_a_ranking(word_judge: Reranker, document: Any) -> None:
    found, expected = word_judge.explain(QUERY, document), word_judge.rank(QUERY, [document]).explain(0)
    assert found.pairs == expected.pairs + 1
    assert without_time(dataclasses.replace(found, pairs=expected.pairs)) == without_time(expected)


def test_logits_instead_of_scores(word_judge: Reranker) -> None:
    found = word_judge.explain(QUERY, TEXT, normalize=False)
    assert found.score == found.logit
    assert all(s.score_without == s.logit_without for s in found.sentences)
    assert word_judge.rank(QUERY, [TEXT], normalize=False).explain(0).score == found.logit


def test_a_long_document_is_explained_by_the_window_that_decided(word_judge: Reranker) -> None:
    found = word_judge.explain(QUERY, LONG)
    result = word_judge.rank(QUERY, [LONG])[0]
    assert result.windows > 1
    assert found.passage == result.passage
    assert found.pairs == result.windows + len(found.sentences) + 1
    assert [LONG[s.start : s.end] for s in found.sentences] == [s.text for s in found.sentences]
    strongest = found.strongest
    assert strongest is not None
    assert strongest.text in TEXT


def test_fewer_parts_where_less_may_be_spent(word_judge: Reranker) -> None:
    found = word_judge.explain(QUERY, TEXT, most=2)
    assert [s.count for s in found.sentences] == [1, 2]
    assert found.pairs == 4
    with pytest.raises(ConfigError, match="most"):
        word_judge.explain(QUERY, TEXT, most=1)


@pytest.mark.parametrize("document", ["", " \n", None, 3, {"body": "x"}, b"x", ["x"]], ids=repr)
def test_what_holds_no_text_is_an_error(word_judge: Reranker, document: Any) -> None:
    with pytest.raises(InputError):
        word_judge.explain(QUERY, document)


@pytest.mark.parametrize("query", ["", "  ", None, 5])
def test_an_empty_question_is_an_error(word_judge: Reranker, query: Any) -> None:
    with pytest.raises(InputError):
        word_judge.explain(query, TEXT)


def test_closed() -> None:
    with Reranker(backend="fake") as judge:
        pass
    with pytest.raises(ClosedError):
        judge.explain(QUERY, TEXT)


def test_the_page_runs_and_says_what_comes_out(embedded: Reranker, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 1
    exec(compile("\n".join(blocks), "docs/explain.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "bamboo" in printed
    assert re.search(r"^5 pairs, \d+ ms$", printed, re.MULTILINE)

"""Reranker on the shipped model: the reference's scores, and the same ones however the pairs are handed in."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adjudge import Document, Reranker, WindowConfig
from adjudge.engine import engine as engine_module
from adjudge.engine.scores import sigmoid
from adjudge.errors import BackendUnavailableError, ConfigError, InputError
from tests.engine.stand_ins import judge_with, model_of
from tests.source import PACKAGE
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES

GOLDEN = json.loads((PACKAGE / "models" / "embedded" / "golden.json").read_text(encoding="utf-8"))
SOME = [*PAIRS[:9], (QUERIES[1], LONG * 2)]
TOLERANCE = {"f32": 1e-4, "int8": 0.2, "bf16": 0.2}
"""How far a pair's logit may move with its batch mates: float32 hardly, bfloat16 in its last bits (0.07 seen)."""


@pytest.fixture(scope="module", params=["embedded_f32", "embedded"])
def judge(request: pytest.FixtureRequest) -> Reranker:
    return request.getfixturevalue(request.param)


def logits(judge: Reranker, pairs: list[tuple[str, str]]) -> list[float]:
    return judge.score(pairs, normalize=False)


def close(judge: Reranker, expected: list[float]) -> Any:
    return pytest.approx(expected, abs=TOLERANCE[judge.traits.precision], rel=0)


def test_golden_scores(embedded_f32: Reranker) -> None:
    found = logits(embedded_f32, [(case["query"], case["passage"]) for case in GOLDEN])
    assert found == pytest.approx([case["logit"] for case in GOLDEN], abs=1e-3, rel=0)
    tokens = [embedded_f32.rank(case["query"], [case["passage"]]).usage.tokens for case in GOLDEN[:5]]
    assert tokens == [case["tokens"] for case in GOLDEN[:5]]


def test_the_shipped_precision_ranks_as_float32_does(embedded: Reranker, embedded_f32: Reranker) -> None:
    pairs = [(case["query"], case["passage"]) for case in GOLDEN]
    plain, fast = logits(embedded_f32, pairs), logits(embedded, pairs)
    largest = max(abs(a - b) for a, b in zip(plain, fast, strict=True))
    print(f"largest difference to float32 on {len(pairs)} golden pairs: {largest:.3f}")
    assert largest < 0.6
    for i, a in enumerate(plain):
        assert all((a > b) == (fast[i] > fast[j]) for j, b in enumerate(plain) if abs(a - b) > 0.8)


def test_alone_batched_and_shuffled(judge: Reranker) -> None:
    batched = logits(judge, SOME)
    order = random.Random(1).sample(range(len(SOME)), len(SOME))
    shuffled = logits(judge, [SOME[i] for i in order])
    assert [shuffled[order.index(i)] for i in range(len(SOME))] == close(judge, batched)
    for i, pair in enumerate(SOME[:-1]):
        assert logits(judge, [pair]) == close(judge, [batched[i]])


def test_normalize(judge: Reranker) -> None:
    scores = judge.score(SOME[:4])
    calibrated = judge.model.calibration.apply(np.array(logits(judge, SOME[:4]), np.float32))
    assert scores == pytest.approx(sigmoid(calibrated), abs=1e-6)
    assert all(type(s) is float and 0 <= s <= 1 for s in scores)


def test_rank_is_sorted_score(judge: Reranker) -> None:
    documents = DOCUMENTS[:6]
    ranking = judge.rank(QUERIES[0], documents)
    scores = judge.score([(QUERIES[0], d) for d in documents], normalize=False)
    by_index = {r.index: r.logit for r in ranking}
    assert [by_index[i] for i in range(len(documents))] == close(judge, scores)
    assert [r.logit for r in ranking] == sorted((r.logit for r in ranking), reverse=True)
    assert [r.document.text for r in ranking] == [DOCUMENTS[r.index] for r in ranking]


def test_equal_documents_keep_their_order(judge: Reranker) -> None:
    ranking = judge.rank(QUERIES[0], [DOCUMENTS[9], DOCUMENTS[0], DOCUMENTS[0], DOCUMENTS[9], DOCUMENTS[0]])
    assert [r.index for r in ranking] == [1, 2, 4, 0, 3]


def test_rank_many_is_rank_for_each(judge: Reranker) -> None:
    documents = [list(DOCUMENTS[:2]), [], [LONG * 2, "", DOCUMENTS[0]], list(DOCUMENTS[3:5])]
    options: dict[str, Any] = {"top_n": 2, "threshold": "relative:0.01"}
    together = judge.rank_many(QUERIES[:4], documents, **options)
    for query, texts, found in zip(QUERIES, documents, together, strict=False):
        alone = judge.rank(query, texts, **options)
        assert [r.index for r in found] == [r.index for r in alone]
        assert [r.logit for r in found] == close(judge, [r.logit for r in alone])
        assert [(r.passage, r.windows, r.tokens) for r in found] == [(r.passage, r.windows, r.tokens) for r in alone]
        assert [d.rule for d in found.dropped] == [d.rule for d in alone.dropped]
        assert (found.query, found.refused, found.score_type) == (query, alone.refused, alone.score_type)
        assert found.usage.tokens == alone.usage.tokens
    assert len({ranking.timings for ranking in together}) == 1


@pytest.mark.parametrize("wrong", ["topn", "treshold", "max_length"])
def test_an_option_that_is_none_is_refused(word_judge: Reranker, wrong: str) -> None:
    for rank in (word_judge.rank, word_judge.rank_many, lambda q, d, **o: asyncio.run(word_judge.arank_many(q, d, **o))):
        with pytest.raises(TypeError, match=wrong):
            rank(["a"], [["b"]], **{wrong: 1})


def test_rank_many_wants_documents_for_each_query(word_judge: Reranker) -> None:
    with pytest.raises(InputError, match="not 1 for 2 queries"):
        word_judge.rank_many(["a", "b"], [["x"]])
    for queries, documents in (("ab", [["x"], ["y"]]), (["a"], "x"), (["a"], ["x"]), (None, [["x"]]), (["a", ""], [["x"], ["y"]])):
        with pytest.raises(InputError):
            word_judge.rank_many(queries, documents)  # type: ignore[arg-type]
    assert word_judge.rank_many([], []) == []
    rankings = word_judge.rank_many((q for q in ("bamboo", "bread")), (iter(DOCUMENTS) for _ in range(2)))
    assert [r.query for r in rankings] == ["bamboo", "bread"]


def test_a_long_document_is_judged_by_its_best_window(embedded: Reranker) -> None:
    filler = "Bread is baked from flour, water, salt and yeast, and cooled on a rack before it is cut. "
    answer = "Giant pandas eat almost nothing but bamboo."
    for place in (0, 59):
        text = "".join(answer + " " if i == place else filler for i in range(60))
        ranking = embedded.rank("What do giant pandas eat?", [text, filler, {"text": answer, "id": "short"}])
        found = next(r for r in ranking if r.index == 0)
        assert answer in found.passage.text
        assert found.passage.text == text[found.passage.start : found.passage.end]
        assert found.windows > 2
        assert not found.truncated
        assert [r.index for r in ranking][-1] == 1
    cut = embedded.rank("What do giant pandas eat?", [text, filler], windows=WindowConfig(mode="truncate"))
    found = next(r for r in cut if r.index == 0)
    assert (found.truncated, found.windows, answer in found.passage.text) == (True, 1, False)
    assert found.tokens_unseen > 0


def test_usage_and_timings(judge: Reranker) -> None:
    ranking = judge.rank(QUERIES[0], [*DOCUMENTS[:3], LONG * 2, ""])
    usage = ranking.usage
    assert usage.documents == 5
    assert usage.pairs == sum(r.windows for r in ranking) > 4
    assert sum(r.tokens for r in ranking) < usage.tokens <= usage.padded_tokens
    assert 1 <= usage.batches <= usage.pairs
    assert 0 < ranking.timings.tokenise_ms + ranking.timings.forward_ms <= ranking.timings.total_ms
    assert (ranking.model, ranking.revision != "") == ("embedded", True)


def test_progress_bar(word_judge: Reranker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(engine_module, "BLOCK_PAIRS", 5)
    plain = word_judge.rank(QUERIES[0], DOCUMENTS)
    assert capsys.readouterr().err == ""
    shown = word_judge.rank(QUERIES[0], DOCUMENTS, progress=True)
    assert [r.index for r in shown] == [r.index for r in plain]
    assert word_judge.score(PAIRS, progress=True) == word_judge.score(PAIRS)
    assert word_judge.rank(QUERIES[0], [], progress=True).results == ()
    assert capsys.readouterr().out == ""


def test_long_query_is_reported_and_still_ranked(embedded: Reranker, caplog: pytest.LogCaptureFixture) -> None:
    query = "What do giant pandas eat? " + "I ask because I like them very much. " * 60
    ranking = embedded.rank(query, [DOCUMENTS[9], DOCUMENTS[0]])
    assert {r.index for r in ranking} == {0, 1}, "what remains of the question is no question any more"
    assert "query is too long" in ranking.warnings[0]
    with caplog.at_level(logging.WARNING, logger="adjudge"):
        embedded.score([(query, DOCUMENTS[0])])
    assert "query is too long" in caplog.text


@pytest.mark.parametrize("max_length", [8, 12, 20])
def test_short_max_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_length: int) -> None:
    with judge_with(monkeypatch, model_of("xlm-roberta", tmp_path), max_length=max_length) as judge:
        ranking = judge.rank("bamboo", [*DOCUMENTS, LONG])
        assert len(ranking) == len(DOCUMENTS) + 1
        assert judge.max_length == max_length
        assert not any(r.truncated for r in ranking)
        assert "bamboo" in ranking[0].passage.text.lower()


def test_longer_than_the_model_is_refused_before_anything_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.reranker.open_backend", None)
    with pytest.raises(ConfigError, match="max_length=513 is more than the 512"):
        Reranker(max_length=513)


def test_one_thread() -> None:
    with Reranker(backend="openvino", threads=1, precision="f32") as judge:
        assert judge.traits.parallel == 1
        found = logits(judge, [(case["query"], case["passage"]) for case in GOLDEN[:2]])
    assert found == pytest.approx([case["logit"] for case in GOLDEN[:2]], abs=1e-3)


@pytest.mark.parametrize("options", [{"device": "cuda:7"}, {"precision": "f16"}], ids=str)
def test_what_was_named_is_honoured_or_refused(options: dict[str, Any]) -> None:
    with pytest.raises(BackendUnavailableError):
        Reranker(backend="openvino", **options)


def test_what_it_says_of_itself(embedded: Reranker) -> None:
    assert repr(embedded).startswith("Reranker('embedded', backend='openvino', device='cpu', precision='int8', max_length=512")
    assert embedded.load_ms > 0
    assert embedded.traits.notes
    assert embedded.backend.traits == embedded.traits


def test_warm_up(word_judge: Reranker) -> None:
    assert word_judge.warm_up() > 0


def test_documents_come_back_as_they_were(word_judge: Reranker) -> None:
    given = [Document("bamboo", "a", {"page": 1}), {"text": "bread", "id": 2, "page": 3}, "giant pandas"]
    ranking = word_judge.rank("bamboo", given, top_n=2)
    back = {r.index: r.document for r in (*ranking, *ranking.dropped)}
    assert back == {0: given[0], 1: Document("bread", "2", {"page": 3}), 2: Document("giant pandas")}
    assert back[0] is given[0]

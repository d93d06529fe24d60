"""Two judges at work: who reads what, in shared batches, and what becomes of failures and of a close."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adjudge.config import WindowConfig
from adjudge.engine.cascade import DEFAULT_KEEP
from adjudge.engine.documents import accept_documents
from adjudge.engine.thresholds import Absolute, Precision
from adjudge.errors import BackendError, ClosedError, ConfigError
from adjudge.models.model import Model
from adjudge.types import Ranking
from tests.engine.cascades import MATCHES, PLAIN, QUERY, cascade_of, plain_order, rank, read_by
from tests.engine.conftest import Models
from tests.engine.stand_ins import FailsAt, Gate
from tests.texts import DOCUMENTS, LONG


@pytest.fixture
def words(models: Models) -> Model:
    """With a tokenizer that tells all texts apart, so that none is known from another."""
    return models("roberta")


@pytest.mark.parametrize("keep", [1, 2, 5, 7])
def test_the_strong_judge_reads_the_best_and_no_more(words: Model, keep: int) -> None:
    with cascade_of(words, keep=keep) as cascade:
        found = rank(cascade)
        best = plain_order(cascade, MATCHES)[:keep]
    assert read_by(found, "large") == set(best)
    assert read_by(found, "small") == set(range(len(MATCHES))) - set(best)
    assert found.usage.pairs == found.usage.computed == len(MATCHES) + keep
    assert found.usage.documents == len(MATCHES)
    assert found.warnings == ()


def test_its_word_counts(words: Model) -> None:
    with cascade_of(words, keep=3) as cascade:
        found = rank(cascade)
        alone = cascade.strong.judge([(QUERY, d) for d in MATCHES]).verdicts
    logits = {r.index: r.logit for r in found if r.judge == "large"}
    assert len(logits) == 3
    assert logits == {i: alone[i].logit for i in logits}
    assert [r.logit for r in found] == sorted((r.logit for r in found), reverse=True), "both calibrations say: the logit as it is"


@pytest.mark.parametrize("keep", [8, 9, 1000])
def test_the_first_is_spared_where_the_strong_one_reads_all(words: Model, keep: int) -> None:
    with cascade_of(words, keep=keep, first=lambda m: FailsAt(m, 1)) as cascade:
        found = rank(cascade)
        assert cascade.first.backend.shapes == []  # type: ignore[attr-defined]
    assert read_by(found, "large") == set(range(len(MATCHES)))
    assert found.usage.pairs == len(MATCHES)


def test_equals_are_kept_in_the_order_of_the_input(words: Model) -> None:
    with cascade_of(words, keep=2) as cascade:
        found = rank(cascade, ["bread", "bamboo!", "bamboo?", "bamboo!", "bread"], windows=WindowConfig())
        best = plain_order(cascade, ["bread", "bamboo!", "bamboo?", "bamboo!", "bread"])[:2]
    assert read_by(found, "large") == set(best)


def test_twenty_unless_told(words: Model) -> None:
    texts = [f"bamboo number {i}" for i in range(25)]
    with cascade_of(words) as cascade:
        assert len(read_by(rank(cascade, texts), "large")) == DEFAULT_KEEP == 20
        assert read_by(rank(cascade, texts, budget_ms=1e6), "large") == set(range(25)), "a budget decides by itself"
    with cascade_of(words, keep=4) as cascade:
        assert len(read_by(rank(cascade, texts, budget_ms=1e6), "large")) == 4, "but not above what was asked for"


def test_refused_documents_and_none_at_all(words: Model) -> None:
    with cascade_of(words, keep=2) as cascade:
        found = rank(cascade, ["", *MATCHES, None, "  "])
        assert [r.index for r in found.refused] == [0, 9, 10]
        assert found.usage.documents == 11
        assert {r.index for r in found} == set(range(1, 9))
        for budget in (None, 1000.0):
            nothing = rank(cascade, [""], budget_ms=budget)
            assert (len(nothing), len(nothing.refused), nothing.usage.documents, nothing.warnings) == (0, 1, 1, ())
            assert rank(cascade, [], budget_ms=budget).results == ()
        assert cascade.rank([], PLAIN) == []


def test_many_queries_in_shared_batches(words: Model) -> None:
    requests = [(QUERY, accept_documents(MATCHES)), ("iPhone", accept_documents(MATCHES[:2])), ("bread", accept_documents(MATCHES[1:]))]
    with cascade_of(words, keep=2) as cascade:
        alone = [cascade.rank([request], PLAIN)[0] for request in requests]
        before = len(cascade.strong.backend.shapes)  # type: ignore[attr-defined]
        together = cascade.rank(requests, PLAIN)
        assert len(cascade.strong.backend.shapes) == before + 1  # type: ignore[attr-defined]
    for one, other in zip(alone, together, strict=True):
        assert (one.results, one.dropped, one.query, one.usage.pairs) == (other.results, other.dropped, other.query, other.usage.pairs)
    assert read_by(together[1], "small") == set(), "two documents are no more than keep"


def test_thresholds_and_top_n_come_last(words: Model) -> None:
    with cascade_of(words, keep=3) as cascade:
        whole = rank(cascade)
        found = rank(cascade, options=replace(PLAIN, top_n=2, threshold=Absolute(whole[3].score)))
    assert [r.index for r in found] == [r.index for r in whole[:2]]
    assert [(d.index, d.judge) for d in found.dropped] == [(r.index, r.judge) for r in whole[2:]]
    assert {d.rule.partition(" ")[0] for d in found.dropped} == {"top_n=2", f"absolute:{whole[3].score}"}


def test_a_measured_threshold_is_the_strong_models(words: Model) -> None:
    with cascade_of(words, keep=3) as cascade, pytest.raises(ConfigError, match="precision"):
        rank(cascade, options=replace(PLAIN, threshold=Precision(0.9)))


def test_windows_are_for_both(words: Model) -> None:
    with cascade_of(words, keep=1) as cascade:
        long = [LONG * 3, "bread"]
        whole, cut = rank(cascade, long), rank(cascade, long, windows=WindowConfig(mode="truncate"))
    assert whole.usage.pairs > 5
    assert (cut.usage.pairs, cut.usage.truncated) == (3, 1)
    assert cut.warnings[0].startswith("small: 1 of 2 documents were cut")
    assert len(cut.warnings) == (2 if read_by(cut, "large") == {0} else 1)


def test_progress_goes_on_from_judge_to_judge(words: Model) -> None:
    told: list[tuple[int, int]] = []
    with cascade_of(words, keep=3) as cascade:
        rank(cascade, progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 11), (11, 11)]


@pytest.mark.parametrize("which", ["first", "strong"])
@pytest.mark.parametrize("budget", [None, 1000.0])
def test_a_failing_judge_fails_the_call_and_not_the_next(words: Model, which: str, budget: float | None) -> None:
    call = 1 if budget is None else 7  # six to measure the cost
    broken: dict[str, Any] = {which: lambda m: FailsAt(m, call)}
    with cascade_of(words, keep=2, **broken) as cascade:
        with pytest.raises(BackendError, match="the device is gone"):
            rank(cascade, budget_ms=budget)
        assert len(rank(cascade, budget_ms=budget)) == len(MATCHES)


def test_closing_closes_both(words: Model) -> None:
    with cascade_of(words, keep=2) as cascade:
        cascade.close()
        cascade.close()
        assert [engine.backend.closed for engine in (cascade.first, cascade.strong)] == [2, 2]  # type: ignore[attr-defined]
        with pytest.raises(ClosedError):
            rank(cascade)
        with pytest.raises(ClosedError):
            rank(cascade, MATCHES[:1])


def test_closing_waits_for_the_call_that_runs(words: Model) -> None:
    with cascade_of(words, keep=2, first=Gate) as cascade:
        gate: Any = cascade.first.backend
        ended: list[object] = []
        caller = threading.Thread(target=_note, args=(lambda: rank(cascade), ended))
        caller.start()
        assert gate.begun.wait(30)
        closer = threading.Thread(target=cascade.close)
        closer.start()
        gate.open.set()
        closer.join(30)
        caller.join(30)
    assert len(ended) == 1
    assert isinstance(ended[0], Ranking | ClosedError), "an answer, or a typed error; never silence"


def test_many_threads(words: Model) -> None:
    with cascade_of(words, keep=3) as cascade:
        expected = rank(cascade).results
        ended: list[object] = []
        callers = [threading.Thread(target=_note, args=(lambda: rank(cascade, budget_ms=60_000), ended)) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(60)
    assert [r.results for r in ended if isinstance(r, Ranking)] == [expected] * 8


def _note(call: Callable[[], object], ended: list[object]) -> None:
    try:
        ended.append(call())
    except ClosedError as error:
        ended.append(error)


def test_documents_of_every_kind(words: Model) -> None:
    with cascade_of(words, keep=4) as cascade:
        found = rank(cascade, [*DOCUMENTS, {"text": LONG, "id": "x", "page": 3}, "\0", "\ud800"])
    assert sorted(r.index for r in found) == list(range(len(DOCUMENTS) + 3))
    assert next(r for r in found if r.index == len(DOCUMENTS)).document.metadata == {"page": 3}

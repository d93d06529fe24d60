"""The service without HTTP: what it answers, and a fault for every error."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from adjudge import Reranker, errors
from adjudge.config import WindowConfig
from adjudge.server.asks import Ask, PairsAsk
from adjudge.server.faults import KINDS, fault_of
from adjudge.server.metrics import Metrics
from adjudge.server.protocols.dialect import STATUS
from adjudge.server.registry import Registry
from adjudge.server.service import Service
from adjudge.server.settings import Limits, Settings
from adjudge.server.visit import Visit
from tests.server.asking import DOCUMENTS, Start, call_of, rank, refusal
from tests.server.serving import PATIENCE_S, quick_settings, until


def started(settings: Settings, metrics: Metrics, **options: Any) -> Service:
    """A service of its own settings, its model loaded. The test closes it."""
    done = threading.Event()
    service = Service(Registry(settings, on_loaded=done.set, **options), settings.limits, metrics)
    service.registry.start()
    assert done.wait(PATIENCE_S)
    return service


def test_an_answer(start: Start) -> None:
    service, visit = start(), Visit(request_id="r1")
    ask = Ask(query="red wine", documents=DOCUMENTS, top_n=2, warnings=("from the dialect",), max_tokens_per_doc=3)
    answer = asyncio.run(service.rank(ask, call_of(service), visit))
    assert len(answer.ranking) == 2
    assert answer.ranking[0].index == 2
    assert (answer.model, answer.request_id) == ("quick", "r1")
    assert abs(answer.created - time.time()) < PATIENCE_S
    assert answer.total_ms >= answer.queue_ms >= 0
    assert answer.warnings[0] == "from the dialect"
    assert (visit.model, visit.tokens) == ("quick", answer.ranking.usage.tokens)
    assert visit.judged


def test_scores_of_pairs_are_those_of_the_library(start: Start, quick_folder: Path) -> None:
    service = start()
    pairs = (("red wine", "red wine"), ("red wine", "blue"), ("", ""))
    for normalize in (True, False):
        ask = PairsAsk(pairs=pairs, normalize=normalize)
        answer = asyncio.run(service.score(ask, call_of(service), Visit(request_id="r")))
        with Reranker(quick_folder, backend="fake") as judge:
            assert list(answer.scores) == judge.score(pairs, normalize=normalize)
            tokens = judge.rank("red wine", ["red wine", "blue"]).usage.tokens
        assert answer.score_type == ("sigmoid" if normalize else "logit")
        assert answer.tokens > tokens


def test_pairs_that_were_not_read_whole_are_told(start: Start) -> None:
    service = start()
    answer = asyncio.run(service.score(PairsAsk(pairs=(("x " * 1000, "y"),)), call_of(service), Visit(request_id="r")))
    assert "the query is too long" in answer.warnings[0]


def test_explanations_of_the_best(start: Start) -> None:
    answer = rank(start(), documents=("red apples. blue wine. red wine.", "blue", "red"), explain=2, top_n=2)
    assert [e.index for e in answer.explanations] == [r.index for r in answer.ranking]
    assert len(answer.explanations[0].sentences) == 3
    assert rank(start(), explain=0).explanations == ()


def test_similarities_come_from_the_shipped_bi_encoder(start: Start) -> None:
    """In the order of the documents, None for what holds no text; judged or not makes no difference."""
    service = start()
    answer = rank(
        service, query="What do pandas eat?", documents=("Giant pandas eat bamboo.", " ", "The stock market fell."), similarity=True
    )
    near, none, far = answer.similarities
    assert none is None
    assert near is not None
    assert far is not None
    assert -1 <= far < near <= 1
    assert rank(service).similarities == ()


def test_no_similarities_where_there_is_no_bi_encoder(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise errors.ModelNotFoundError("it is not here")

    monkeypatch.setattr("adjudge.retrieval.dense.Embedder.__init__", missing)
    service = start()
    assert rank(service, similarity=True).similarities == (None, None, None)
    assert rank(service, similarity=True).similarities == (None, None, None)


def test_max_tokens_per_doc(start: Start) -> None:
    """What lies behind the limit is not judged, and each document that was cut says so and comes back whole."""
    long = "blue " * 10 + "red wine"
    service = start()
    whole, cut = rank(service, documents=(long, "red")), rank(service, documents=(long, "red"), max_tokens_per_doc=12)
    assert [r.index for r in whole.ranking] == [0, 1]
    assert [r.index for r in cut.ranking] == [1, 0]
    last = cut.ranking[1]
    assert (last.document.text, last.truncated, last.tokens) == (long, True, whole.ranking[0].tokens)
    assert last.tokens_unseen == last.tokens - 12
    (seen_until, end), *_ = last.unseen
    assert 0 < seen_until < end == len(long)
    assert last.passage.end <= seen_until
    assert not cut.ranking[0].truncated
    assert "1 of 2 documents have more than 12 tokens" in cut.warnings[-1]
    assert cut.ranking.usage.truncated == 1


def test_max_tokens_per_doc_beside_what_is_dropped_and_refused(start: Start) -> None:
    long = "red " * 30
    answer = rank(start(), documents=(long, " ", None, "blue"), max_tokens_per_doc=5, top_n=0)
    assert [d.document.text for d in sorted(answer.ranking.dropped, key=lambda d: d.index)] == [long, "blue"]
    assert [r.index for r in answer.ranking.refused] == [1, 2]
    assert refusal(start(), max_tokens_per_doc=0).kind == "invalid"


@pytest.mark.parametrize(
    ("changes", "kind", "param"),
    [
        ({"query": " "}, "invalid", "query"),
        ({"threshold": "strict"}, "invalid", "threshold"),
        ({"threshold": float("nan")}, "invalid", "threshold"),
        ({"top_n": -1}, "invalid", None),
        ({"model": "nobody"}, "not_found", "model"),
        ({"documents": ("x",) * 11}, "too_large", "documents"),
        ({"timeout_ms": 0.0001}, "timeout", None),
    ],
)
def test_what_cannot_be_answered(start: Start, changes: dict[str, Any], kind: str, param: str | None) -> None:
    fault = refusal(start(Limits(documents=10)), **changes)
    assert (fault.kind, fault.param) == (kind, param), fault.message


def test_a_budget_without_a_first_judge_is_told_to_have_no_effect(start: Start) -> None:
    answer = rank(start(), budget_ms=5.0)
    assert len(answer.ranking) == len(DOCUMENTS)
    assert [text for text in answer.warnings if "budget_ms has no effect" in text]


def test_a_requests_windows_change_only_what_they_name(quick_folder: Path) -> None:
    """The rest stays as the server was told."""
    text = " ".join(f"paragraph {i} is about apples and bread." for i in range(400))
    settings = quick_settings(quick_folder, options={"backend": "fake", "windows": WindowConfig(max_windows=2)})
    service = started(settings, Metrics())
    assert [rank(service, documents=(text,), windows=w).ranking[0].windows for w in ({}, {"aggregation": "mean"})] == [2, 2]
    assert rank(service, documents=(text,), windows={"max_windows": 1}).ranking[0].windows == 1
    assert service.close(timeout_s=PATIENCE_S)


def test_an_unknown_model_is_told_the_known_ones(start: Start) -> None:
    assert "quick" in refusal(start(), model="nobody").message


def test_what_is_no_error_of_the_library_goes_through(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("adjudge.server.service.judge", bug)
    with pytest.raises(ZeroDivisionError):
        rank(start())


def test_a_lost_gpu_costs_its_requests_only_time(quick_folder: Path) -> None:
    """The service is asked, the GPU fails, the answer comes from the CPU and says so; so do those after it."""
    from tests.server.test_registry import Opened

    opener = Opened(quick_folder)
    settings = quick_settings(quick_folder, cpu_fallback=True)
    metrics = Metrics()
    service = started(settings, metrics, opener=opener, on_fallback=metrics.fallback)
    assert rank(service).warnings == ()
    opener.gpus[0].error = errors.BackendError("lost")
    for _ in range(2):
        answer = rank(service)
        assert answer.ranking[0].index == 2
        assert "quick runs on the CPU" in answer.warnings[0]
    assert b'{reason="BackendError"} 1.0' in metrics.render()[0]
    assert service.close(timeout_s=PATIENCE_S)


def test_a_model_that_is_not_there_yet(quick_folder: Path) -> None:
    go_on = threading.Event()

    def slow(source: str, **options: Any) -> Reranker:
        assert go_on.wait(PATIENCE_S)
        raise errors.ModelFilesError("truncated")

    settings = quick_settings(quick_folder)
    service = Service(Registry(settings, opener=slow), settings.limits, Metrics())
    service.registry.start()
    early = refusal(service)
    assert (early.kind, early.retry_after) == ("not_ready", 2)
    go_on.set()
    until(lambda: service.registry.failed)
    late = refusal(service)
    assert (late.kind, late.retry_after) == ("not_ready", None), "coming back will not help"
    assert "ModelFilesError" in late.message
    assert "truncated" not in late.message, "which may name folders; it is for the log and for /info"
    assert service.close(timeout_s=PATIENCE_S)


def _every_error() -> list[type[errors.AdjudgeError]]:
    return [found for name in errors.__all__ if issubclass(found := getattr(errors, name), errors.AdjudgeError)]


@pytest.mark.parametrize("kind", _every_error())
def test_every_error_of_the_library_has_a_status(kind: type[errors.AdjudgeError]) -> None:
    arguments = {"package": "p", "extra": "e", "what": "w"} if kind is errors.MissingExtraError else {}
    error = kind(**arguments) if arguments else kind("why")
    fault = fault_of(error)
    assert STATUS[fault.kind] in (422, 499, 500, 503, 504)
    assert fault.message == str(error)


def test_only_a_clients_mistakes_are_its_own() -> None:
    assert {kind for kind, said in KINDS.items() if said == "invalid"} == {errors.ConfigError, errors.InputError}

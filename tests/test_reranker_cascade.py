"""Reranker with a first judge: two real models, tiny and random, and what each of them says alone."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adjudge import Reranker
from adjudge.errors import BackendError, BackendUnavailableError, ClosedError, ConfigError, ModelError, ModelNotFoundError
from tests.pair_batches import batch_of
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES
from tests.tiny_models import Tiny
from tests.tiny_own import build_own

RUN: dict[str, Any] = {"backend": "openvino", "precision": "f32"}
KEEP = 4


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In adjudge's own form, with a calibration."""
    return calibrate(build_own(tmp_path_factory.mktemp("cascade") / "small"), temperature=1.5, bias=-0.5)


@pytest.fixture(scope="module")
def bare(tiny_folder: Callable[[Tiny], Path]) -> Path:
    """As a hub's, without a calibration."""
    return tiny_folder(Tiny(family="bert", seed=3))


@pytest.fixture(scope="module")
def large(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one."""
    folder = tmp_path_factory.mktemp("cascade") / "large"
    shutil.copytree(bare, folder)
    return calibrate(folder, temperature=0.8, bias=0.25)


@pytest.fixture(scope="module")
def judge(small: Path, large: Path) -> Iterator[Reranker]:
    with Reranker(large, first=small, keep=KEEP, **RUN) as judge:
        yield judge


@pytest.fixture(scope="module")
def alone(small: Path, large: Path) -> dict[str, list[list[float]]]:
    """The logits of every pair by each model by itself, a row a query."""
    found = {}
    for name, folder in (("small", small), ("large", large)):
        with Reranker(folder, **RUN) as one:
            found[name] = np.array(one.score(PAIRS, normalize=False)).reshape(len(QUERIES), -1).tolist()
    return found


def calibrate(folder: Path, *, temperature: float, bias: float) -> Path:
    (folder / "calibration.json").write_text(json.dumps({"temperature": temperature, "bias": bias}), encoding="utf-8")
    return folder


def best_first(logits: list[float]) -> list[int]:
    return sorted(range(len(logits)), key=lambda i: (-logits[i], i))


def test_each_says_of_a_pair_what_it_says_alone(judge: Reranker, alone: dict[str, list[list[float]]], small: Path, large: Path) -> None:
    largest = 0.0
    for query, by_small, by_large in zip(QUERIES, alone["small"], alone["large"], strict=True):
        ranking = judge.rank(query, DOCUMENTS)
        best = best_first(by_small)[:KEEP]
        assert {r.index for r in ranking if r.judge == str(large)} == set(best)
        assert {r.index for r in ranking if r.judge == str(small)} == set(range(len(DOCUMENTS))) - set(best)
        expected = {i: by_large[i] if i in best else by_small[i] for i in range(len(DOCUMENTS))}
        largest = max(largest, *(abs(r.logit - expected[r.index]) for r in ranking))
        calibrated = {i: x / 0.8 + 0.25 if i in best else x / 1.5 - 0.5 for i, x in expected.items()}
        assert [r.score for r in ranking] == pytest.approx([1 / (1 + math.exp(-calibrated[r.index])) for r in ranking], abs=1e-4)
        assert [calibrated[r.index] for r in ranking] == pytest.approx(sorted(calibrated.values(), reverse=True), abs=1e-4)
        assert (ranking.score_type, ranking.warnings, ranking.model) == ("calibrated", (), str(large))
    print(f"largest difference to each model alone: {largest:.2e}")
    assert largest < 1e-4


def test_rank_many_is_rank_for_each(judge: Reranker) -> None:
    documents = [DOCUMENTS, DOCUMENTS[:3], (), (*DOCUMENTS[5:], LONG)]
    together = judge.rank_many(QUERIES[:4], documents, top_n=5)
    for query, texts, found in zip(QUERIES, documents, together, strict=False):
        expected = judge.rank(query, texts, top_n=5)
        assert [(r.index, r.judge) for r in found] == [(r.index, r.judge) for r in expected]
        assert [r.logit for r in found] == pytest.approx([r.logit for r in expected], abs=1e-4)
        assert [(d.index, d.judge, d.rule) for d in found.dropped] == [(d.index, d.judge, d.rule) for d in expected.dropped]
        assert found.usage.tokens == expected.usage.tokens


def test_loose_pairs_are_the_strong_judges(judge: Reranker, alone: dict[str, list[list[float]]]) -> None:
    assert judge.score(PAIRS, normalize=False) == pytest.approx(np.ravel(alone["large"]).tolist(), abs=1e-4)


def test_without_a_calibration_the_strong_ones_come_first(small: Path, bare: Path, judge: Reranker) -> None:
    with Reranker(bare, first=small, keep=KEEP, **RUN) as plain:
        ranking = plain.rank(QUERIES[0], DOCUMENTS)
    assert [r.judge for r in ranking] == [str(bare)] * KEEP + [str(small)] * (len(DOCUMENTS) - KEEP)
    assert f"cannot be compared ({bare} has no calibration)" in ranking.warnings[0]
    raw = judge.rank(QUERIES[0], DOCUMENTS, normalize=False)
    assert "normalize=False" in raw.warnings[0]
    assert raw.score_type == "logit"


def test_a_budget_of_the_reranker_and_one_of_the_call(small: Path, large: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="adjudge"), Reranker(large, first=small, budget_ms=1e-3, **RUN) as judge:
        assert "ms a token" in caplog.text, "measured when it was loaded"
        none = judge.rank(QUERIES[0], DOCUMENTS)
        all_of_them = judge.rank(QUERIES[0], DOCUMENTS, budget_ms=60_000)
    assert {r.judge for r in none} == {str(small)}
    assert none.warnings[0].startswith(f"budget_ms=0.001: {large} read 0 of {len(DOCUMENTS)} documents; {small} alone took")
    assert {r.judge for r in all_of_them} == {str(large)}
    assert all_of_them.warnings == ()


def test_arank_and_warm_up(judge: Reranker) -> None:
    assert judge.warm_up() > 0
    assert judge.cascade is not None
    assert judge.cascade.cost is not None
    expected = judge.rank(QUERIES[0], DOCUMENTS)
    found = asyncio.run(judge.arank(QUERIES[0], DOCUMENTS, budget_ms=60_000))
    assert [(r.index, r.judge) for r in found] == [(r.index, r.judge) for r in expected]


def test_what_it_says_of_itself(judge: Reranker, small: Path, large: Path) -> None:
    assert repr(judge).startswith(f"Reranker({str(large)!r}, ")
    assert repr(judge).endswith(f"first={str(small)!r})")
    assert judge.model.name == str(large)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"first": "x", "keep": 0}, "keep"),
        ({"first": "x", "keep": -1}, "keep"),
        ({"first": "x", "keep": 2.0}, "keep"),
        ({"first": "x", "keep": True}, "keep"),
        *(({"first": "x", "budget_ms": v}, "budget_ms") for v in (0, -1.0, math.nan, math.inf, "5", False)),
        ({"first": 7}, "first"),
        ({"first": False}, "first"),
        ({"keep": 5}, "keep=5 without a first judge"),
        ({"budget_ms": 5.0, "keep": 3}, "keep=3 and budget_ms=5.0 without"),
        ({"first": "embedded"}, "both 'embedded'"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(options: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.reranker.load_model", None)
    with pytest.raises(ConfigError, match=named):
        Reranker(**options)


@pytest.mark.parametrize("value", [0, -5, math.nan, math.inf, "300", True])
def test_a_call_with_a_budget_that_is_none(judge: Reranker, value: Any) -> None:
    with pytest.raises(ConfigError, match="budget_ms"):
        judge.rank(QUERIES[0], DOCUMENTS, budget_ms=value)


def test_a_budget_without_a_first_judge(word_judge: Reranker) -> None:
    with pytest.raises(ConfigError, match="first judge"):
        word_judge.rank(QUERIES[0], DOCUMENTS, budget_ms=300)


def test_nothing_was_asked_for(large: Path) -> None:
    with Reranker(large, first=None, keep=None, budget_ms=None, **RUN) as judge:
        assert judge.cascade is None
        assert {r.judge for r in judge.rank(QUERIES[0], DOCUMENTS, budget_ms=None)} == {str(large)}


def test_what_names_one_model_is_not_taken_for_the_other(small: Path, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adjudge.models.load import load_model

    asked = {}

    def remember(name: Path, source: Any) -> Any:
        asked[name] = source
        return load_model(name)

    monkeypatch.setattr("adjudge.reranker.load_model", remember)
    options: dict[str, Any] = {"revision": "v1", "trust_remote_code": True, "calibration": large, "local_files_only": True}
    with Reranker(large, first=small, **options, **RUN):
        pass
    assert (asked[large].revision, asked[large].trust_remote_code, asked[large].calibration) == ("v1", True, large)
    assert (asked[small].revision, asked[small].trust_remote_code, asked[small].calibration) == (None, False, None)
    assert asked[small].local_files_only


def test_a_length_that_only_the_strong_one_has(small: Path, large: Path, tmp_path: Path) -> None:
    shorter = tmp_path / "shorter"
    shutil.copytree(small, shorter)
    (shorter / "tokenizer_config.json").write_text('{"model_max_length": 64}', encoding="utf-8")
    with Reranker(large, first=shorter, max_length=100, **RUN) as judge:
        assert judge.max_length == 100
        assert judge.cascade is not None
        assert judge.cascade.first.max_length == 64
        assert len(judge.rank(QUERIES[0], [*DOCUMENTS, LONG])) == len(DOCUMENTS) + 1
    with pytest.raises(ConfigError, match="max_length=300"):
        Reranker(large, first=shorter, max_length=300, **RUN)


@pytest.mark.parametrize(("model", "first"), [("large", "nowhere"), ("nowhere", "small")])
def test_a_model_that_is_not_there(
    model: str, first: str, small: Path, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {"small": small, "large": large, "nowhere": tmp_path / "nowhere"}
    monkeypatch.setattr("adjudge.reranker.open_backend", None)  # said before anything is compiled
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        Reranker(folders[model], first=folders[first], **RUN)


def test_a_first_model_that_is_no_reranker(large: Path, small: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(small, broken)
    (broken / "judge.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="broken"):
        Reranker(large, first=broken, **RUN)


def test_nothing_is_left_open_when_loading_fails(small: Path, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adjudge.backends import loader

    opened: list[Any] = []

    def open_one(model: Any, config: Any) -> Any:
        if opened:
            raise BackendUnavailableError("one is enough")
        opened.append((loader.open_backend(model, config), model))
        return opened[0][0]

    monkeypatch.setattr("adjudge.reranker.open_backend", open_one)
    with pytest.raises(BackendUnavailableError, match="one is enough"):
        Reranker(large, first=small, **RUN)
    assert len(opened) == 1
    assert_closed(opened)


def test_nothing_is_left_open_when_measuring_fails(small: Path, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adjudge.backends import loader

    opened: list[Any] = []

    def open_one(model: Any, config: Any) -> Any:
        opened.append((loader.open_backend(model, config), model))
        return opened[-1][0]

    def fail(_self: Any) -> None:
        raise BackendError("the device is gone")

    monkeypatch.setattr("adjudge.reranker.open_backend", open_one)
    monkeypatch.setattr("adjudge.engine.cascade.Cascade.measure", fail)
    with pytest.raises(BackendError, match="the device is gone"):
        Reranker(large, first=small, budget_ms=100.0, **RUN)
    assert len(opened) == 2
    assert_closed(opened)


def assert_closed(opened: list[Any]) -> None:
    """Each refuses work, as a closed one does."""
    for backend, model in opened:
        with pytest.raises(ClosedError):
            backend.forward(batch_of(model, PAIRS[:1]))


def test_closed(small: Path, large: Path) -> None:
    with Reranker(large, first=small, keep=2, **RUN) as judge:
        judge.rank(QUERIES[0], DOCUMENTS)
    judge.close()
    for call in (lambda: judge.rank(QUERIES[0], DOCUMENTS), lambda: judge.score(PAIRS), lambda: judge.rank(QUERIES[0], DOCUMENTS[:1])):
        with pytest.raises(ClosedError):
            call()
    assert judge.cascade is not None
    with pytest.raises(ClosedError):
        judge.cascade.first.judge(PAIRS[:1])

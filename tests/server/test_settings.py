"""What a server is told, checked before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adjudge.errors import ConfigError
from adjudge.server.auth import Keys
from adjudge.server.settings import Limits, ModelSource, Settings, parse_baseline, parse_baselines, parse_model


@pytest.mark.parametrize(
    ("written", "name", "source"),
    [
        ("embedded", "embedded", "embedded"),
        ("BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3", "BAAI/bge-reranker-v2-m3"),
        ("rerank-v3.5=embedded", "rerank-v3.5", "embedded"),
        (" big = BAAI/bge-reranker-v2-m3 ", "big", "BAAI/bge-reranker-v2-m3"),
        ("a=./b=c", "a", "./b=c"),
    ],
)
def test_a_model_as_it_is_written(written: str, name: str, source: str) -> None:
    assert parse_model(written) == ModelSource(name=name, source=source)


def test_a_folder_is_called_by_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    assert parse_model(str(folder)) == ModelSource(name="my model", source=str(folder))
    monkeypatch.chdir(folder)
    assert parse_model(".").name == "my model"


def test_a_folder_with_an_equals_sign_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a=b"
    folder.mkdir()
    with pytest.raises(ConfigError, match="a=b"):  # which is no name, so it must be given one
        parse_model(str(folder))
    assert parse_model(f"x={folder}").source == str(folder)


@pytest.mark.parametrize("written", ["", "=embedded", "a=", "a= ", "a,b=embedded", "a\nb=embedded", "x" * 201])
def test_a_model_that_is_none(written: str) -> None:
    with pytest.raises(ConfigError):
        parse_model(written)


def test_two_names_share_a_model() -> None:
    settings = Settings(models=tuple(map(parse_model, ("a=embedded", "b=other", "c=embedded"))))
    assert settings.sources == {"embedded": ("a", "c"), "other": ("b",)}


def test_a_baseline_as_it_is_written(tmp_path: Path) -> None:
    odd = tmp_path / "a=b.json"
    odd.touch()
    assert parse_baseline("big=x.json", "first") == ("big", Path("x.json"))
    assert parse_baseline("x.json", "first") == ("first", Path("x.json"))
    assert parse_baseline(str(odd), "first") == ("first", odd)


def test_one_baseline_for_each_model() -> None:
    assert parse_baselines(["x.json", "b=y.json"], "a") == {"a": Path("x.json"), "b": Path("y.json")}
    models = tuple(map(parse_model, ("a=x", "b=y")))
    assert len(Settings(models=models, baselines={"a": Path("1"), "b": Path("2")}).baselines) == 2


@pytest.mark.parametrize("written", [["a=x.json", "a=y.json"], ["x.json", "a=y.json"], ["x.json", "y.json"]])
def test_a_second_baseline_under_one_name_is_refused(written: list[str]) -> None:
    with pytest.raises(ConfigError, match="two baselines for 'a'"):
        parse_baselines(written, "a")


def test_a_second_baseline_under_another_name_of_the_model_is_refused() -> None:
    models = tuple(map(parse_model, ("a=embedded", "other=y", "b=embedded")))
    with pytest.raises(ConfigError, match="'a' and 'b' are one model"):
        Settings(models=models, baselines={"a": Path("1"), "other": Path("2"), "b": Path("3")})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": ()}, "at least one model"),
        ({"models": (parse_model("embedded"), parse_model("embedded"))}, "called 'embedded'"),
        ({"port": -1}, "port"),
        ({"port": 65536}, "port"),
        ({"port": True}, "port"),
        ({"cors_origins": ("example.com",)}, "origin"),
        ({"cors_origins": ("https://example.com/",)}, "origin"),
        ({"cors_origins": ("https://a, https://b",)}, "origin"),
        ({"baselines": {"nobody": Path("x")}}, "'nobody'"),
        ({"models": (parse_model("a=x"), parse_model("b=y")), "options": {"revision": "main"}}, "revision"),
        ({"models": (parse_model("a=x"), parse_model("b=y")), "options": {"calibration": "c.json"}}, "calibration"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Settings(**changes)


@pytest.mark.parametrize("name", ["body_bytes", "documents", "pairs", "threads"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None, "1"])
def test_counts_are_whole(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["timeout_s", "body_idle_s"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), True, None])
def test_times_are_finite(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_a_request_can_never_be_larger_than_the_queue() -> None:
    assert Limits(documents=100, pairs=50).documents_of_one == 50
    assert Limits(documents=50, pairs=100).documents_of_one == 50


def test_two_origins_of_a_model_with_one_source_may_have_a_revision() -> None:
    found = Settings(models=(parse_model("a=x"), parse_model("b=x")), options={"revision": "main"})
    assert dict(found.sources) == {"x": ("a", "b")}


def test_settings_do_not_show_keys() -> None:
    assert "secret" not in repr(Settings(keys=Keys(["secret"])))

"""Settings are checked when they are built: nonsense never reaches a model, and zero means zero."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from adjudge.config import BackendConfig, BatchConfig, CascadeConfig, EngineConfig, Options, SourceConfig, WindowConfig
from adjudge.errors import ConfigError
from adjudge.reranker import Reranker, engine_config

NO_COUNT = (0, -1, 1.5, math.nan, "3", True, False, [3])


@pytest.mark.parametrize("value", NO_COUNT, ids=repr)
@pytest.mark.parametrize("name", ["threads", "max_batch_tokens", "max_batch_pairs", "max_length"])
def test_counts(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        engine_config({name: value})  # type: ignore[misc]


@pytest.mark.parametrize("value", [1, 7, None])
def test_counts_that_are_honoured(value: int | None) -> None:
    config = engine_config({"threads": value, "max_batch_tokens": value, "max_batch_pairs": value})
    assert (config.backend.threads, config.batches.max_batch_tokens, config.batches.max_batch_pairs) == (value, value, value)


@pytest.mark.parametrize("value", [0, 1, 7])
def test_shortest_length(value: int) -> None:
    with pytest.raises(ConfigError, match="max_length"):
        EngineConfig(max_length=value)
    assert EngineConfig(max_length=8).max_length == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("backend", v) for v in ("cuda", "", None, 0, True)),
        *(("precision", v) for v in ("fp16", "float32", "INT8", None, 16)),
        *(("device", v) for v in (None, 0, True)),
        *(("revision", v) for v in (0, False, b"main")),
        *(("token", v) for v in (False, 7)),
        *(("cache_dir", v) for v in (0, False, b"/tmp")),
        *(("local_files_only", v) for v in (None, 0, 1, "no")),
        *(("trust_remote_code", v) for v in (None, 1, "false", "False", "")),
        *(("progress", v) for v in (None, 1, "yes")),
        *(("windows", v) for v in (None, {}, "truncate", False)),
    ],
)
def test_values_of_the_wrong_kind(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        engine_config({name: value})  # type: ignore[misc]


@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "chunks"},
        {"mode": None},
        {"aggregation": "sum"},
        {"aggregation": None},
        {"overlap_tokens": -1},
        {"overlap_tokens": 1.5},
        {"overlap_tokens": "32"},
        {"overlap_tokens": True},
        {"top_k": 0},
        {"top_k": -3},
        {"max_windows": 0},
        {"max_windows": 2.0},
        {"max_windows": False},
    ],
    ids=str,
)
def test_windows(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        WindowConfig(**settings)


def test_zero_and_none_mean_what_they_say() -> None:
    assert WindowConfig(overlap_tokens=0).overlap_tokens == 0
    assert WindowConfig(max_windows=None).max_windows is None
    config = engine_config({"local_files_only": False, "trust_remote_code": False, "revision": None, "token": None, "cache_dir": None})
    assert config.source == SourceConfig()


def test_options_land_where_they_belong(tmp_path: Path) -> None:
    windows = WindowConfig(mode="truncate")
    config = engine_config(
        {
            "backend": "fake",
            "device": "cpu",
            "precision": "f32",
            "threads": 2,
            "max_length": 64,
            "max_batch_tokens": 128,
            "max_batch_pairs": 3,
            "windows": windows,
            "revision": "main",
            "token": "t",
            "cache_dir": str(tmp_path),
            "local_files_only": True,
            "trust_remote_code": True,
            "progress": True,
            "first": "embedded",
            "keep": 5,
            "budget_ms": 120,
        }
    )
    assert config.cascade == CascadeConfig(first="embedded", keep=5, budget_ms=120)
    assert config.max_length == 64
    assert config.backend == BackendConfig(backend="fake", device="cpu", precision="f32", threads=2)
    assert config.batches == BatchConfig(max_batch_tokens=128, max_batch_pairs=3)
    assert config.windows is windows
    source = SourceConfig(revision="main", token="t", cache_dir=tmp_path, local_files_only=True, trust_remote_code=True, progress=True)
    assert config.source == source
    assert engine_config({"cache_dir": tmp_path}).source.cache_dir == tmp_path


def test_nothing_given_is_the_default() -> None:
    assert engine_config({}) == EngineConfig()


def test_every_option_has_its_place() -> None:
    grouped = (SourceConfig, BackendConfig, BatchConfig, CascadeConfig)
    names = {field.name for config in grouped for field in dataclasses.fields(config)}
    assert set(Options.__annotations__) == names | {"max_length", "windows", "cache"}


@pytest.mark.parametrize("name", ["top_n", "batch_size", "use_fp16", "Threads"])
def test_unknown_options_are_named_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ConfigError, match=f"no option {name}; it knows .*max_length.*windows"):
        Reranker(**{name: 1})  # type: ignore[arg-type]


def test_the_message_names_the_value_and_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match=r"precision must be one of auto, f32, bf16, f16, int8, not 'fp16'"):
        BackendConfig(precision="fp16")  # type: ignore[arg-type]

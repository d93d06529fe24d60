"""Where training runs and in which precision."""

from __future__ import annotations

import pytest

from adjudge.backends.capabilities import cpu_has_bfloat16
from adjudge.errors import BackendMemoryError, ConfigError
from adjudge.train.device import autocast, choose_device, explain_memory, grad_scaler, resolve_precision
from adjudge.train.settings import ModelConfig, RunConfig, TrainConfig
from tests.train.toy import changed


def test_auto_takes_what_there_is() -> None:
    import torch

    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device("auto").type == expected
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "", "cuda:999", "xla", "privateuseone", "cpu:x"])
def test_a_device_that_cannot_be_had_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"run\.device={name!r} cannot be used here"):
        choose_device(name)


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16"])
def test_a_named_precision_is_taken(precision: str) -> None:
    import torch

    assert resolve_precision(precision, torch.device("cpu")) == precision


def test_auto_is_bfloat16_only_where_the_cpu_has_it() -> None:
    import torch

    assert resolve_precision("auto", torch.device("cpu")) == ("bf16" if cpu_has_bfloat16() else "f32")


@pytest.mark.parametrize(("precision", "name"), [("f32", "float32"), ("bf16", "bfloat16"), ("f16", "float16")])
def test_matrix_products_are_in_that_precision_and_weights_in_float32(precision: str, name: str) -> None:
    import torch

    layer = torch.nn.Linear(8, 4)
    with autocast(precision, torch.device("cpu")):
        found = layer(torch.ones(2, 8))
    assert found.dtype == getattr(torch, name)
    assert layer.weight.dtype == torch.float32


def test_only_float16_scales_its_loss() -> None:
    import torch

    assert [grad_scaler(p, torch.device("cpu")).is_enabled() for p in ("f32", "bf16", "auto", "f16")] == [False, False, False, True]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_out_of_memory_says_what_to_lower(tmp_path_factory: pytest.TempPathFactory, error: Exception) -> None:
    config = small(tmp_path_factory)
    with pytest.raises(BackendMemoryError, match=r"run\.batch_tokens \(now 128\)") as caught, explain_memory(config):
        raise error
    assert caught.value.__cause__ is error


def test_a_real_allocation_that_cannot_succeed_is_one_of_those(tmp_path_factory: pytest.TempPathFactory) -> None:
    import torch

    with pytest.raises(BackendMemoryError), explain_memory(small(tmp_path_factory)):
        torch.empty(2**60)


def test_other_errors_pass_as_they_are(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(RuntimeError, match="shapes"), explain_memory(small(tmp_path_factory)):
        raise RuntimeError("shapes cannot be multiplied")


def small(factory: pytest.TempPathFactory) -> TrainConfig:
    from adjudge.train import DataConfig

    folder = factory.mktemp("config")
    config = TrainConfig(data=DataConfig(train=(folder / "a.jsonl",)), run=RunConfig(output=folder), model=ModelConfig())
    return changed(config, run={"batch_tokens": 128})

"""Tensors read from safetensors files, against what the library itself reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from adjudge.errors import ModelFilesError, UnsupportedModelError
from adjudge.models.load import load_model
from adjudge.models.weights import Quantised, Weights
from tests.conftest import Folders
from tests.tiny_models import FAMILIES, Tiny


@pytest.mark.parametrize(
    ("family", "dtype"), [*((family, "float32") for family in FAMILIES), ("bert", "float16"), ("bert", "bfloat16")], ids=str
)
def test_every_tensor_is_what_the_library_reads(tiny_folder: Folders, family: str, dtype: str) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tiny_folder(Tiny(family=family, dtype=dtype))
    weights = load_model(folder).weights
    expected = load_file(folder / "model.safetensors")
    assert set(weights.names()) == set(expected)
    for name, tensor in expected.items():
        assert weights.shape(name) == tuple(tensor.shape)
        np.testing.assert_array_equal(weights.array(name), tensor.to(torch.float32).numpy(), strict=True)
    assert weights.parameters() == sum(tensor.numel() for tensor in expected.values())
    assert weights.bytes() == sum(tensor.numel() * tensor.element_size() for tensor in expected.values())


def test_shards_are_one_model(tiny_folder: Folders) -> None:
    whole, parts = tiny_folder(Tiny(family="bert")), tiny_folder(Tiny(family="bert", shards=True))
    one, many = load_model(whole).weights, load_model(parts).weights
    assert set(one.names()) == set(many.names())
    for name in one.names():
        np.testing.assert_array_equal(one.array(name), many.array(name))


def test_tensors_are_views_of_a_file_that_is_never_written(tiny_model: Path) -> None:
    before = (tiny_model / "model.safetensors").read_bytes()
    tensor = load_model(tiny_model).weights.tensor("roberta.embeddings.word_embeddings.weight")
    assert isinstance(tensor, np.ndarray)
    assert isinstance(tensor.base, np.memmap)
    tensor[0, 0] = 1e6
    assert (tiny_model / "model.safetensors").read_bytes() == before


def saved(folder: Path, **tensors: np.ndarray) -> Weights:
    """A file with these tensors (dots written as __), opened."""
    save_file({name.replace("__", "."): np.asarray(value, order="C") for name, value in tensors.items()}, folder / "w.safetensors")
    return Weights([folder / "w.safetensors"])


@settings(deadline=None, max_examples=30)
@given(values=arrays.arrays(np.int8, (5, 7)), scale=arrays.arrays(np.float32, 5, elements=st.floats(2**-20, 16, width=32)))
def test_int8_tables(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, scale: np.ndarray) -> None:
    weights = saved(tmp_path_factory.mktemp("w"), t__weight=values, t__weight__scale=scale, t__bias=np.zeros(3, np.float32))
    assert weights.names() == ["t.bias", "t.weight"], "scales are part of their table"
    table = weights.tensor("t.weight")
    assert isinstance(table, Quantised)
    np.testing.assert_array_equal(table.values, values)
    np.testing.assert_array_equal(weights.array("t.weight"), values * scale[:, None])
    assert (weights.precision(), weights.parameters()) == ("int8", 38)


@pytest.mark.parametrize("scales", [4, 6, 1])
def test_int8_with_a_wrong_number_of_scales(tmp_path: Path, scales: int) -> None:
    weights = saved(tmp_path, t=np.zeros((5, 7), np.int8), t__scale=np.ones(scales, np.float32))
    with pytest.raises(ModelFilesError, match=f"has {scales} scales; it needs one a row"):
        weights.tensor("t")


def test_int8_that_is_no_matrix(tmp_path: Path) -> None:
    weights = saved(tmp_path, t=np.zeros(5, np.int8), t__scale=np.ones(5, np.float32))
    with pytest.raises(ModelFilesError, match="one a row"):
        weights.array("t")


def test_single_numbers_and_empty_tensors(tmp_path: Path) -> None:
    weights = saved(tmp_path, one=np.array(3.5, np.float32), listed=np.array([2.5], np.float16), none=np.zeros((0, 4), np.float32))
    assert weights.array("one") == np.float32(3.5)
    assert weights.array("one").shape == ()
    np.testing.assert_array_equal(weights.array("listed"), np.array([2.5], np.float32))
    assert weights.array("none").shape == (0, 4)


def test_tensor_that_is_not_there(tmp_path: Path) -> None:
    weights = saved(tmp_path, a=np.zeros(2, np.float32))
    assert "b" not in weights
    with pytest.raises(ModelFilesError, match="no tensor 'b'"):
        weights.array("b")


def test_integers_are_no_weights(tmp_path: Path) -> None:
    weights = saved(tmp_path, ids=np.arange(4))
    with pytest.raises(UnsupportedModelError, match="stored as I64"):
        weights.array("ids")


def test_double_precision(tmp_path: Path) -> None:
    weights = saved(tmp_path, a=np.array([0.1], np.float64))
    assert weights.array("a").dtype == np.float32
    assert weights.precision() == "f32"


def test_several_files(tmp_path: Path) -> None:
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "1.safetensors")
    save_file({"b": np.zeros((2, 2), np.float16)}, tmp_path / "2.safetensors")
    weights = Weights([tmp_path / "1.safetensors", tmp_path / "2.safetensors"])
    assert (sorted(weights.names()), weights.parameters(), weights.bytes()) == (["a", "b"], 6, 16)
    assert weights.precision() == "f16"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(ModelFilesError):
        Weights([tmp_path / "folder.safetensors"])

"""Folders whose files are missing, broken or not what they say, each a real tiny model that was spoiled in one way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from adjudge.config import SourceConfig
from adjudge.engine.tokenise import Tokeniser
from adjudge.errors import (
    ConfigError,
    ModelError,
    ModelFilesError,
    ModelNotFoundError,
    NotARerankerError,
    TokenizerMismatchError,
    UnsafeModelError,
    UnsupportedModelError,
)
from adjudge.models.checks import check_vocabulary
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.models.spoil import WEIGHTS, Copy, edit_weights
from tests.tiny_models import Tiny

# -- files that are missing or broken ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
def test_missing_file(copy: Copy, name: str) -> None:
    folder = copy()
    (folder / name).unlink()
    with pytest.raises(ModelFilesError, match=name.replace(".", r"\.")):
        load_model(folder)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, 2000, -1])
def test_truncated_weights(copy: Copy, keep: int) -> None:
    folder = copy()
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(ModelFilesError, match="not a whole safetensors file"):
        load_model(folder)


def test_weights_with_something_behind_them(copy: Copy) -> None:
    folder = copy()
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelFilesError):
        load_model(folder)


def test_a_git_lfs_pointer(copy: Copy) -> None:
    folder = copy()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:61d5ccd48869e03500544525fc231641d7daa9ba\nsize 437998062\n"
    (folder / WEIGHTS).write_text(pointer, encoding="utf-8")
    with pytest.raises(ModelFilesError, match="git lfs pull"):
        load_model(folder)


def test_weights_without_tensors(copy: Copy) -> None:
    folder = copy()
    save_file({}, folder / WEIGHTS)
    with pytest.raises(ModelFilesError, match="holds no tensors"):
        load_model(folder)


def test_a_missing_shard(copy: Copy) -> None:
    folder = copy(shards=True)
    sorted(folder.glob("*.safetensors"))[1].unlink()
    with pytest.raises(ModelFilesError, match="lacks 1 of 9 weight shards"):
        load_model(folder)


@pytest.mark.parametrize(
    "index",
    [
        {},
        {"weight_map": {}},
        {"weight_map": ["a"]},
        {"weight_map": {"a": "../outside.safetensors"}},
        {"weight_map": {"a": "/etc/passwd.safetensors"}},
        {"weight_map": {"a": "c:x.safetensors"}},
        {"weight_map": {"a": "..\\x.safetensors"}},
        {"weight_map": {"a": "pytorch_model.bin"}},
        {"weight_map": {"a": 3}},
        {"weight_map": {"a": None, "b": ["x"]}},
        {"weight_map": {"a": ".."}},
    ],
    ids=str,
)
def test_senseless_index(copy: Copy, index: dict[str, Any]) -> None:
    folder = copy()
    (folder / WEIGHTS).unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ModelFilesError, match=r"index\.json"):
        load_model(folder)


BROKEN_JSON = {
    "a list": b"[1, 2]",
    "a number": b"3",
    "null": b"null",
    "empty": b"",
    "cut": b'{"model_type": "bert"',
    "not UTF-8": b'{"model_type": "b\xe9rt"}',
    "UTF-16": '{"model_type": "bert"}'.encode("utf-16"),
    "nested too deep": b"[" * 100_000 + b"]" * 100_000,
    "a number too long": b'{"hidden_size": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("what", BROKEN_JSON)
def test_broken_json(copy: Copy, name: str, what: str) -> None:
    folder = copy()
    (folder / name).write_bytes(BROKEN_JSON[what])
    with pytest.raises(ModelFilesError, match=name.replace(".", r"\.")):
        load_model(folder)


def test_huge_config(copy: Copy) -> None:
    folder = copy()
    with (folder / "config.json").open("wb") as file:
        file.truncate(2**40)  # sparse: nothing is written
    with pytest.raises(ModelFilesError, match="no such file of a model is that large"):
        load_model(folder)


def test_config_that_is_a_folder(copy: Copy) -> None:
    folder = copy()
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    with pytest.raises(ModelFilesError, match=r"config\.json"):
        load_model(folder)


# -- types of numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.bool_, np.int16, np.uint32])
def test_weights_of_a_type_that_is_no_weight(copy: Copy, dtype: type) -> None:
    folder = copy()
    edit_weights(folder, bert__encoder__layer__0__output__dense__weight=np.zeros((32, 64), dtype))
    with pytest.raises(UnsupportedModelError, match="is stored as"):
        load_model(folder)


def test_int8_of_somebody_else(copy: Copy) -> None:
    folder = copy()
    edit_weights(folder, bert__encoder__layer__0__output__dense__weight=np.zeros((32, 64), np.int8))
    with pytest.raises(UnsupportedModelError, match="quantised in a way that adjudge does not know"):
        load_model(folder)


def test_odd_types_where_nobody_looks_do_no_harm(copy: Copy) -> None:
    folder = copy()
    edit_weights(folder, bert__embeddings__position_ids=np.arange(128)[None, :], unused=np.zeros(3, np.uint8))
    assert load_model(folder).spec.native


# -- tokenizers --------------------------------------------------------------------------------------------------------


def test_a_tokenizer_of_another_model(copy: Copy, tiny_folder: Folders) -> None:
    folder = copy()
    other = tiny_folder(Tiny(family="xlm-roberta"))
    larger = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    larger["model"]["vocab"] += [[f"word{i}", -20.0] for i in range(2000)]
    (folder / "tokenizer.json").write_text(json.dumps(larger), encoding="utf-8")
    with pytest.raises(TokenizerMismatchError, match="belongs to another model"):
        Tokeniser(load_model(folder))


def test_largest_id_is_the_last_row(copy: Copy) -> None:
    model = load_model(copy())
    check_vocabulary(model, largest_id=model.spec.vocab_size - 1)
    with pytest.raises(TokenizerMismatchError):
        check_vocabulary(model, largest_id=model.spec.vocab_size)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "   ", "./nowhere", "/nowhere", "../nowhere", "~/nowhere", "~nobody/x", "a/b/c", "a\\b", "x" * 5000, "a\0b"]
)
def test_names_that_lead_nowhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError) as caught:
        load_model(name)
    assert len(str(caught.value)) < 1000


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="there is no folder"):
        load_model(tmp_path / "gone")


def test_a_file_instead_of_its_folder(copy: Copy) -> None:
    folder = copy()
    with pytest.raises(ModelNotFoundError, match="give the folder that holds it"):
        load_model(folder / WEIGHTS)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="model folder needs"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["embedded", "folder"])
def test_a_revision_of_what_has_none(copy: Copy, name: str) -> None:
    with pytest.raises(ConfigError, match="revision='v2'"):
        load_model(copy() if name == "folder" else name, SourceConfig(revision="v2"))


def test_every_refusal_is_a_model_error() -> None:
    kinds = (ModelFilesError, ModelNotFoundError, NotARerankerError, UnsafeModelError, UnsupportedModelError, TokenizerMismatchError)
    assert all(issubclass(kind, ModelError) for kind in kinds)

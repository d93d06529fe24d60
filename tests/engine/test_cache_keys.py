"""What a key stands for: another model, another precision, another text is another key, and the same is the same on every machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.backends.base import DOCUMENT, QUERY, SPECIAL, Traits
from adjudge.engine.cache import identity, pair_key
from adjudge.engine.tokenise import PairIds, Tokeniser
from adjudge.errors import ModelFilesError
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.engine.conftest import Models
from tests.tiny_models import Tiny

TRAITS = Traits(backend="openvino", device="cpu", precision="f32", outputs=1, padding_free=False, parallel=1)
IDS = st.lists(st.tuples(st.integers(0, 250_000), st.integers(0, 1), st.sampled_from([SPECIAL, QUERY, DOCUMENT])), max_size=12)


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A model's folder that may be changed."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def name_of(folder: Path, **changes: Any) -> bytes:
    """The identity of a folder's model."""
    return identity(replace(load_model(folder), **changes), TRAITS)


def pair(parts: list[tuple[int, int, int]]) -> PairIds:
    ids, types, segments = np.array(parts, np.int32).reshape(-1, 3).T
    return PairIds(ids, types, segments)


def test_the_same_model_has_one_identity(tiny_model: Path) -> None:
    assert name_of(tiny_model) == name_of(tiny_model)
    assert len(name_of(tiny_model)) == 32


def test_copies_under_a_revision_are_the_same_wherever_and_whenever_they_were_fetched(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    for path in copy.iterdir():
        os.utime(path, ns=(1, 1))
    assert name_of(folder, name="hub/id", revision="abc") == name_of(copy, name="hub/id", revision="abc")


@pytest.mark.parametrize(
    "changes",
    [{"backend": "torch"}, {"precision": "bf16"}, {"device": "cuda:0"}, {"outputs": 2}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_runs_the_model_counts(tiny_model: Path, changes: dict[str, Any]) -> None:
    model = load_model(tiny_model)
    assert identity(model, TRAITS) != identity(model, replace(TRAITS, **changes))


@pytest.mark.parametrize(
    "changes", [{"notes": ("why",)}, {"parallel": 4}, {"batch_tokens": 99}, {"padding_free": True}], ids=lambda changes: next(iter(changes))
)
def test_how_pairs_are_batched_does_not_count(tiny_model: Path, changes: dict[str, Any]) -> None:
    model = load_model(tiny_model)
    assert identity(model, TRAITS) == identity(model, replace(TRAITS, **changes))


def test_one_gpu_is_as_good_as_another(tiny_model: Path) -> None:
    model = load_model(tiny_model)
    assert identity(model, replace(TRAITS, device="cuda:0")) == identity(model, replace(TRAITS, device="cuda:1"))


def test_name_and_revision_count(tiny_model: Path) -> None:
    names = {name_of(tiny_model, name=name, revision=revision) for name in ("a", "b", "ab") for revision in ("", "c", "bc")}
    assert len(names) == 9


def test_max_length_does_not_count(tiny_model: Path) -> None:
    assert name_of(tiny_model, max_length=16) == name_of(tiny_model)


def test_another_version_of_adjudge_counts(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = name_of(tiny_model)
    monkeypatch.setattr("adjudge.engine.cache_keys.__version__", "0.0.1")
    assert name_of(tiny_model) != before


def _touch(folder: Path) -> None:
    os.utime(folder / "model.safetensors", ns=(1, 1))


def _turn_a_bit(tensor: str, share: float) -> Callable[[Path], None]:
    """At one place of one tensor, in a file of the same size and time: training changes every number of what it touches."""

    def change(folder: Path) -> None:
        path = folder / "model.safetensors"
        content, status = bytearray(path.read_bytes()), path.stat()
        origin = 8 + int.from_bytes(content[:8], "little")
        begin, end = json.loads(content[8:origin])[tensor]["data_offsets"]
        content[origin + begin + int(share * (end - begin - 1))] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change


CHANGES = {
    f"{tensor} at {share}": _turn_a_bit(tensor, share)
    for tensor in ("classifier.out_proj.bias", "classifier.dense.weight", "roberta.embeddings.word_embeddings.weight")
    for share in (0.0, 0.5, 1.0)
}


def _other_activation(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}), encoding="utf-8")


@pytest.mark.parametrize("change", [_touch, _other_activation, *CHANGES.values()], ids=["touched", "another activation", *CHANGES])
def test_a_changed_folder_has_another_identity(folder: Path, change: Callable[[Path], None]) -> None:
    before = name_of(folder)
    change(folder)
    assert name_of(folder) != before


def test_other_weights_of_the_same_shape_count_under_a_revision_too(tiny_folder: Folders) -> None:
    names = {name_of(tiny_folder(Tiny(family="bert", seed=seed)), name="a", revision="r") for seed in (0, 1)}
    assert len(names) == 2


def test_every_shard_counts(tiny_folder: Folders, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_folder(Tiny(family="bert", shards=True)), tmp_path / "shards"))
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 1
    names = {name_of(folder)}
    for shard in shards:
        os.utime(shard, ns=(1, 1))
        names.add(name_of(folder))
    assert len(names) == len(shards) + 1


def test_an_exported_file_counts_for_the_backend_that_runs_it(folder: Path) -> None:
    """Begins, middles and ends are looked at, also of what lies beside the file because it is large."""
    model, onnx = load_model(folder), replace(TRAITS, backend="onnx")
    names = {identity(model, onnx)}
    exported = bytearray(3_000_000)
    for name, place in (("model.onnx", 0), ("model.onnx", 1_500_000), ("model.onnx", 2_999_999), ("model.onnx_data", 0)):
        exported[place : place + 20_000] = os.urandom(len(exported[place : place + 20_000]))
        (folder / name).write_bytes(exported)
        os.utime(folder / name, ns=(1, 1))
        names.add(identity(model, onnx))
    assert len(names) == 5
    plain = identity(model, TRAITS)
    (folder / "model.onnx").unlink()
    assert identity(model, TRAITS) == plain


def test_the_models_own_code_counts_where_it_may_run(folder: Path) -> None:
    code = folder / "modeling.py"
    names = set()
    for line in ("a = 1", "a = 2"):
        code.write_text(line, encoding="utf-8")
        os.utime(code, ns=(1, 1))
        names |= {name_of(folder, trust_remote_code=True), name_of(folder)}
    assert len(names) == 3


def _delete(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("spoil", [_delete, _cut])
def test_files_that_went_are_a_typed_error(folder: Path, spoil: Callable[[Path], None]) -> None:
    model = load_model(folder)
    spoil(folder / "model.safetensors")
    with pytest.raises(ModelFilesError, match="Load the model again"):
        identity(model, TRAITS)


def test_the_embedded_model_has_an_identity() -> None:
    judge = load_model("embedded")
    assert len({identity(judge, TRAITS), identity(judge, replace(TRAITS, precision="int8"))}) == 2


@given(one=IDS, other=IDS)
def test_pairs_share_a_key_only_if_the_model_sees_the_same(one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]) -> None:
    keys = pair_key(b"m" * 32, pair(one)), pair_key(b"m" * 32, pair(other))
    assert all(len(key) == 16 for key in keys)
    assert (keys[0] == keys[1]) == (one == other)


@given(parts=IDS, column=st.integers(0, 2), data=st.data())
def test_every_number_of_a_pair_counts(parts: list[tuple[int, int, int]], column: int, data: st.DataObject) -> None:
    if not parts:
        return
    place = data.draw(st.integers(0, len(parts) - 1))
    changed = [list(part) for part in parts]
    changed[place][column] += 1
    assert pair_key(b"m", pair(parts)) != pair_key(b"m", pair([(a, b, c) for a, b, c in changed]))


def test_two_models_share_no_key() -> None:
    assert pair_key(b"a" * 32, pair([(1, 0, 1)])) != pair_key(b"b" * 32, pair([(1, 0, 1)]))


def test_texts_that_tokenise_alike_share_a_key_and_others_do_not(models: Models) -> None:
    tokeniser = Tokeniser(models("bert"))

    def key_of(query: str, document: str) -> bytes:
        a, b = tokeniser.encode([query, document], short=10**9)
        return pair_key(b"m", tokeniser.join(a.ids, b.ids))

    assert key_of("panda food", "bamboo") == key_of("panda  food", "bamboo")
    assert len({key_of("panda food", "bamboo"), key_of("panda", "food bamboo"), key_of("bamboo", "panda food")}) == 3


def test_integers_of_another_width_make_the_same_key() -> None:
    narrow = pair([(1, 0, 1), (2, 1, 2)])
    wide = PairIds(*(part.astype(np.int64) for part in (narrow.ids, narrow.types, narrow.segments)))  # type: ignore[arg-type]
    assert pair_key(b"m", narrow) == pair_key(b"m", wide)


def test_keys_do_not_change_between_releases() -> None:
    """Else every cache out there is worthless: change this only with the form of the key, on purpose."""
    assert pair_key(b"m" * 32, pair([(0, 0, 0), (5, 0, 1), (2, 0, 0), (9, 1, 2)])).hex() == "b268470372d08f029739174a5262e46b"

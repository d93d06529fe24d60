"""Hub models that are refused before their weights are fetched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge.config import SourceConfig
from adjudge.errors import (
    ModelFilesError,
    ModelNotFoundError,
    NotARerankerError,
    UnsafeModelError,
)
from adjudge.models.files import find_model
from adjudge.models.hub import download
from tests.models.hub_server import HubServer

ID = "someone/tiny-reranker"
WEIGHTS = "model.safetensors"


def test_unknown_model_names_close_ones(hub: HubServer) -> None:
    with pytest.raises(ModelNotFoundError, match=r"has no model 'BAAI/bge-reranker-v2m3'.*Did you mean BAAI/bge-reranker-v2-m3"):
        find_model("BAAI/bge-reranker-v2m3", SourceConfig())


def test_unknown_model_with_a_token(hub: HubServer) -> None:
    with pytest.raises(ModelNotFoundError, match="the token that was sent cannot see it"):
        download("who/ever", SourceConfig(token="hf_good"))


def test_unknown_revision(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    with pytest.raises(ModelNotFoundError, match="has no revision 'v9'"):
        download(ID, SourceConfig(revision="v9"))


@pytest.mark.parametrize("revision", ["", "../../main", "/etc/passwd", "a\nb"])
def test_impossible_revision(hub: HubServer, tiny_model: Path, revision: str) -> None:
    hub.add(ID, tiny_model)
    with pytest.raises(ModelNotFoundError, match="cannot be a branch"):
        download(ID, SourceConfig(revision=revision))
    assert hub.asked == []


@pytest.mark.parametrize("name", ["a b/c", "owner/na--me", "BAAI/bge-reranker..v2", "-x/y", "x" * 300])
def test_impossible_id(hub: HubServer, name: str) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        find_model(name, SourceConfig())
    assert hub.asked == []
    assert len(str(caught.value)) < 1000


def test_pickles_only(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model, model__safetensors=None, **{"pytorch_model-00001-of-00002__bin": b"pickle"})
    with pytest.raises(UnsafeModelError, match=r"pytorch_model-00001-of-00002\.bin.*refs/pr/1"):
        download(ID, SourceConfig())
    assert hub.files_asked() == []


@pytest.mark.parametrize(("left_out", "lacking"), [("config__json", "config.json"), ("model__safetensors", "model.safetensors")])
def test_repository_that_is_no_model(hub: HubServer, tiny_model: Path, left_out: str, lacking: str) -> None:
    hub.add(ID, tiny_model, **{left_out: None})
    with pytest.raises(ModelFilesError, match=f"has no {lacking}.*It holds: .*tokenizer.json"):
        download(ID, SourceConfig())


def test_custom_code_is_refused_before_the_weights(hub: HubServer, tiny_model: Path) -> None:
    config = json.loads((tiny_model / "config.json").read_text(encoding="utf-8")) | {"auto_map": {"AutoModel": "modeling.X"}}
    hub.add(ID, tiny_model, config__json=json.dumps(config).encode(), modeling__py=b"raise SystemExit")
    with pytest.raises(UnsafeModelError, match="auto_map"):
        download(ID, SourceConfig())
    assert hub.files_asked() == ["config.json"]
    download(ID, SourceConfig(trust_remote_code=True))
    assert "modeling.py" in hub.files_asked()


def test_embedder_is_refused_before_the_weights(hub: HubServer, tiny_model: Path) -> None:
    config = json.loads((tiny_model / "config.json").read_text(encoding="utf-8")) | {"architectures": ["XLMRobertaModel"]}
    hub.add(ID, tiny_model, config__json=json.dumps(config).encode())
    with pytest.raises(NotARerankerError, match="XLMRobertaModel"):
        download(ID, SourceConfig())
    assert WEIGHTS not in hub.files_asked("HEAD")


def test_index_that_names_files_elsewhere(hub: HubServer, tiny_model: Path) -> None:
    index = json.dumps({"weight_map": {"a": "../../../../stolen.safetensors"}}).encode()
    hub.add(ID, tiny_model, model__safetensors=None, model__safetensors__index__json=index)
    with pytest.raises(ModelFilesError, match="something else than safetensors beside it"):
        download(ID, SourceConfig())

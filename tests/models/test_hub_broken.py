"""Models from a hub on a bad day: broken lines, wrong content, no disk, no server."""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from adjudge.config import SourceConfig
from adjudge.errors import (
    AdjudgeError,
    HubError,
    ModelFilesError,
)
from adjudge.models.hub import download, is_cached
from adjudge.models.load import load_model
from tests.models.hub_server import Fault, HubServer

ID = "someone/tiny-reranker"
WEIGHTS = "model.safetensors"


def stored(folder: Path) -> str:
    """Where the hub's storage has the weights of a folder."""
    return f"/storage/{hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()}"


# -- broken lines ------------------------------------------------------------------------------------------------------


def test_a_download_that_breaks_off_goes_on_where_it_was(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault(stored(tiny_model), times=2, after=10_000))
    model = load_model(ID)
    assert (model.folder / WEIGHTS).read_bytes() == (tiny_model / WEIGHTS).read_bytes()
    ranges = [asked.range for asked in hub.asked if asked.path.startswith("/storage/") and asked.range]
    assert ranges == ["bytes=10000-", "bytes=20000-"]


def test_an_interrupted_download_goes_on_in_the_next_call(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults += [Fault(stored(tiny_model), after=20_000), Fault(stored(tiny_model), times=99, status=503)]
    with pytest.raises(HubError, match="503"):
        download(ID, SourceConfig())
    partial = [path for path in (tmp_path / "hf").rglob("*.incomplete")]
    assert [path.stat().st_size for path in partial] == [20_000]
    assert not is_cached(ID)
    hub.faults.clear()
    hub.asked.clear()
    download(ID, SourceConfig())
    fetched = [asked for asked in hub.asked if asked.path.startswith("/storage/")]
    assert [asked.range for asked in fetched] == ["bytes=20000-"]
    assert not list((tmp_path / "hf").rglob("*.incomplete"))


def test_ctrl_c_keeps_what_was_received(hub: HubServer, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault(stored(tiny_model), after=20_000))

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr("adjudge.models.hub_fetch.time", SimpleNamespace(sleep=interrupt))
        with pytest.raises(KeyboardInterrupt):
            download(ID, SourceConfig())
    assert [path.stat().st_size for path in (tmp_path / "hf").rglob("*.incomplete")] == [20_000]
    assert load_model(ID).name == ID


def test_a_server_that_ignores_ranges(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults += [Fault(stored(tiny_model), after=20_000), Fault(stored(tiny_model), ignore_range=True)]
    found = download(ID, SourceConfig())
    assert (found.folder / WEIGHTS).read_bytes() == (tiny_model / WEIGHTS).read_bytes()


def test_a_part_with_wrong_content_is_found_out(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    whole = (tiny_model / WEIGHTS).read_bytes()
    hub.add(ID, tiny_model)
    hub.faults.append(Fault(stored(tiny_model), body=bytes(len(whole))))
    with pytest.raises(ModelFilesError, match="another content than announced"):
        download(ID, SourceConfig())
    assert not list((tmp_path / "hf").rglob("*.incomplete"))
    assert load_model(ID).name == ID, "the next try starts anew"


def test_small_files_are_never_put_together_from_parts(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/resolve/", times=1, method="GET", after=10))
    download(ID, SourceConfig())
    assert {asked.range for asked in hub.asked if asked.file == "config.json"} == {None}
    assert [asked.file for asked in hub.asked if asked.method == "GET" and asked.file].count("config.json") == 2


def test_an_expired_link_is_asked_for_anew(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/storage/", times=1, status=403))
    assert download(ID, SourceConfig()).name == ID


def test_it_gives_up_after_a_few_tries(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/storage/", times=99, status=502))
    with pytest.raises(HubError, match="502"):
        download(ID, SourceConfig())
    assert len([asked for asked in hub.asked if asked.path.startswith("/storage/")]) == 5


def test_hub_not_running(monkeypatch: pytest.MonkeyPatch, hub: HubServer) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:9 could not be reached.*HF_ENDPOINT.*mirror.*HF_HUB_OFFLINE"):
        download(ID, SourceConfig())


@pytest.fixture
def fresh_client() -> Iterator[None]:
    """huggingface-hub makes one HTTP client a process, which reads the environment only then."""
    from huggingface_hub import close_session

    close_session()
    yield
    close_session()


@pytest.mark.usefixtures("fresh_client")
@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "pip install socksio"),
        ("ALL_PROXY", "socks://127.0.0.1:1", "socks5://HOST:PORT"),
        ("https_proxy", "user:secret@127.0.0.1:70000x", "http://HOST:PORT"),
        ("HTTP_PROXY", "http://[::1", "http://HOST:PORT"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_and_the_cache_still_serves(
    hub: HubServer,
    tiny_model: Path,
    variable: str,
    value: str,
    advice: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from huggingface_hub import close_session

    monkeypatch.setitem(sys.modules, "socksio", None)
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    close_session()
    monkeypatch.setenv(variable, value)
    with pytest.raises(HubError, match=f"proxy in {variable} .*{advice}") as caught:
        download("who/ever", SourceConfig())
    assert "secret" not in str(caught.value)
    with caplog.at_level(logging.WARNING, "adjudge"):
        assert download(ID, SourceConfig()).name == ID
    assert variable in caplog.text


def test_a_token_of_the_environment_that_is_none_is_named_and_the_cache_still_serves(
    hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub.add(ID, tiny_model)
    download(ID, SourceConfig())
    monkeypatch.setenv("HF_TOKEN", "hf_sécret")
    with pytest.raises(HubError, match="HF_TOKEN.*no token has") as caught:
        download("who/ever", SourceConfig())
    assert "cret" not in str(caught.value)
    with caplog.at_level(logging.WARNING, "adjudge"):
        assert download(ID, SourceConfig()).name == ID
    assert "HF_TOKEN" in caplog.text


def test_a_misspelt_name_is_noticed_without_a_network(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for source in (SourceConfig(), SourceConfig(local_files_only=True)):
        with pytest.raises(HubError, match=r"Did you mean BAAI/bge-reranker-v2-m3"):
            download("BAAI/bge-reranker-v2m3", source)
        with pytest.raises(HubError) as caught:
            download("BAAI/bge-reranker-v2-m3", source)
        assert "Did you mean" not in str(caught.value)


def test_hub_too_slow(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/api/models", delay_s=1.0))
    with pytest.raises(HubError, match="could not be reached.*ReadTimeout"):
        download(ID, SourceConfig())


@pytest.mark.parametrize("endpoint", ["no address", "ftp://hub", "https://", "http://[::1", "http://hub:port"])
def test_endpoint_that_is_no_address(hub: HubServer, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(HubError, match="HF_ENDPOINT is"):
        download(ID, SourceConfig())


def test_endpoint_that_is_no_hub(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.repos[ID].refs["main"] = "not-a-commit"
    hub.repos[ID].commits["not-a-commit"] = {}
    with pytest.raises(HubError, match="names no commit"):
        download(ID, SourceConfig())


def test_a_hub_that_lists_no_sizes(hub: HubServer, tiny_model: Path) -> None:
    hub.lists_sizes = False
    hub.add(ID, tiny_model)
    assert load_model(ID).name == ID
    hub.asked.clear()
    load_model(ID)
    assert hub.files_asked("HEAD") == []


# -- the disk ----------------------------------------------------------------------------------------------------------


def test_no_space(hub: HubServer, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    hub.add(ID, tiny_model)
    monkeypatch.setattr("adjudge.models.hub_fetch.shutil.disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 100))
    with pytest.raises(HubError, match="has room for 100.*cache_dir or HF_HOME"):
        download(ID, SourceConfig())


def test_cache_that_is_a_file(hub: HubServer, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    hub.add(ID, tiny_model)
    with pytest.raises(HubError, match="could not be fetched to"):
        download(ID, SourceConfig(cache_dir=tmp_path / "file"))


def test_two_at_once(hub: HubServer, tiny_model: Path) -> None:
    hub.add(ID, tiny_model)
    hub.faults.append(Fault("/storage/", times=2, delay_s=0.2))
    failures: list[AdjudgeError] = []

    def load() -> None:
        try:
            load_model(ID)
        except AdjudgeError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len([asked for asked in hub.asked if asked.path.startswith("/storage/")]) == 2, "each large file is fetched once"

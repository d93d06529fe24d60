"""A Milvus that several processes reach: leases instead of locks, and a name for each index."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, IndexLockedError, IndexNotFoundError, SearchIndexError
from adjudge.retrieval.index import milvus_lease
from adjudge.retrieval.index.milvus_collections import coded
from adjudge.retrieval.index.milvus_uri import is_milvus, parse_milvus
from adjudge.retrieval.index.open import create_index, open_index
from adjudge.retrieval.lexical import words
from tests.retrieval.index.passages_in_five import FACTS, chunk, fill, put


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Milvus Lite in a process of its own, as others would reach a real one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path_factory.mktemp("milvus")
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _wait(port)
        yield f"milvus://127.0.0.1:{port}"
        process.terminate()


def _wait(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no Milvus on port {port}")


@pytest.mark.slow
def test_indices_of_one_server_are_apart(server: str) -> None:
    first, second = create_index(f"{server}/first", FACTS), create_index(f"{server}/second", FACTS)
    fill(first)
    assert (first.count(), second.count()) == (7, 0)
    with pytest.raises(IndexNotFoundError, match="third"):
        open_index(f"{server}/third")
    again = create_index(f"{server}/first", FACTS, rebuild=True)
    assert again.count() == 0
    for index in (first, second, again):
        index.close()


@pytest.mark.slow
def test_the_lease_of_a_dead_writer_is_taken_over(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index = create_index(f"{server}/leased", FACTS)
    holder = index.writer()
    with pytest.raises(IndexLockedError, match="process"):
        open_index(f"{server}/leased").writer()
    monkeypatch.setattr(milvus_lease, "LEASE_SECONDS", 0.0)
    with pytest.raises(IndexLockedError, match="another writer may have begun"):
        put(holder, "late.md", [chunk("late.md", 0, "late")])
    holder.close()
    index.close()


@pytest.mark.slow
def test_a_server_that_is_not_there_is_an_error_of_ours() -> None:
    with pytest.raises(SearchIndexError, match="127.0.0.1:1"):
        open_index("milvus://127.0.0.1:1/nobody")


@pytest.mark.parametrize(
    ("uri", "address", "collection", "token"),
    [
        ("milvus://db.example:19530/docs", "http://db.example:19530", "docs", ""),
        ("milvus+https://me:pass%40word@db.example", "https://db.example", "adjudge", "me:pass@word"),
        ("milvus:///folder/file.db?collection=docs", "/folder/file.db", "docs", ""),
        ("/folder/file.db", "/folder/file.db", "adjudge", ""),
    ],
)
def test_a_name_says_where(uri: str, address: str, collection: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILVUS_TOKEN", raising=False)
    found = parse_milvus(uri)
    assert is_milvus(uri)
    assert (found.uri, found.collection, found.token) == (address, collection, token)
    assert "pass" not in f"{found} {found!r}"


def test_the_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "secret")
    assert parse_milvus("milvus://db.example/docs").token == "secret"
    assert parse_milvus("milvus://other@db.example/docs").token == "other"


@pytest.mark.parametrize("uri", ["milvus://db.example/no-dashes", "milvus:///folder/file.txt", "milvus://h/a/b"])
def test_a_name_that_says_nothing_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError):
        parse_milvus(uri)


@pytest.mark.parametrize("folder", ["index", "C:/index", "file.db/index", "milvus"])
def test_folders_are_no_milvus(folder: str) -> None:
    assert not is_milvus(folder)


def test_terms_stay_apart_and_survive_any_analyser(tmp_path: Path) -> None:
    terms = words("熊猫 panda Café zzz naïve_x 2024 скорость ザ")
    written = coded(terms).split()
    assert len(set(written)) == len(set(terms))
    assert all(term.isascii() and term.isalnum() and term == term.lower() for term in written)
    assert "panda" in written

"""API keys: where they come from, and who gets through."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

import pytest

from adjudge.errors import ConfigError
from adjudge.server.auth import Keys, read_keys
from tests.server.serving import Serve

BEARER, KEY = b"authorization", b"x-api-key"


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ([(BEARER, b"Bearer one")], True),
        ([(BEARER, b"bearer   two ")], True),
        ([(KEY, b"two")], True),
        ([(KEY, b"wrong"), (BEARER, b"Bearer one")], True),
        ([(KEY, b"wrong"), (KEY, b"one")], True),
        ([], False),
        ([(BEARER, b"one")], False),
        ([(BEARER, b"Basic one")], False),
        ([(BEARER, b"Bearer")], False),
        ([(BEARER, b"Bearer ")], False),
        ([(KEY, b"")], False),
        ([(KEY, b"one ")], True),  # white space around a header's value is not part of it
        ([(KEY, b"on")], False),
        ([(KEY, b"one,two")], False),
        ([(KEY, b"\xff\xfe")], False),
    ],
)
def test_a_key_in_either_header(headers: list[tuple[bytes, bytes]], accepted: bool) -> None:
    assert Keys(["one", "two"]).accept(headers) is accepted


def test_without_keys_the_door_stands_open() -> None:
    assert Keys().accept([])


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def noted(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    keys = Keys(["one", "two", "three"])
    assert keys.accept([(KEY, b"one")])
    assert compared == [(32, 32)] * 3, "it must go on after the key was found, and never see lengths"
    compared.clear()
    assert not keys.accept([(KEY, b"x" * 10_000)])
    assert compared == [(32, 32)] * 3


def test_keys_are_not_shown() -> None:
    keys = Keys(["secret", "secret", "other"])
    assert len(keys) == 2
    assert "secret" not in repr(keys) + str(vars(keys))


def test_a_file_and_a_list(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\n\n  one  \ntwo\n", encoding="utf-8")
    keys = read_keys(file, "three, four,")
    assert [keys.accept([(KEY, key)]) for key in (b"one", b"two", b"three", b"four", b"# ours", b"")] == [True] * 4 + [False] * 2


def test_nothing_given_is_no_keys() -> None:
    assert len(read_keys(None, None)) == len(read_keys(None, "")) == 0


@pytest.mark.parametrize(
    ("content", "listed"), [("", None), ("# none\n \n", None), (None, " , "), ("with space", None), (None, "cl\u00e9")]
)
def test_a_server_meant_to_be_closed_never_opens(tmp_path: Path, content: str | None, listed: str | None) -> None:
    file = None
    if content is not None:
        file = tmp_path / "keys"
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="key"):
        read_keys(file, listed)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys(file, None)


def test_what_is_open_and_what_is_not(serve: Serve) -> None:
    live = serve(keys=Keys(["one"]))
    for path in ("/health", "/ready", "/", "/page/app.js"):
        assert live.get(path).status_code == 200, path
    for path in ("/info", "/metrics", "/monitor", "/openapi.json", "/nowhere", "/page/nowhere.js"):
        assert live.get(path).status_code == 401, path
        assert live.get(path, headers={"X-API-Key": "one"}).status_code == (404 if "nowhere" in path else 200), path
    refused = live.rank()
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json()["error"]["kind"] == "unauthorized"
    assert refused.json()["error"]["request_id"] == refused.headers["x-request-id"]
    assert live.post("/rerank", json={"query": "a", "documents": ["b"]}, headers={"Authorization": "Bearer one"}).status_code == 200
    counted = live.get("/metrics", headers={"X-API-Key": "one"}).text
    assert re.search(r'adjudge_errors_total\{kind="unauthorized"\} [1-9]', counted)


def test_a_refusal_is_in_the_words_of_the_path(serve: Serve) -> None:
    live = serve(keys=Keys(["one"]))
    assert set(live.post("/tei/rerank", json={}).json()) == {"error", "error_type"}
    assert "message" in live.post("/cohere/v2/rerank", json={}).json()
    assert live.post("/vllm/score", json={}).json()["error"]["code"] == 401
    assert "detail" in live.post("/jina/v1/rerank", json={}).json()


def test_keys_are_in_no_document(serve: Serve) -> None:
    live = serve(keys=Keys(["one"]))
    described = live.get("/openapi.json", headers={"X-API-Key": "one"}).json()
    assert set(described["components"]["securitySchemes"]) == {"bearer", "key"}
    assert described["paths"]["/health"]["get"]["security"] == []
    assert "401" in described["paths"]["/rerank"]["post"]["responses"]

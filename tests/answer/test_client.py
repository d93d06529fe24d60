"""The client against a real server: what it sends, what it makes of every way to answer, and of every way to fail."""

from __future__ import annotations

import socket

import pytest

from adjudge.answer.client import ChatClient
from adjudge.answer.settings import EndpointConfig
from adjudge.errors import (
    BrokenStreamError,
    ClosedError,
    DeclinedError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
)
from tests.answer.server import MODEL, LanguageServer, Script, event, pieces_of

MESSAGES = [{"role": "system", "content": "rules"}, {"role": "user", "content": "问题 \ud83d"}]
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
TEXT = "Pandas eat bamboo [1].\n竹子【2】。"


def client(server: LanguageServer, **settings: object) -> ChatClient:
    return ChatClient(EndpointConfig(**({"base_url": server.url, "model": "m", "api_key": "sk-secret"} | settings)))  # type: ignore[arg-type]


def ask(server: LanguageServer, **settings: object) -> str:
    with client(server, **settings) as one, one.stream(MESSAGES) as stream:
        return "".join(stream)


def test_what_is_sent(server: LanguageServer) -> None:
    server.script = Script(chunks=pieces_of(TEXT))
    ask(server)
    ask(server, api_key=None, max_tokens=5, temperature=0.0)
    first, second = server.asked
    assert (first.path, first.authorization) == ("/v1/chat/completions", "Bearer sk-secret")
    assert first.body == {"model": "m", "stream": True, "messages": [MESSAGES[0], {"role": "user", "content": "问题 ?"}]}
    assert second.authorization is None
    assert (second.body["max_tokens"], second.body["temperature"]) == (5, 0.0)


@pytest.mark.parametrize("finish", ["stop", "length", None])
@pytest.mark.parametrize("done", [True, False])
def test_a_whole_answer(server: LanguageServer, finish: str | None, done: bool) -> None:
    if finish is None and not done:
        return  # that one broke off
    server.script = Script(chunks=pieces_of(TEXT, finish=finish, done=done))
    with client(server) as one, one.stream(MESSAGES) as stream:
        assert "".join(stream) == stream.text == TEXT
    assert (stream.finish, stream.model) == (finish, MODEL)
    assert ("total_tokens" in stream.usage) == (finish is not None)


def test_bytes_that_come_one_by_one(server: LanguageServer) -> None:
    whole = b": keep-alive\r\n\r\n" + b"".join(pieces_of(TEXT)).replace(b"\n\n", b"\r\n\r\n")
    server.script = Script(chunks=[whole[at : at + 1] for at in range(len(whole))])
    assert ask(server) == TEXT


def test_a_server_that_does_not_stream(server: LanguageServer) -> None:
    body = b'{"model": "whole", "choices": [{"message": {"content": "All at once [1]."}, "finish_reason": "stop"}]}'
    server.script = Script(body=body, kind="application/json; charset=utf-8")
    assert ask(server) == "All at once [1]."


def test_pieces_come_as_they_are_written(server: LanguageServer) -> None:
    server.script = Script(chunks=[event("first"), event("second")], silent_from=1)
    with client(server) as one, one.stream(MESSAGES) as stream:
        assert next(iter(stream)) == "first"  # the server says nothing more, and holds the line
    assert stream.text == "first"


@pytest.mark.parametrize(
    ("script", "kind", "message", "partial"),
    [
        (Script(chunks=pieces_of("a b c"), cut_after=2), BrokenStreamError, "broke off after 4 characters", "a b "),
        (Script(chunks=pieces_of("a b c", finish=None, done=False)), BrokenStreamError, "broke off after 5 characters", "a b c"),
        (Script(chunks=[event("a"), b"data: {oh no\n\n"]), BrokenStreamError, "sent no JSON but '{oh no'", "a"),
        (Script(chunks=[event("a"), b"data: \xff\n\n"]), BrokenStreamError, "no UTF-8", "a"),
        (Script(chunks=[]), BrokenStreamError, "broke off after 0 characters", ""),
        (Script(body=b"<html>Sign in</html>", kind="text/html"), BrokenStreamError, "sent text/html and no event stream", ""),
        (Script(body=b'{"status": "ok"}', kind="application/json"), BrokenStreamError, "no chat completion", ""),
        (Script(chunks=[event("a"), b'data: {"error": {"message": "overloaded"}}\n\n']), EndpointRefusedError, "gave up: overloaded", "a"),
        (Script(chunks=[event("a"), event(finish_reason="content_filter")]), DeclinedError, "a content filter stopped it", "a"),
        (Script(chunks=[event(refusal="I will "), event(refusal="not.", finish_reason="stop")]), DeclinedError, "answer: I will not.", ""),
    ],
    ids=["cut", "no end", "no JSON", "no UTF-8", "nothing", "a page", "no completion", "an error", "filtered", "refused"],
)
def test_broken_streams(server: LanguageServer, script: Script, kind: type[EndpointError], message: str, partial: str) -> None:
    server.script = script
    with pytest.raises(kind, match=message) as error:
        ask(server)
    assert (type(error.value), error.value.partial) == (kind, partial)


@pytest.mark.parametrize(
    ("script", "settings", "message", "partial"),
    [
        (Script(chunks=[event("a"), event("b")], silent_from=1), {"timeout_s": 2.0}, "kept silent for 2 s after 1 characters", "a"),
        (Script(chunks=[event("a")], silent_from=0), {"timeout_s": 0.3}, "kept silent for 0.3 s", ""),
        (Script(chunks=[event("a")], endless=b": still here\n\n", pause_s=0.05), {"total_s": 1.5}, "total_s", "a"),
        (Script(chunks=[event("a")], endless=event(), pause_s=0.05), {"total_s": 1.5}, "total_s", "a"),
        (Script(kind="application/json", endless=b" ", pause_s=0.05), {"total_s": 0.5}, "total_s", ""),
        (Script(status=503, kind="application/json", endless=b" ", pause_s=0.05), {"total_s": 0.5}, "total_s", ""),
        (Script(chunks=pieces_of("a"), late_s=0.6), {"total_s": 0.3}, "total_s", ""),
    ],
    ids=[
        "silence",
        "silence at once",
        "comments for ever",
        "pieces of nothing for ever",
        "a whole answer for ever",
        "an error for ever",
        "a late beginning",
    ],
)
def test_silence_and_dripping(server: LanguageServer, script: Script, settings: dict[str, float], message: str, partial: str) -> None:
    server.script = script
    with pytest.raises(EndpointTimeoutError, match=message) as error:
        ask(server, **settings)
    assert error.value.partial == partial


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            Script(status=401, body=b'{"error": {"message": "bad key sk-secret"}}'),
            r"answered 401 .*bad key \(the key\).*ADJUDGE_LLM_API_KEY",
        ),
        (Script(status=404, body=b'{"detail": "Not Found"}'), "answered 404 Not Found. Not Found. is the base URL right"),
        (Script(status=429, body=b"slow down", headers={"retry-after": "7"}), "slow down.*try again in 7 s$"),
        (Script(status=503, body=b"", headers={"retry-after": "0.5"}), "try again in 0.5 s$"),
        (Script(status=503, body=b"", headers={"retry-after": DATE}), f"try again after {DATE}$"),
        (Script(status=500, body=b"<html>a page</html>"), "answered 500 Internal Server Error$"),
        (Script(status=503, body=b'{"message": "loading"}'), "answered 503 .*loading"),
        (Script(status=307, body=b"", headers={"location": "http://elsewhere/v1"}), "points to http://elsewhere/v1"),
    ],
    ids=["401", "404", "429", "in half a second", "after a date", "500", "503", "307"],
)
def test_error_statuses(server: LanguageServer, script: Script, message: str) -> None:
    server.script = script
    with pytest.raises(EndpointRefusedError, match=message) as error:
        ask(server)
    assert "sk-secret" not in str(error.value)
    assert len(server.asked) == 1, "nobody was asked twice, and nobody else"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = EndpointConfig(base_url=f"http://127.0.0.1:{port}/v1", model="m")
    with pytest.raises(EndpointError, match="cannot be reached"), ChatClient(config) as one, one.stream(MESSAGES):
        pass


def test_leaving_early_ends_the_request(server: LanguageServer) -> None:
    server.script = Script(chunks=[event("a")], endless=event("b") * 500, pause_s=0.001)
    with client(server) as one, one.stream(MESSAGES) as stream:
        next(iter(stream))
    assert server.left.wait(30), "the server could go on writing to nobody"


def test_a_closed_client_says_so(server: LanguageServer) -> None:
    one = client(server)
    one.close()
    one.close()
    with pytest.raises(ClosedError), one.stream(MESSAGES):
        pass


def test_the_server_is_compatible_with_openais_own_client(server: LanguageServer) -> None:
    openai = pytest.importorskip("openai")
    server.script = Script(chunks=pieces_of(TEXT))
    with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as theirs:
        chunks = list(theirs.chat.completions.create(model="m", stream=True, messages=[{"role": "user", "content": "q"}]))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert chunks[-1].usage.total_tokens > 0

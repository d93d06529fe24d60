"""Connections as they really are: slow, half, too large, gone in the middle; and a server that ends while it is asked."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from adjudge.errors import ConfigError
from adjudge.server.run import Listening, listen
from adjudge.server.settings import Limits
from tests.server.serving import PATIENCE_S, Gate, Live, Serve, until

BODY = json.dumps({"query": "red apples", "documents": ["red apples", "bread"]}).encode()
HEAD = b"POST /rerank HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


class Wire:
    """A connection of plain bytes."""

    def __init__(self, live: Live) -> None:
        self.socket = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Some bytes."""
        self.socket.sendall(data)

    def all(self) -> bytes:
        """Everything until the server hangs up."""
        parts = []
        while part := self.socket.recv(65536):
            parts.append(part)
        return b"".join(parts)

    def answer(self) -> bytes:
        """One response, as long as its Content-Length says."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        return head + b"\r\n\r\n" + body

    def _more(self) -> bytes:
        part = self.socket.recv(65536)
        assert part, "the server has hung up"
        return part


def with_length(body: bytes = BODY, length: int | None = None) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def chunks(parts: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield b"%x\r\n" % len(part) + part + b"\r\n"


@pytest.mark.parametrize("sent", [b"", BODY[:20]])
def test_half_a_body_and_then_nothing(serve: Serve, sent: bytes) -> None:
    live = serve(limits=Limits(body_idle_s=0.2))
    with Wire(live) as wire:
        wire.send(with_length(sent, len(BODY)))
        received = wire.all()
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in received.lower()
    assert b'"kind":"bad_request"' in received
    assert live.get("/monitor").json()["queue"]["requests"] == 0
    assert live.rank().status_code == 200


def test_a_body_that_comes_drop_by_drop(serve: Serve) -> None:
    live = serve(limits=Limits(timeout_s=0.5, body_idle_s=60.0))
    with Wire(live) as wire:
        wire.send(HEAD + b"Content-Length: 1000\r\n\r\n")
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.02):
                try:
                    wire.send(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert wire.answer().startswith(b"HTTP/1.1 408 ")
        finally:
            stop.set()
            dripping.join()


def test_a_slow_body_within_the_limits(serve: Serve) -> None:
    live = serve()
    with Wire(live) as wire:
        wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY))
        for byte in BODY:
            wire.send(bytes([byte]))
        assert wire.answer().startswith(b"HTTP/1.1 200 ")


def test_a_client_that_leaves_in_the_middle_of_its_body(serve: Serve) -> None:
    live = serve()
    with Wire(live) as wire:
        wire.send(with_length(BODY[:20], len(BODY)))
        until(lambda: live.server.server_state.connections != set())
    until(lambda: live.metric("adjudge_client_gone_total") == 1)
    assert live.rank().status_code == 200


@pytest.mark.parametrize("framing", ["length", "chunks", "chunks, and more to come"])
def test_ten_megabytes_are_refused_while_they_come(serve: Serve, framing: str) -> None:
    """The client is told why, however much of it is still on its way."""
    live = serve(limits=Limits(body_bytes=2**20))
    part = b"x" * 2**16
    with Wire(live) as wire:
        if framing == "length":
            wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % (10 * 2**20))
            for _ in range(160):
                wire.send(part)
        else:
            wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for chunk in chunks([part] * (160 if framing == "chunks" else 20)):
                wire.send(chunk)
        if framing == "chunks":
            wire.send(b"0\r\n\r\n")
        answer = wire.answer()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"kind":"too_large"' in answer
    assert b"connection: close" in answer.lower()


def test_a_client_that_asks_before_it_sends(serve: Serve) -> None:
    live = serve(limits=Limits(body_bytes=100))
    ask = HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with Wire(live) as wire:
        wire.send(ask % 1000)
        assert wire.all().startswith(b"HTTP/1.1 413 ")
    with Wire(live) as wire:
        wire.send(ask % len(BODY))
        assert wire.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        wire.send(BODY)
        assert wire.answer().startswith(b"HTTP/1.1 200 ")


def test_a_packed_body(serve: Serve) -> None:
    live = serve()
    response = live.post("/rerank", content=BODY, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["error"]["kind"]) == (415, "bad_request")


def test_a_connection_serves_on_after_a_fault(serve: Serve) -> None:
    live = serve()
    with Wire(live) as wire:
        for body, status in ((b"{", 400), (BODY, 200), (b"{}", 422), (b"[" * 9, 400), (BODY, 200)):
            wire.send(with_length(body))
            assert wire.answer().split(b" ")[1] == str(status).encode()


def test_answers_are_not_held_back(live_server: Live) -> None:
    """With Nagle's algorithm on, the body would wait for the acknowledgement of the headers, which takes 40 ms."""
    with httpx.Client(base_url=live_server.url, verify=False, timeout=PATIENCE_S) as client:
        client.get("/health")
        sockets = [one.transport.get_extra_info("socket") for one in live_server.server.server_state.connections]
        assert sockets
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::"])
def test_addresses_to_listen_on(host: str) -> None:
    try:
        listener = listen(host, 0)
    except ConfigError:
        assert host == "::1", "some machines have no IPv6"
        return
    with listener:
        address, port, *_ = listener.getsockname()
        with socket.create_connection(("127.0.0.1" if host in ("0.0.0.0", "::") else address, port), timeout=PATIENCE_S):
            pass
    shown = Listening(host, 8000)
    assert shown.public is (host in ("0.0.0.0", "::"))
    assert shown.url == {"::1": "http://[::1]:8000", "127.0.0.1": "http://127.0.0.1:8000"}.get(host, "http://localhost:8000")


@pytest.mark.parametrize(("host", "port"), [("256.0.0.1", 0), ("no.such.host.invalid", 0), ("a" * 300, 0)])
def test_addresses_that_are_none(host: str, port: int) -> None:
    with pytest.raises(ConfigError, match="cannot listen"):
        listen(host, port)


def test_what_is_no_http(live_server: Live) -> None:
    with Wire(live_server) as wire:
        wire.send(b"\x16\x03\x01 hello\r\n\r\n")
        assert wire.all().startswith(b"HTTP/1.1 400 ")
    assert live_server.get("/health").status_code == 200


def test_ten_thousand_tiny_documents(live_server: Live) -> None:
    found = live_server.rank("a", ["a"] * 10_000, top_n=3, return_documents=False)
    assert found.status_code == 200
    assert [r["index"] for r in found.json()["ranked_results"]] == [0, 1, 2]
    assert live_server.rank("a", ["a"] * 10_001).status_code == 413


def test_work_for_a_client_that_left_is_dropped_and_counted(serve: Serve, gate: Gate) -> None:
    live = serve(limits=Limits(threads=1))
    gate.shut()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(live.rank)
        until(lambda: gate.waiting == 1)
        with Wire(live) as wire:
            wire.send(with_length())
            until(lambda: live.service.places.requests == 2)
        until(lambda: live.service.places.requests == 1)
        gate.open()
        assert first.result(PATIENCE_S).status_code == 200
    assert live.metric("adjudge_client_gone_total") == 1
    assert live.metric("adjudge_pairs_computed_total") == 2, "the documents of the first request, and no others"


def test_work_that_a_model_has_begun_is_left_too(serve: Serve, gate: Gate) -> None:
    live = serve()
    gate.shut()
    with Wire(live) as wire:
        wire.send(with_length())
        until(lambda: gate.waiting == 1)
    until(lambda: live.metric("adjudge_client_gone_total") == 1)
    gate.open()
    assert live.rank().status_code == 200
    until(lambda: live.service.places.requests == 0)


def test_a_deadline_is_a_504(serve: Serve, gate: Gate) -> None:
    live = serve()
    gate.shut()
    late = live.rank(timeout_ms=50)
    assert (late.status_code, late.json()["error"]["kind"]) == (504, "timeout")
    gate.open()
    assert live.rank(timeout_ms=PATIENCE_S * 1e3).status_code == 200


def test_the_servers_own_deadline(serve: Serve, gate: Gate) -> None:
    live = serve(limits=Limits(timeout_s=0.2))
    gate.shut()
    assert live.rank(timeout_ms=PATIENCE_S * 1e3).status_code == 504
    assert live.post("/tei/rerank", json={"query": "a", "texts": ["b"]}).json()["error_type"] == "Backend"


def test_a_full_queue_is_a_429_with_a_time(serve: Serve, gate: Gate) -> None:
    live = serve(limits=Limits(pairs=3))
    gate.shut()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(live.rank)
        until(lambda: live.service.places.pairs == 2)
        full = live.rank()
        assert (full.status_code, full.json()["error"]["kind"]) == (429, "overloaded")
        assert int(full.headers["retry-after"]) >= 1
        assert live.post("/tei/rerank", json={"query": "a", "texts": ["b", "c"]}).json()["error_type"] == "Overloaded"
        gate.open()
        assert first.result(PATIENCE_S).status_code == 200
    assert live.rank().status_code == 200


def test_requests_side_by_side_get_their_own_answers(live_server: Live) -> None:
    def ask(number: int) -> bool:
        found = live_server.rank(f"number {number}", [f"number {n}" for n in range(number % 7 + 1)], top_n=1)
        return found.status_code == 200 and len(found.json()["ranked_results"]) == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(40)))


def test_an_end_answers_what_was_accepted(serve: Serve, gate: Gate) -> None:
    """Requests of every kind are under way when the server is told to end: in a model, in the queue, and half received."""
    live = serve(limits=Limits(threads=2))
    gate.shut()
    with ThreadPoolExecutor(6) as pool, Wire(live) as half:
        half.send(with_length(BODY[:30], len(BODY)))
        running = [pool.submit(live.rank, "red", ["red apples", f"{n}"]) for n in range(6)]
        until(lambda: live.service.places.requests == 6)
        live.server.should_exit = True
        until(lambda: _refuses(live))
        half.send(BODY[30:])
        until(lambda: live.service.places.requests == 7)
        gate.open()
        assert [future.result(PATIENCE_S).status_code for future in running] == [200] * 6
        assert half.answer().startswith(b"HTTP/1.1 200 ")
    until(lambda: live.app.state.closed is True)


def _refuses(live: Live) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", live.port), timeout=1):
            return False
    except OSError:
        return True


def test_an_end_does_not_wait_for_idle_connections(serve: Serve) -> None:
    live = serve()
    with httpx.Client(base_url=live.url, verify=False, timeout=PATIENCE_S) as client, Wire(live):
        assert client.get("/health").status_code == 200
        began = time.monotonic()
        live.server.should_exit = True
        until(lambda: live.app.state.closed is True)
        assert time.monotonic() - began < PATIENCE_S / 2

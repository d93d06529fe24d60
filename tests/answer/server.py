"""A small OpenAI-compatible server on loopback: real HTTP and real event streams, with every way such a server can fail.

Without a script it answers by itself, as a dull but obedient language model would: with the first sentence of the first source, cited.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import LoopbackServer

__all__ = ["Asked", "LanguageServer", "Script", "event", "language_server", "pieces_of"]

MODEL = "dull-1"
_SOURCE = re.compile(r'<source number="(\d+)" name="[^"]*">\n(.*?)\n</source>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    path: str
    authorization: str | None
    body: dict[str, Any]

    @property
    def system(self) -> str:
        """The rules."""
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        """The sources and the question."""
        return str(self.body["messages"][1]["content"])


@dataclass(slots=True, kw_only=True)
class Script:
    """How the server answers, where it shall not answer by itself."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # sent whole, with a length
    kind: str = "text/event-stream"
    chunks: Sequence[bytes] | None = None  # sent one by one, each as soon as it is there
    late_s: float = 0.0  # before the first byte, that of the status
    pause_s: float = 0.0  # before each chunk
    silent_from: int | None = None  # no chunk from here on, and the connection stays open
    cut_after: int | None = None  # the connection is closed behind so many chunks, in the middle of a transfer
    endless: bytes | None = None  # sent for ever, behind the chunks


class LanguageServer:
    """What listens: `url`, what it was `asked`, and the `script` that it follows."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Script | None = None
        self.stopping = threading.Event()
        self.left = threading.Event()  # a client went away in the middle of an answer
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.asked.append(Asked(self.path, self.headers["authorization"], json.loads(body)))
                script = Script(chunks=_reply(server.asked[-1])) if server.script is None else server.script
                try:
                    _play(self, script, server)
                except (BrokenPipeError, ConnectionResetError):
                    server.left.set()
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = LoopbackServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """The base URL, as OpenAI's own clients take it."""
        return f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@contextmanager
def language_server() -> Iterator[LanguageServer]:
    """A server that runs while the block does."""
    server = LanguageServer()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join(30)


def event(text: str = "", **more: Any) -> bytes:
    """One chunk of an answer; `finish_reason`, `usage` and `refusal` are put where they belong."""
    delta = {"content": text} | ({"refusal": more["refusal"]} if "refusal" in more else {})
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": more.get("finish_reason")}],
    }
    if "usage" in more:
        chunk |= {"choices": [], "usage": more["usage"]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def pieces_of(text: str, *, finish: str | None = "stop", done: bool = True) -> list[bytes]:
    """A whole answer as its events, a word each."""
    words = re.findall(r"\S+\s*|\s+", text)
    usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
    end = [event(finish_reason=finish), event(usage=usage)] if finish else []
    return [*(event(word) for word in words), *end, *([b"data: [DONE]\n\n"] if done else [])]


def _reply(asked: Asked) -> list[bytes]:
    found = _SOURCE.findall(asked.user)
    if not found:
        return pieces_of("NOT_IN_SOURCES")
    number, text = found[0]
    prose = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), text)
    return pieces_of(f"{re.split(r'(?<=[.!?。])', prose.strip())[0]} [{number}]")


def _play(handler: BaseHTTPRequestHandler, script: Script, server: LanguageServer) -> None:
    server.stopping.wait(script.late_s)
    handler.send_response(script.status)
    handler.send_header("content-type", script.kind)
    for name, value in script.headers.items():
        handler.send_header(name, value)
    if script.body is not None:
        handler.send_header("content-length", str(len(script.body)))
        handler.end_headers()
        handler.wfile.write(script.body)
        return
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for at, chunk in enumerate(_all_chunks(script)):
        if at == script.silent_from:
            server.stopping.wait(60)
            handler.close_connection = True
            return
        if at == script.cut_after:
            handler.close_connection = True  # no last chunk: the transfer is not complete
            return
        if server.stopping.wait(script.pause_s):
            return
        handler.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        handler.wfile.flush()
    handler.wfile.write(b"0\r\n\r\n")


def _all_chunks(script: Script) -> Iterator[bytes]:
    yield from script.chunks or ()
    while script.endless is not None:
        yield script.endless

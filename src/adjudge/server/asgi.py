"""What an ASGI application is called with, and how a reply becomes bytes. No framework is needed for either."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .protocols.dialect import Reply

__all__ = ["App", "Headers", "Message", "Prepared", "Receive", "Scope", "Send", "header", "header_text", "prepare"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A response as bytes: an ASGI application that answers every request with it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self.start(send)
        await send({"type": "http.response.body", "body": self.body})

    async def start(self, send: Send) -> None:
        """Send status and headers alone."""
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})


def prepare(reply: Reply, extra: Mapping[str, str] | None = None) -> Prepared:
    """The reply as JSON (no body at all where it is None); `extra` headers stand where the reply has none of that name."""
    body = b"" if reply.body is None else _json(reply.body)
    headers = {} if reply.body is None else {"content-type": "application/json"}
    for name, value in (*({} if extra is None else extra).items(), *reply.headers.items()):
        headers[name.lower()] = header_text(value)
    headers["content-length"] = str(len(body))
    return Prepared(reply.status, tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()), body)


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header; `name` in lower case."""
    return next((value for key, value in headers if key == name), None)


def header_text(text: str) -> str:
    """The text on one line of printable ASCII, everything else escaped as in JSON: what any header may hold."""
    return "".join(c if " " <= c <= "~" else " " if c in "\r\n\t" else json.dumps(c)[1:-1] for c in text)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair came in as an escape, and can only go out as one
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()

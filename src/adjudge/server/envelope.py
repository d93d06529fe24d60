"""Around every request: its id and its time, and the door with its keys. Plain ASGI, so that it costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable

from .asgi import App, Message, Receive, Scope, Send, prepare
from .auth import Keys
from .logs import log_access
from .protocols.dialect import Dialect, Fault
from .service import Recorder
from .visit import VISIT, arrive

__all__ = ["Answered", "Door", "Envelope"]

DialectOf = Callable[[str], Dialect]
"""Whose words are used at a path."""


class Envelope:
    """Gives every request a Visit, every response the request's id and the time it took, and the log a line where it wants one."""

    def __init__(self, app: App, *, log: bool = False) -> None:
        """`log`: a line for each request."""
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = scope[VISIT] = arrive(scope["headers"])
        status = 500

        async def send_signed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                names = {name for name, _ in headers}
                own = ((name.encode(), value.encode()) for name, value in visit.headers().items())
                message = {**message, "headers": [*headers, *((name, value) for name, value in own if name not in names)]}
            await send(message)

        try:
            await self._app(scope, receive, send_signed)
        finally:
            if self._log:
                log_access(visit, scope, status)


class Answered:
    """Answers what goes wrong unexpectedly, and lets it through to the log. Inside CORS, so that a page of another origin may read it."""

    def __init__(self, app: App, *, answer: Callable[[Scope, Exception], App]) -> None:
        """`answer`: what says so."""
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as exc:
            if scope["type"] == "http" and not started:
                await self._answer(scope, exc)(scope, receive, send)
            raise


class Door:
    """Lets through who has a key, and everybody to what is open."""

    def __init__(self, app: App, *, keys: Keys, is_open: Callable[[Scope], bool], dialect_of: DialectOf, recorder: Recorder) -> None:
        """`is_open`: whether a request needs no key."""
        self._app = app
        self._keys = keys
        self._is_open = is_open
        self._dialect_of = dialect_of
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or answer 401 in the words of the path."""
        if scope["type"] != "http" or self._keys.accept(scope["headers"]) or self._is_open(scope):
            await self._app(scope, receive, send)
            return
        message = "an API key is needed, and the request has none that is known; send Authorization: Bearer KEY or X-API-Key: KEY"
        visit, dialect = scope[VISIT], self._dialect_of(scope["path"])
        reply = dialect.fault(Fault(kind="unauthorized", message=message), visit.request_id)
        self._recorder.answered(dialect.name, "", reply.status, visit.seconds_by_stage())
        await prepare(reply, {"www-authenticate": "Bearer"})(scope, receive, send)

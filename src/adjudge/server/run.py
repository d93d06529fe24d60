"""run(): uvicorn around the application, from the first connection to the last answer."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, MissingExtraError
from .app import create_app
from .service import Recorder, Service
from .settings import Settings

if TYPE_CHECKING:
    import uvicorn

__all__ = ["Ended", "Listening", "listen", "run"]

KEEP_ALIVE_S = 75
"""Longer than clients and load balancers keep an idle connection, so that they close it and never write into one that is closing."""

GRACE_S = 10
"""On top of the longest request, before a stop cuts off clients that do not read their answers."""

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server can be reached."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """For a browser on this machine."""
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def public(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in ("localhost", "::1") and not self.host.startswith("127.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a server ended."""

    clean: bool  # False: threads are left behind that nothing can stop
    failure: Exception | None = None  # why no model could be loaded, where that ended it


def run(settings: Settings, *, announce: Callable[[Listening], None] | None = None, metrics: Recorder | None = None) -> Ended:
    """Serve until SIGTERM or Ctrl-C; what was accepted by then is answered first, and a second Ctrl-C does not wait for that.

    `announce`: called when connections are taken, before any model is loaded. Where no model at all can be loaded, it ends by itself.
    Raises MissingExtraError without uvicorn, ConfigError where it cannot listen.
    """
    uvicorn = _uvicorn()
    listener = listen(settings.host, settings.port)

    def stop_where_nothing_serves() -> None:
        if service.registry.failed:
            server.should_exit = True

    with listener:
        app = create_app(settings, metrics, on_loaded=stop_where_nothing_serves)  # called when the server runs, and not before
        service: Service = app.state.service
        server = uvicorn.Server(_config(app, settings))
        if announce is not None:
            announce(Listening(settings.host, listener.getsockname()[1]))
        with _quiet_signals(server):
            server.run(sockets=[listener])
    clean: bool = app.state.closed
    if not clean:  # the second Ctrl-C has left out the application's own end, or something did not end in time
        service.abandon()
        clean = service.close(timeout_s=1.0)
    failures = [model.error for model in service.registry if model.error is not None]
    return Ended(clean=clean, failure=failures[0] if service.registry.failed else None)


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        http="h11",  # where httptools is installed uvicorn would take it, and it reads headers without end into memory
        log_config=None,
        access_log=False,  # it shows query strings; the application's own line does not
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.limits.timeout_s) + GRACE_S,
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections. Raises ConfigError where it cannot.

    TCP is spelled out, because asyncio looks for it before it turns Nagle's algorithm off, which holds every answer back for 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and socket.has_dualstack_ipv6():
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as exc:
        listener.close()
        why = getattr(exc, "strerror", None) or str(exc)
        message = f"cannot listen on {host}, port {port}: {why}. Another program may have it; give another --port or --host"
        raise ConfigError(message) from exc
    return listener


@contextmanager
def _quiet_signals(server: uvicorn.Server) -> Iterator[None]:
    """uvicorn raises a signal again when it has ended well; here that is the end of it, and no reason to die or to raise."""

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _uvicorn() -> Any:
    try:
        import uvicorn
    except ImportError as exc:
        raise MissingExtraError(package="uvicorn", extra="server", what="adjudge serve") from exc
    return uvicorn

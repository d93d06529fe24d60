"""A threading HTTP server for tests whose clients may leave whenever they like."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any

__all__ = ["LoopbackServer"]


class LoopbackServer(ThreadingHTTPServer):
    """Says nothing when a client has gone, which is what many tests are about; any other error is printed as usual."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what the handler raised, unless it is a connection that ended."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

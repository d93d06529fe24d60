"""One writer at a time in a Milvus server, which has no locks: a row that its holder renews, and that others take over when it is old."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from typing import Any

from ...errors import IndexLockedError
from .milvus_collections import STRONG, Collections

__all__ = ["LEASE_SECONDS", "Lease"]

LEASE_SECONDS = 60.0
"""A holder that has not renewed for so long is dead. Clocks of writers may differ by less."""

RENEW_SECONDS = 10.0


class Lease:
    """The right to write, from construction to release(), renewed by a thread."""

    def __init__(self, collections: Collections, *, what: str) -> None:
        """Ask for it. Raises IndexLockedError where somebody else has it, or asked at the same moment and came first."""
        self._held, self._what = collections, what
        self._row = f"lease-{secrets.token_hex(8)}"
        self._began, self._holding = time.time(), False
        self._released = threading.Event()
        self._renewed = time.monotonic()
        self._write()
        first = min(self._claims())
        if first[2] != self._row:
            self._remove()
            raise IndexLockedError(f"{what} is being written to by {first[3]}; wait until it has ended (one minute, if it died)")
        self._holding = True
        self._write()
        self._thread = threading.Thread(target=self._renew, name="adjudge-lease", daemon=True)
        self._thread.start()

    def require(self) -> None:
        """Raise IndexLockedError where it was not renewed in time, so that somebody else may have taken it over."""
        if time.monotonic() - self._renewed > LEASE_SECONDS / 2:
            raise IndexLockedError(f"{self._what} could not be reached for too long, and another writer may have begun; run this again")

    def release(self) -> None:
        """Give it back. Safe to call twice."""
        if not self._released.is_set():
            self._released.set()
            self._thread.join()
            self._remove()

    def _renew(self) -> None:
        from pymilvus.exceptions import MilvusException

        while not self._released.wait(RENEW_SECONDS):
            try:
                self._write()
                self._renewed = time.monotonic()
            except MilvusException:  # a server that is away for a moment; require() notices when it is for longer
                continue

    def _claims(self) -> list[tuple[bool, float, str, str]]:
        """(not yet held, since when, which, who) of every living one, ours too: one that is held goes first, whatever clocks say."""
        query: dict[str, Any] = {"filter": 'kind == "lease"', "output_fields": ["id", "body"], **STRONG}
        rows = self._held.client.query(self._held.known, limit=1000, **query)
        bodies = [(row["id"], json.loads(row["body"])) for row in rows]
        alive = [(row, body) for row, body in bodies if time.time() - body["renewed"] < LEASE_SECONDS]
        return [(not body["held"], body["began"], row, body["who"]) for row, body in alive]

    def _write(self) -> None:
        body = {
            "held": self._holding,
            "began": self._began,
            "renewed": time.time(),
            "who": f"process {os.getpid()} on {socket.gethostname()}",
        }
        self._held.put([{"id": self._row, "kind": "lease", "batch": 0, "body": json.dumps(body), "unused": [0.0, 0.0]}])

    def _remove(self) -> None:
        self._held.client.delete(self._held.known, ids=[self._row])

"""One writer at a time: a lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from ...errors import IndexLockedError, MissingExtraError

__all__ = ["WriterLock"]


class WriterLock:
    """Held from construction to release(), or to the end of the process, however it ends: there are no stale locks to break."""

    def __init__(self, path: Path, *, what: str) -> None:
        """Take the lock file `path`. Raises IndexLockedError at once, naming the holder, where it is taken."""
        try:
            from filelock import FileLock, Timeout
        except ImportError:
            raise MissingExtraError(package="filelock", extra="search", what="writing to an index") from None
        self._note = path.with_name(f"{path.name}.holder")
        self._lock: Any = FileLock(path, timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise IndexLockedError(f"{what} is being written to by {_holder(self._note)}; wait until it has ended, or stop it") from None
        began = time.strftime("%Y-%m-%d %H:%M:%S")
        self._note.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {began}", encoding="utf-8")

    def release(self) -> None:
        """Let the next one write. Safe to call twice."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def _holder(note: Path) -> str:
    try:
        return note.read_text(encoding="utf-8") or "another process"
    except OSError:  # it has only just begun, or just ended
        return "another process"

"""Milvus in a file: its server runs in this process, and keeps other processes from the file until it is told to let go."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from ...errors import MissingExtraError
from .folders import no_place

__all__ = ["hold", "let_go"]

_users: Counter[Path] = Counter()
"""How many indices of this process use a file. Milvus Lite's own table of servers is the process's too, and counts nobody."""

_lock = threading.Lock()


def hold(path: Path) -> None:
    """Say that one more uses the file; its folder is made. Raises MissingExtraError without Milvus Lite, ConfigError."""
    try:
        import milvus_lite  # noqa: F401
    except ImportError:
        raise MissingExtraError(package="milvus-lite", extra="milvus", what="Milvus in a file") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise no_place(path.parent, exc) from exc
    with _lock:
        _users[path] += 1


def let_go(path: Path) -> None:
    """Say that one does no longer; after the last one the file is closed, and free for other processes."""
    from milvus_lite import server_manager_instance

    with _lock:
        _users[path] -= 1
        if not _users[path]:
            del _users[path]
            server_manager_instance.release_server(str(path))

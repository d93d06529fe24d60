"""Files that a command will write: refused before the work where they cannot be, and told apart from it where they could not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError

__all__ = ["check_writable", "writing"]


def check_writable(path: Path) -> None:
    """Raise ConfigError where no file can be written there. Leaves nothing behind: folders that it had to make are removed again."""
    with writing(path):
        if path.is_dir():
            raise ConfigError(f"{path} cannot be written: it is a folder")
        made: list[Path] = []
        try:
            for folder in _missing(path.parent):
                folder.mkdir(exist_ok=True)
                made.append(folder)
            fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
            fresh.touch()
            fresh.unlink()
        finally:
            for folder in reversed(made):
                folder.rmdir()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file: where it fails, ConfigError says which and why."""
    try:
        yield
    except (OSError, ValueError) as exc:
        if isinstance(exc, ConfigError):
            raise
        reason = exc.strerror if isinstance(exc, OSError) else None
        raise ConfigError(f"{path} cannot be written: {reason or exc}") from exc


def _missing(folder: Path) -> list[Path]:
    """What of the folder has to be made, the outermost first."""
    found: list[Path] = []
    while not folder.exists():
        found.append(folder)
        folder = folder.parent
    return found[::-1]

"""Files that a command will write: refused before the work where they cannot be, and told apart from it where they could not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import ConfigError

__all__ = ["check_writable", "refuse_read", "writing"]


def check_writable(path: Path) -> None:
    """Raise ConfigError where no file can be written there. Leaves nothing behind: folders that it had to make are removed again."""
    try:
        with writing(path):
            if path.is_dir():
                raise ConfigError(f"{path} cannot be written: it is a folder")
            _try(path)
    except ValueError as exc:  # a name with a zero character
        raise exc if isinstance(exc, ConfigError) else ConfigError(f"{path} cannot be written: {exc}") from exc


def refuse_read(option: str, path: Path, read: Iterable[Path]) -> None:
    """Raise ConfigError where the file that an option names is one that is read, whatever leads to it."""
    for source in read:
        if path.exists() and source.exists() and path.samefile(source):
            raise ConfigError(f"{option} {path} is {source}, which is read; name another file")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file: where it fails, ConfigError says which and why."""
    try:
        yield
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written: {exc.strerror or exc}") from exc


def _try(path: Path) -> None:
    made: list[Path] = []
    try:
        for folder in _missing(path.parent):
            with suppress(FileExistsError):  # another command has made it meanwhile, and keeps it
                folder.mkdir()
                made.append(folder)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        fresh.touch()
        fresh.unlink()
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # somebody has put something into it
                folder.rmdir()


def _missing(folder: Path) -> list[Path]:
    """What of the folder has to be made, the outermost first."""
    found: list[Path] = []
    while not folder.exists():
        found.append(folder)
        folder = folder.parent
    return found[::-1]

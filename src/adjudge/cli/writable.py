"""Files that a command will write: refused before the work where they cannot be, and told apart from it where they could not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import ConfigError

__all__ = ["check_writable", "refuse_read", "writing"]


def check_writable(path: Path) -> None:
    """Raise ConfigError where no file can be written there. Leaves nothing behind, and makes none of its folders."""
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
    """Write it in a folder of this command's own beside the first that is missing, or beside it, where no other command meets it."""
    missing = _missing(path.parent)
    nearest = missing[0].parent if missing else path.parent
    with TemporaryDirectory(prefix=".adjudge-", dir=nearest) as own:
        inside = Path(own).joinpath(*(folder.name for folder in missing))
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{path.name}.tmp").touch()  # what writes whole files writes beside them first


def _missing(folder: Path) -> list[Path]:
    """What of the folder has to be made, the outermost first."""
    found: list[Path] = []
    while not folder.exists():
        found.append(folder)
        folder = folder.parent
    return found[::-1]

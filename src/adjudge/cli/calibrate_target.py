"""Where a calibration may be written: into a folder that was named, or beside a model that is the user's own."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from ..config import SourceConfig
from ..errors import ConfigError
from .writable import check_writable

__all__ = ["find_target"]


def find_target(model: str, *, out: Path | None, beside: bool, force: bool, cache_dir: Path | None) -> Path | None:
    """The file to write, or None for none. Raises ConfigError where it must not be written there, or is there already."""
    if beside and out is not None:
        raise typer.BadParameter("--write and --out exclude each other; give one", param_hint="--write")
    if beside:
        folder: Path | None = _own_folder(model, cache_dir)
    else:
        folder = out
    if folder is None:
        return None
    from ..models.calibration import FILE_NAME

    if os.path.isfile(folder):  # unlike Path.is_file, it has no exception for a name that is too long
        raise ConfigError(f"--out {folder} is a file; name a folder")
    target = folder / FILE_NAME
    check_writable(target)
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")
    return target


def _own_folder(model: str, cache_dir: Path | None) -> Path:
    from ..models.files import EMBEDDED

    instead = "keep it elsewhere with --out FOLDER"
    if model == EMBEDDED:
        raise ConfigError(
            f"--write keeps a calibration in the model's own folder, and that of {EMBEDDED!r} is the installed package; {instead}"
        )
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"--write keeps a calibration in the model's own folder, and {model!r} is no folder on this machine; {instead}")
    if _is_shared(folder.resolve(), cache_dir):
        raise ConfigError(f"{folder} belongs to the hub's cache or to the installed package, which are not written to; {instead}")
    return folder


def _is_shared(folder: Path, cache_dir: Path | None) -> bool:
    """Whether other programs count on the folder's content."""
    from ..models import files
    from ..models.hub_cache import cache_folder

    shared = (Path(files.__file__).parent, cache_folder(SourceConfig(cache_dir=cache_dir)), cache_folder(SourceConfig()))
    in_a_snapshot = any(part.startswith("models--") for part in folder.parts) and "snapshots" in folder.parts
    return in_a_snapshot or any(folder.is_relative_to(place.resolve()) for place in shared)

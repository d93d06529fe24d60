"""The one small file that says which state of a LanceDB index is whole: that one is read, and whatever came later is as if it were not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import IndexDamagedError, IndexNotFoundError
from .base import IndexFacts
from .stored_facts import Kinds, is_whole, require_kinds, stored_facts

__all__ = [
    "FILE_NAME",
    "PASSAGES",
    "REBUILD",
    "SOURCES",
    "Published",
    "files_below",
    "publish",
    "read_published",
    "require_files",
    "without_files",
]

FILE_NAME = "adjudge-index.json"
PASSAGES, SOURCES = "passages", "sources"

REBUILD = "make it anew: adjudge index build PATHS --index FOLDER --rebuild"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A state of the tables that belongs together."""

    facts: IndexFacts
    passages: int | None = None  # versions of the tables; None: they are being made
    sources: int | None = None
    files: Mapping[str, int] | None = None  # bytes of every file there was; None: some are being deleted


def publish(folder: Path, state: Published) -> None:
    """Put `state` in the place of what was published before, all or nothing."""
    path = folder / FILE_NAME
    written = path.with_suffix(".new")
    with written.open("w", encoding="utf-8") as file:
        json.dump(asdict(state), file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def read_published(folder: Path) -> Published:
    """What is published. Raises IndexNotFoundError, IndexDamagedError, or IndexMismatchError for one of a later adjudge."""
    path = folder / FILE_NAME
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(folder) from None
    except (OSError, ValueError, RecursionError) as exc:
        raise IndexDamagedError(f"{path} cannot be read ({exc}); {REBUILD}") from exc
    return _parse(path, held)


def files_below(folder: Path) -> dict[str, int]:
    """Bytes of the tables' files, but for the lists of versions, which come and go."""
    tables = [folder / f"{name}.lance" for name in (PASSAGES, SOURCES)]
    found = (path for table in tables for path in table.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size for path in found if path.parent.name not in ("_versions", "_transactions")
    }


def require_files(folder: Path, state: Published) -> None:
    """Raise IndexDamagedError where a file is missing or has another size than when it was published."""
    for name, size in ({} if state.files is None else state.files).items():
        try:
            found = (folder / name).stat().st_size
        except OSError as exc:
            raise IndexDamagedError(f"{folder / name} is missing ({exc.strerror}); {REBUILD}") from exc
        if found != size:
            raise IndexDamagedError(f"{folder / name} has {found:,} bytes and had {size:,}; {REBUILD}")


def without_files(state: Published) -> Published:
    """The same state, for the time in which files are deleted."""
    return replace(state, files=None)


def _missing(folder: Path) -> IndexNotFoundError | IndexDamagedError:
    if (folder / f"{PASSAGES}.lance").exists():
        return IndexDamagedError(f"{folder} holds passages but no {FILE_NAME}; {REBUILD}")
    return IndexNotFoundError(f"there is no index in {folder}; make one: adjudge index build PATHS --index {folder}")


def _parse(path: Path, held: Any) -> Published:
    try:
        facts = stored_facts(held["facts"], path)
        require_kinds(held, _KINDS)
        return Published(facts=facts, passages=held["passages"], sources=held["sources"], files=held["files"])
    except (TypeError, KeyError) as exc:
        raise IndexDamagedError(f"{path} is not what adjudge wrote there ({exc!r}); {REBUILD}") from exc


def _is_version(value: object) -> bool:
    return value is None or is_whole(value)


def _are_sizes(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(map(is_whole, value.values())))


_KINDS: Kinds = {"passages": _is_version, "sources": _is_version, "files": _are_sizes}

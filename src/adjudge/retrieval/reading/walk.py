"""The files below folders: which are read, which are passed over and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from .formats import format_of
from .ignoring import IGNORE_FILES, Ignored, no_rules
from .names import name_below
from .settings import WalkConfig
from .source import FoundFile, Reason, Skipped

__all__ = ["walk"]


def walk(paths: Sequence[str | Path], config: WalkConfig | None = None) -> Iterator[FoundFile | Skipped]:
    """Every file that can be read, folder by folder, in the order of their names, each once; the others as Skipped.

    Names begin at the folder that was named; with several paths at the deepest folder that all have in common, so that no two files
    share a name. A file that is named itself is taken whatever its ending; hidden and ignored ones below a folder are not mentioned.
    Raises InputError for a path that is not there: what was indexed below it has not vanished.
    """
    if isinstance(paths, str | Path):
        raise InputError(f"paths must be a list; put {str(paths)!r} into one")
    named = [_absolute(path) for path in paths]
    if not named:
        raise InputError("there is nothing to read: name a file or a folder")
    return _walk(named, _root(named), WalkConfig() if config is None else config)


def _absolute(path: str | Path) -> Path:
    try:
        found = Path(os.path.abspath(path))
        found.stat()
    except (OSError, ValueError) as exc:  # ValueError: NUL in the name
        raise InputError(f"cannot read {str(path)!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return found


def _root(named: Sequence[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in named]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError as exc:  # Windows: on two drives
        raise InputError(f"{named[0]} and the others have no folder in common ({exc}); index each drive by itself") from exc


def _walk(named: Sequence[Path], root: Path, config: WalkConfig) -> Iterator[FoundFile | Skipped]:
    tree = _Tree(root, config)
    for path in named:
        real = os.path.realpath(path)
        if path.is_dir():
            yield from tree.below(_Folder(path, real, no_rules()))
        elif tree.new(real):
            yield _found(path, root, named=True)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to go into."""

    path: Path
    real: str  # without links; made from its parent's, since asking the system for each takes long in deep trees
    rules: Ignored  # of the folders above


class _Tree:
    """What all named paths share."""

    def __init__(self, root: Path, config: WalkConfig) -> None:
        self.root, self.config = root, config
        self.seen: set[str] = set()  # real paths that were taken

    def new(self, real: str) -> bool:
        """Whether it is met for the first time."""
        taken = real in self.seen
        self.seen.add(real)
        return not taken

    def below(self, folder: _Folder) -> Iterator[FoundFile | Skipped]:
        """Depth first, with a stack of our own: folders may be nested deeper than Python likes to recurse."""
        waiting = [self._entries(folder)]
        while waiting:
            for item in waiting[-1]:
                if isinstance(item, _Folder):
                    waiting.append(self._entries(item))
                    break
                yield item
            else:
                waiting.pop()

    def _entries(self, folder: _Folder) -> Iterator[_Folder | FoundFile | Skipped]:
        """What a folder holds: folders to go into, files, and what is skipped."""
        if not self.new(folder.real):
            return
        try:
            with os.scandir(folder.path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as exc:
            yield _failed(folder.path, self.root, exc)
            return
        rules = folder.rules
        if self.config.ignore_files:
            rules = rules.with_files(folder.path, [entry.name for entry in entries if entry.name in IGNORE_FILES])
        for entry in entries:
            hidden = entry.name.startswith(".") and not self.config.hidden
            if hidden or entry.name == ".git":
                continue
            item = self._entry(folder, entry, rules)
            if item is not None:
                yield item

    def _entry(self, folder: _Folder, entry: os.DirEntry[str], rules: Ignored) -> _Folder | FoundFile | Skipped | None:
        path = Path(entry.path)
        try:
            link, inner = entry.is_symlink(), entry.is_dir(follow_symlinks=self.config.follow_links)
        except OSError as exc:
            return _failed(path, self.root, exc)
        if rules.match(path, folder=inner):
            return None
        if link and not self.config.follow_links:
            message = "is a symbolic link; follow_links takes what it points to"
            return Skipped(source=name_below(path, self.root), reason="link", message=message)
        real = os.path.realpath(path) if link else os.path.join(folder.real, entry.name)
        if inner:
            return _Folder(path, real, rules)
        return _found(path, self.root, named=False) if self.new(real) else None


def _found(path: Path, root: Path, *, named: bool) -> FoundFile | Skipped:
    name = name_below(path, root)
    try:
        facts = path.stat()
    except OSError as exc:
        return _failed(path, root, exc)
    if not stat.S_ISREG(facts.st_mode):
        return Skipped(source=name, reason="special", message="is no regular file (a pipe, a socket or a device)")
    known = format_of(path)
    if known is None and not named:
        message = f"has the ending {path.suffix!r}, which no reader knows; name the file itself to have it read as text"
        return Skipped(source=name, reason="format", message=message)
    return FoundFile(
        path=path, root=root, name=name, format="text" if known is None else known, size=facts.st_size, modified_ns=facts.st_mtime_ns
    )


def _failed(path: Path, root: Path, exc: OSError) -> Skipped:
    reason: Reason = "missing" if isinstance(exc, FileNotFoundError) else "denied"
    return Skipped(source=name_below(path, root), reason=reason, message=f"cannot be read: {exc.strerror or exc}")

"""What .gitignore and .ignore leave out, by git's own rules (the library pathspec)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MissingExtraError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["IGNORE_FILES", "Ignored", "no_rules"]

IGNORE_FILES = (".gitignore", ".ignore")
"""Git's, and the one of ripgrep and fd for what is kept in git and yet not to be searched; the second has the last word."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The rules that hold in a folder: its own and those of the folders above, up to the one that was named."""

    rules: tuple[tuple[Path, GitIgnoreSpec], ...]  # (folder, its rules), outermost first

    def with_files(self, folder: Path, names: Sequence[str]) -> Ignored:
        """With the ignore files of a folder, where they can be read. Raises MissingExtraError without pathspec."""
        found = list(self.rules)
        for name in sorted(names, key=IGNORE_FILES.index):
            try:
                lines = (folder / name).read_text(encoding="utf-8-sig", errors="replace").splitlines()
            except OSError:
                continue
            found.append((folder, _spec(lines)))
        return Ignored(tuple(found))

    def match(self, path: Path, *, folder: bool) -> bool:
        """Whether it is left out; the innermost rule that speaks of it decides."""
        for base, spec in reversed(self.rules):
            said = spec.check_file(path.relative_to(base).as_posix() + ("/" if folder else "")).include
            if said is not None:
                return said
        return False


def no_rules() -> Ignored:
    """Nothing is left out."""
    return Ignored(())


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    try:
        from pathspec import GitIgnoreSpec
    except ImportError:
        raise MissingExtraError(package="pathspec", extra="search", what="reading .gitignore") from None
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:  # one line is no pattern ("!" alone): git passes over it
        return GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(GitIgnoreSpec, line)])


def _is_pattern(kind: type[GitIgnoreSpec], line: str) -> bool:
    try:
        kind.from_lines([line])
    except ValueError:
        return False
    return True

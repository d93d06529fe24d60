"""What a file is called: a path that is the same on every system."""

from __future__ import annotations

from pathlib import Path

__all__ = ["name_below", "name_of_row"]


def name_below(path: Path, root: Path) -> str:
    """POSIX path from the root. Bytes of a name that are no text are written as \\udcff, so that it can be stored. Raises ValueError."""
    name = path.relative_to(root).as_posix()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def name_of_row(name: str, row: int) -> str:
    """ "rows.jsonl#3" for the third row."""
    return f"{name}#{row}"

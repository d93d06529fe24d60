"""Files that somebody holds while a step writes them anew."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BEFORE", "hold"]

BEFORE = "before"


def hold(folder: Path, *names: str) -> list[Path]:
    """Files of `folder` that hold BEFORE, each under a second name, which goes on holding it where the first one is replaced as a whole."""
    folder.mkdir(parents=True)
    second = folder.with_name(f"{folder.name}-held")
    second.mkdir()
    for name in names:
        (folder / name).write_text(BEFORE, encoding="utf-8")
        (second / name).hardlink_to(folder / name)
    return [second / name for name in names]

"""A file written and read in one step."""

from __future__ import annotations

from pathlib import Path

from adjudge.retrieval.reading import ReadConfig, Skipped, Source, read_source

__all__ = ["read_all", "read_one", "refused"]


def read_all(folder: Path, name: str, content: bytes | str, config: ReadConfig | None = None) -> list[Source | Skipped]:
    """All that read_source gives for a file of this name and content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_source(path, folder, config))


def read_one(folder: Path, name: str, content: bytes | str, config: ReadConfig | None = None) -> Source:
    """The one source of a file."""
    (found,) = read_all(folder, name, content, config)
    assert isinstance(found, Source), found
    return found


def refused(folder: Path, name: str, content: bytes | str, config: ReadConfig | None = None) -> Skipped:
    """The reason why a file is not read."""
    (found,) = read_all(folder, name, content, config)
    assert isinstance(found, Skipped), found
    assert found.source == name
    return found

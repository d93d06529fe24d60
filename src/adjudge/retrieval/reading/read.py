"""One file in, its texts out: the reader for its format, and every way it can fail as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...errors import ConfigError
from .docx import read_docx
from .file import File
from .formats import ROWS, Format, format_of
from .html import read_html
from .markdown import read_markdown
from .names import name_below
from .pdf import read_pdf
from .plain import read_plain
from .rows import read_rows
from .settings import ReadConfig
from .source import Skipped, Source

__all__ = ["read_source"]

_READERS: Mapping[Format, Callable[[File, bytes], Source | Skipped]] = {
    "text": read_plain,
    "markdown": read_markdown,
    "html": read_html,
    "pdf": read_pdf,
    "docx": read_docx,
}


def read_source(path: Path, root: Path, config: ReadConfig | None = None) -> Iterator[Source | Skipped]:
    """The texts of a file, one after another: a single one, or one for each row of jsonl and csv, never all at once in memory.

    What cannot be read is a Skipped with its reason: the file, or the row; the rows behind it go on. `root` is the folder that names
    begin at. A file whose ending no reader knows is read as plain text. Raises ConfigError where path is not below root,
    MissingExtraError where the reader's package is not installed.
    """
    try:
        name = name_below(Path(path), Path(root))
    except ValueError as exc:
        raise ConfigError(f"{path} is not below {root}; the root is the folder that was named, or one above the file") from exc
    known = format_of(Path(path))
    file = File(path=Path(path), name=name, format="text" if known is None else known)
    return _read(file, ReadConfig() if config is None else config)


def _read(file: File, config: ReadConfig) -> Iterator[Source | Skipped]:
    if file.format in ROWS:
        yield from read_rows(file, config)
        return
    data = file.read(config.max_bytes)
    if isinstance(data, Skipped):
        yield data
        return
    source = _READERS[file.format](file, data)
    if isinstance(source, Source) and not source.blocks:
        yield file.skipped("empty", "holds no text")
        return
    yield source

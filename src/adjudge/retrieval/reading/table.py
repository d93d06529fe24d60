"""CSV and TSV: a line of column names, then rows; numbers where a whole column holds nothing else."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ..base import Scalar
from .file import BROKEN, File
from .records import LOST, LOST_NOTE, BadRecord, Record, find_encoding, read_lines
from .settings import ReadConfig
from .source import Skipped

__all__ = ["table_records"]

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_TEXT, _NUMBER, _INTEGER = 0, 1, 2
_READ: Mapping[int, Callable[[str], Scalar]] = {_TEXT: str, _NUMBER: float, _INTEGER: int}
_SEPARATORS = ",;\t|"

Cells: TypeAlias = list[str] | csv.Error
"""A row, or what is wrong with it."""


def table_records(file: File, config: ReadConfig) -> Iterator[Record | BadRecord | Skipped]:
    """One for each row with something in it; a Skipped where the file itself cannot be read (on).

    The file is read twice: a column is of numbers only if all its cells are, and "007" is none. Cells without a column, and quotes that
    are not closed, make a bad row. Two columns of one name are told apart by a number: "size", "size_2".
    """
    found = find_encoding(file)
    if isinstance(found, Skipped):
        yield found
        return
    csv.field_size_limit(max(csv.field_size_limit(), config.max_bytes))  # the usual 128 KiB refuse long texts
    table = _Table(file, found.encoding, config.max_bytes)
    try:
        kinds = table.kinds()
        for number, (line, cells) in enumerate(table.rows(), 1):
            yield table.record(kinds, (number, line), cells, found.notes if number == 1 else ())
    except BROKEN as exc:
        yield file.failed(exc)
    if table.too_long:
        yield file.skipped("too_large", f"has a line of more than {config.max_bytes:,} characters; what stands behind it was not read")


class _Table:
    """A file as rows, read anew each time."""

    def __init__(self, file: File, encoding: str, limit: int) -> None:
        self._file, self._encoding, self._limit = file, encoding, limit
        self.names: tuple[str, ...] = ()
        self.too_long = False  # the reading stopped at a line that is
        self._separator = "\t" if file.name.lower().removesuffix(".gz").endswith(".tsv") else self._guess()

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """(line, cells) of each row that is not empty, the first, of column names, not among them."""
        reader = csv.reader(self._lines(), delimiter=self._separator, strict=True)
        named = False
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as exc:
                yield reader.line_num, exc
                if not named:
                    return
                continue
            if not named:
                self.names, named = _distinct(cells), True
            elif any(cell.strip() for cell in cells):
                yield reader.line_num, cells

    def kinds(self) -> Sequence[int]:
        """What each column holds: whole numbers, numbers, or text."""
        kinds: list[int] = []
        for _, cells in self.rows():
            kinds = kinds or [_INTEGER] * len(self.names)
            if not isinstance(cells, csv.Error):
                for column, cell in enumerate(cells[: len(kinds)]):
                    kinds[column] = min(kinds[column], _kind(cell))
        return kinds

    def record(self, kinds: Sequence[int], place: tuple[int, int], cells: Cells, notes: tuple[str, ...]) -> Record | BadRecord:
        """A row as fields; `place` is its number and its line."""
        if isinstance(cells, csv.Error):
            return BadRecord(*place, "bad_row", f"is no sound CSV: {cells}")
        if any(cell.strip() for cell in cells[len(self.names) :]):
            message = f"has {len(cells)} cells under {len(self.names)} column names; quote cells that hold the separator"
            return BadRecord(*place, "bad_row", message)
        fields = {name: cell for name, cell in zip(self.names, cells, strict=False) if cell.strip()}
        values = {name: _READ[kind](fields[name].strip()) for name, kind in zip(self.names, kinds, strict=True) if name in fields}
        lost = (LOST_NOTE,) if any(LOST in cell for cell in cells) else ()
        return Record(*place, fields, values, (*notes, *lost))

    def _guess(self) -> str:
        """What most often stands between the names of columns."""
        first = re.sub(r'"[^"]*"', "", next(self._lines(), ""))
        return max(_SEPARATORS, key=lambda separator: (first.count(separator), separator == ","))

    def _lines(self) -> Iterator[str]:
        for line in read_lines(self._file, self._encoding, self._limit, newline=""):
            if line.too_long:
                self.too_long = True
                return
            yield line.text


def _distinct(cells: Sequence[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    numbers: dict[str, int] = {}  # the last that was tried: counted from 2 for each column, a line of zeros would take cubic time
    for column, cell in enumerate(cells, 1):
        name = plain = cell.strip() or f"column_{column}"
        while name in names:
            numbers[plain] = numbers.get(plain, 1) + 1
            name = f"{plain}_{numbers[plain]}"
        names[name] = None
    return tuple(names)


def _kind(cell: str) -> int:
    text = cell.strip()
    if not text or _WHOLE.fullmatch(text):
        return _INTEGER
    return _NUMBER if _DECIMAL.fullmatch(text) else _TEXT

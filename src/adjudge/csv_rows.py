"""Rows of CSV and TSV, strictly: an open quote is an error with its place, not a cell that holds the rest of the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from .errors import InputError

__all__ = ["csv_rows"]


def csv_rows(text: str, delimiter: str, place: Callable[[int], str]) -> Iterator[tuple[int, list[str]]]:
    """(line it ends on, cells) of each row that is not empty. `place`: how a message names a line.

    How long a cell may be is csv.field_size_limit(), 128 KiB unless the caller sets more. Raises InputError for quotes that are wrong.
    """
    # newline="" leaves line breaks inside quotes as they are, as the csv module asks for.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            raise InputError(
                f"{place(begins)}: the quotes of the row that begins here are wrong ({exc}, line {reader.line_num}); "
                "close each, and double those inside a quoted cell"
            ) from exc
        if cells:
            yield reader.line_num, cells

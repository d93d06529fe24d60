"""Rows of CSV: their lines, what a quoted cell may hold, and where the quotes are wrong."""

from __future__ import annotations

import pytest

from adjudge.csv_rows import csv_rows
from adjudge.errors import InputError


def rows(text: str, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    return list(csv_rows(text, delimiter, lambda line: f"a.csv, line {line}"))


def test_rows_are_numbered_by_the_line_they_end_on() -> None:
    assert rows('id,text\n\n1,"two\r\nlines"\n2,\n') == [(1, ["id", "text"]), (4, ["1", "two\r\nlines"]), (5, ["2", ""])]
    assert rows('a\t"b ""c"", d"', "\t") == [(1, ["a", 'b "c", d'])]
    assert rows("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a\n"b\nc\n', r"^a\.csv, line 2: the quotes of the row that begins here are wrong \(unexpected end of data, line 3\); close each"),
        ('a\n\n\n"b" c\n', r"^a\.csv, line 4: the quotes .* line 4\); close each, and double those inside a quoted cell$"),
    ],
)
def test_wrong_quotes_are_told_with_the_line_where_the_row_begins(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows(text)

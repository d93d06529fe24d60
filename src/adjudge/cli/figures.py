"""Tables of figures that fit every terminal: what is too wide is split, because a figure that lost a digit still looks like one."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TypeAlias

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table

__all__ = ["Figures"]

_AMPLE = 10_000  # cells

Columns: TypeAlias = tuple[int, ...]
"""Places in the table, without that of the names."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A table whose first column holds names, which may take several lines, and whose other columns are never cut.

    Where it is too wide it becomes several, one below the other, and each repeats the names, in `least` cells or more.
    """

    table: Table
    least: int = 12

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.update(width=_AMPLE)
        names = Measurement.get(console, wide, _part(self.table, ())).maximum
        others = {c: Measurement.get(console, wide, _part(self.table, (c,))).maximum - names for c in range(1, len(self.table.columns))}
        parts = _spread(others, options.max_width - min(names, self.least))
        for at, columns in enumerate(parts):
            part = _part(self.table, columns)
            room = options.max_width - sum(others[c] for c in columns)
            part.columns[0].min_width = min(part.columns[0].min_width or 0, max(room, 1))
            if at < len(parts) - 1:
                part.caption = None
            if at:
                yield ""
            yield part

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.table)


def _spread(widths: dict[int, int], room: int) -> list[Columns]:
    """The columns of each table: as many tables as it takes, and where that is possible equally many columns in each."""
    filled: list[Columns] = [()]
    for column, width in widths.items():
        if filled[-1] and sum(widths[c] for c in filled[-1]) + width > room:
            filled.append(())
        filled[-1] = (*filled[-1], column)
    each, more = divmod(len(widths), len(filled))
    ends = [n * each + min(n, more) for n in range(len(filled) + 1)]
    evenly = [tuple(widths)[begin:end] for begin, end in zip(ends, ends[1:], strict=False)]
    return evenly if all(sum(widths[c] for c in part) <= room for part in evenly) else filled


def _part(table: Table, columns: Columns) -> Table:
    """The names, which may be folded, and some of the other columns. In one of a fixed width only what is longer is folded."""
    part = copy(table)
    names = replace(table.columns[0], no_wrap=False, overflow="fold")
    others = [replace(table.columns[c], _index=at, no_wrap=table.columns[c].width is None) for at, c in enumerate(columns, start=1)]
    part.columns = [names, *others]
    return part

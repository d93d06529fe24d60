"""The beginning of a text in a cell of a table: a few lines at most, cut with an ellipsis."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from .console import visible
from .highlight import Words, split_at_words
from .wrap import wrap

__all__ = ["Excerpt", "fold"]

_WORD = Style(underline=True)
_AMPLE = 4  # characters read for each cell that is shown, so that marks without a width leave no line half empty


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of `text` in at most `lines` lines, with `words` underlined."""

    text: str
    lines: int = 2
    style: str = ""
    words: Words = frozenset()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style(self.style) if self.style else Style.null()
        for line in fold(self.text, options.max_width, self.lines, "..." if options.ascii_only else "…"):
            for piece, is_word in split_at_words(line, self.words):
                yield Segment(piece, style + _WORD if is_word else style)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        width = cell_len(visible(self.text[: options.max_width * _AMPLE]))
        return Measurement(min(width, 8, options.max_width), min(width, options.max_width))


def fold(text: str, width: int, lines: int, ellipsis: str = "…") -> list[str]:
    """`text` in at most `lines` lines of `width` cells, a wide character being two; the last ends in `ellipsis` where more follows."""
    folded = wrap(visible(text[: width * (lines + 1) * _AMPLE]), width)
    if len(folded) <= lines:
        return folded
    room = max(width - cell_len(ellipsis), 0)
    last = folded[lines - 1]
    if cell_len(last) > room:
        last = set_cell_size(last, room).rstrip()
    return [*folded[: lines - 1], last + ellipsis]

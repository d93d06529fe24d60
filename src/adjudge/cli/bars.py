"""A score as a small bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

__all__ = ["Bar", "share"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Bar:
    """`filled` of `width` cells, 0..1, to an eighth of a cell where the terminal can show that."""

    filled: float
    width: int = 8

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style("green" if self.filled >= 0.5 else "yellow" if self.filled >= 0.2 else "red")
        yield Segment(self.text(plain=options.ascii_only), style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)

    def text(self, *, plain: bool) -> str:
        """Exactly `width` characters."""
        if plain:
            return ("#" * round(self.filled * self.width)).ljust(self.width)
        full, eighths = divmod(round(self.filled * self.width * 8), 8)
        return ("█" * full + (_EIGHTHS[eighths] if eighths else "")).ljust(self.width)


def share(score: float, *, logit: bool) -> float:
    """How full the bar of a score is; a logit goes through the logistic function first."""
    if not logit:
        return min(max(score, 0.0), 1.0)
    return 1 / (1 + math.exp(-max(min(score, 60.0), -60.0)))

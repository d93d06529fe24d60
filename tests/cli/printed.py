"""What a person can read off a terminal: the figures that stand there whole."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable

from rich.console import Console

__all__ = ["figures", "printed"]

_FIGURE = re.compile(r"[+-]?[\d,]*\.?\d+%?")


def printed(show: Callable[[Console], None], width: int) -> str:
    """What `show` prints on a terminal of that width."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO of two lines above


def figures(text: str) -> Counter[str]:
    """How often each number stands there, with white space on both sides."""
    return Counter(word for word in text.split() if _FIGURE.fullmatch(word))

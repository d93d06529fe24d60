"""Help texts: written over several lines in the source, flowing to the terminal's width on the screen."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

__all__ = ["EXAMPLES_TITLE", "examples", "flow"]

EXAMPLES_TITLE = "Examples:"


def flow(text: str) -> str:
    """Each paragraph on one line, so that only the terminal breaks it."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def examples(commands: Sequence[str]) -> str:
    """The end of a command's help: one example a line."""
    return "\n\n".join([EXAMPLES_TITLE, *commands])

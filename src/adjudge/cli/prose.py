"""Help texts: written over several lines in the source, flowing to the terminal's width on the screen."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from rich.markup import escape

__all__ = ["EXAMPLES_TITLE", "as_written", "examples", "flow", "joined"]

EXAMPLES_TITLE = "Examples:"


def flow(text: str) -> str:
    """Each paragraph on one line, so that only the terminal breaks it; brackets are text, not rich's markup."""
    return escape(joined(text))


def joined(text: str) -> str:
    """The same for a page that knows no markup."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def as_written(text: str) -> str:
    """What flow() or examples() was given, out of what they made of it."""
    return text.replace("\\[", "[")


def examples(commands: Sequence[str]) -> str:
    """The end of a command's help: one example a line."""
    return "\n\n".join([EXAMPLES_TITLE, *map(escape, commands)])

"""Where the commands write: out() is stdout, err() is stderr. Asked for anew each time, so that a redirected stream is seen."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ReaderGoneError", "err", "interactive", "out", "say", "visible", "write"]

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What must not reach a terminal: control characters (a document may carry escape codes), changes of direction, lone surrogates."""


class ReaderGoneError(Exception):
    """Whoever read our output has closed it, as `head` does. No mistake: the command stops."""


def out() -> Console:
    """Standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error: errors, notes and progress."""
    return _console(stderr=True)


def interactive() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def write(line: str) -> None:
    """One line to standard output as it is, for pipes."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(line + "\n")
    except BrokenPipeError:
        raise ReaderGoneError from None


def say(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    err().print(f"adjudge: {visible(message)}", markup=False, highlight=False, emoji=False, soft_wrap=True)


def visible(text: str) -> str:
    """The text on one line and harmless to a terminal: white space joined, what cannot be shown replaced."""
    return _UNSEEN.sub("\ufffd", " ".join(text.split()))


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    class Pipe(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise ReaderGoneError

    return Pipe(stderr=stderr, highlight=False)

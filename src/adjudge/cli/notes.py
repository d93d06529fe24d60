"""Log records of adjudge as one line each on standard error: what --quiet hushes and --debug makes complete."""

from __future__ import annotations

import logging

from .console import say

__all__ = ["hush", "show_notes", "tell_more"]

_NAME = "adjudge-cli"


class _Notes(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def show_notes(*, debug: bool) -> None:
    """Begin. Safe to call again: one handler stands, with the level of this call."""
    logger = logging.getLogger("adjudge")
    if not any(handler.name == _NAME for handler in logger.handlers):
        handler = _Notes()
        handler.name = _NAME
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)


def hush(quiet: bool) -> None:
    """With `quiet`, only errors from here on."""
    if quiet:
        logging.getLogger("adjudge").setLevel(logging.ERROR)


def tell_more(quiet: bool) -> None:
    """For commands that run for hours: also what the library says in passing (INFO), unless `quiet`."""
    logger = logging.getLogger("adjudge")
    if not quiet and logger.level > logging.INFO:
        logger.setLevel(logging.INFO)

"""What a server writes to standard error: a line for each event, with the time; of requests only what was asked for."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..types import Document
from .asks import Ask
from .visit import Visit

__all__ = ["log_access", "log_texts", "server_log"]

requests = logging.getLogger("adjudge.server.requests")

LONGEST = 300
"""Characters of a text that a log shows."""

MOST = 20
"""Documents of a request that a log shows."""

_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What must not reach a terminal or split a line, new lines of tracebacks apart."""


def log_access(visit: Visit, scope: Mapping[str, Any], status: int) -> None:
    """One line: what was called, how it ended, how long it took. No text."""
    path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    about = "" if visit.dialect is None else f" {visit.dialect.name} {visit.model or '-'} {visit.documents} documents {visit.tokens} tokens"
    requests.info("%s %s %d %.1f ms %s%s", scope["method"], _short(path), status, visit.total_ms, visit.request_id, about)


def log_texts(visit: Visit, ask: Any) -> None:
    """What was asked, as JSON on one line; long texts and long lists shortened. Raises nothing, whatever was asked."""
    try:
        shown = _asked(ask)
    except Exception as exc:  # noqa: BLE001 - a line in a log is worth no request
        shown = f"what cannot be written down ({type(exc).__name__}: {exc})"
    requests.info("%s asks %s", visit.request_id, shown)


@contextmanager
def server_log(level: int) -> Iterator[None]:
    """Inside, what adjudge, uvicorn and OpenTelemetry say goes to stderr from `level` on, and nowhere else; then all is as before."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(message)s"))
    handler.addFilter(_was_not_cancelled)
    levels = {"adjudge": level, **dict.fromkeys(("uvicorn", "asyncio", "opentelemetry"), max(level, logging.WARNING))}
    loggers = {logging.getLogger(name): wanted for name, wanted in levels.items()}
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    for logger, wanted in loggers.items():
        logger.handlers[:] = [handler]
        logger.setLevel(wanted)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, handlers, old, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(old)
            logger.propagate = propagate


def _was_not_cancelled(record: logging.LogRecord) -> bool:
    """Requests, and the application's own end, that a second Ctrl-C cuts off are no faults, and need no tracebacks."""
    if record.exc_info is not None:
        return not isinstance(record.exc_info[1], asyncio.CancelledError)
    return not record.getMessage().rstrip().endswith("CancelledError")  # uvicorn gets that of the application as text


class _OneLine(logging.Formatter):
    """A message on one line, whatever a client has put into it; only tracebacks have more."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\r", " ").replace("\n", " ")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return _UNSEEN.sub("\ufffd", super().format(record))


def _asked(ask: Any) -> str:
    if isinstance(ask, Ask):
        found: dict[str, Any] = {"query": _short(ask.query), "documents": [_short(_text(d)) for d in ask.documents[:MOST]]}
    else:
        found = {"pairs": [[_short(query), _short(text)] for query, text in ask.pairs[:MOST]]}
    return json.dumps(found)  # ASCII alone, so that nothing in it moves a terminal


def _text(document: object) -> object:
    """Of whatever a client has put into the list: what is no document is refused later, and alone."""
    if isinstance(document, Document):
        return document.text
    return document.get("text") if isinstance(document, Mapping) else document


def _short(text: object) -> str:
    shown = text if isinstance(text, str) else repr(text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."

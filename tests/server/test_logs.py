"""What of a request stands in the log: shortened, on one line, whatever the client has sent; and never a request's undoing."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from adjudge import Document
from adjudge.server.asks import Ask, PairsAsk
from adjudge.server.logs import LONGEST, MOST, log_texts, server_log
from adjudge.server.visit import Visit


def written(caplog: pytest.LogCaptureFixture, ask: Ask | PairsAsk) -> Any:
    """What the log has of it."""
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="adjudge.server.requests"):
        log_texts(Visit(request_id="r1"), ask)
    (line,) = caplog.messages
    assert line.startswith("r1 asks ")
    return json.loads(line.removeprefix("r1 asks "))


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ("red", "red"),
        (Document("red"), "red"),
        ({"text": "red"}, "red"),
        ({"text": 5}, "5"),
        (1, "1"),
        (None, "None"),
        ([], "[]"),
        ("a" * (LONGEST + 1), "a" * (LONGEST - 3) + "..."),
    ],
)
def test_whatever_stands_for_a_document_is_written_down(caplog: pytest.LogCaptureFixture, document: Any, shown: str) -> None:
    assert written(caplog, Ask(query="q", documents=(document,))) == {"query": "q", "documents": [shown]}


def test_of_long_lists_the_log_has_the_beginning(caplog: pytest.LogCaptureFixture) -> None:
    assert len(written(caplog, Ask(query="q", documents=("a",) * (MOST + 1)))["documents"]) == MOST
    assert len(written(caplog, PairsAsk(pairs=(("q", "a"),) * (MOST + 1)))["pairs"]) == MOST


class Unshowable:
    def __repr__(self) -> str:
        raise RecursionError("too deep")


def test_what_cannot_be_written_down_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="adjudge.server.requests"):
        log_texts(Visit(request_id="r1"), Ask(query="q", documents=(Unshowable(),)))  # type: ignore[arg-type]
    assert caplog.messages == ["r1 asks what cannot be written down (RecursionError: too deep)"]


def test_what_tracing_has_to_say_is_a_line_like_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with server_log(logging.INFO):
        logging.getLogger("opentelemetry.sdk.trace.export").warning("the collector\nis gone")
        logging.getLogger("opentelemetry.sdk.trace.export").info("details")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARNING the collector is gone")

"""Server-sent events, and the pieces of a chat completion in them.

The format is that of the WHATWG's HTML standard, section 9.2; the pieces are OpenAI's chat.completion.chunk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import BrokenStreamError, EndpointRefusedError

__all__ = ["END", "Piece", "error_message", "event_data", "read_piece"]

END = "[DONE]"
"""The data of the last event."""

_LONGEST = 4 * 2**20  # bytes of one line: nobody writes that much in a piece of an answer
_LINE_END = re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)  # a CR that ends what has come so far may be the first half of a CR LF


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one event adds to the answer."""

    text: str = ""
    refusal: str = ""  # the model's own words for not answering
    finish: str | None = None  # "stop", "length", "content_filter": the answer is over
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)


def event_data(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of each event, however its bytes were cut on the way. Comments and other fields are passed over.

    Raises BrokenStreamError for bytes that are no UTF-8, or a line without end. An event that was not finished with an empty line is
    lost, as the standard has it.
    """
    data: list[str] = []
    first = True
    for line in _lines(chunks):
        text = _decoded(line)
        if first:
            text, first = text.removeprefix("\ufeff"), False
        if not text:
            if data:
                yield "\n".join(data)
            data = []
            continue
        name, _, value = text.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))


def read_piece(data: str) -> Piece:
    """One chunk, or a whole completion where a server does not stream.

    Raises EndpointRefusedError for an error that the server reports in the middle, BrokenStreamError for anything but such JSON.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise BrokenStreamError(f"the language model's server sent no JSON but {_short(data)}") from exc
    if not isinstance(value, dict):
        raise BrokenStreamError(f"the language model's server sent no object but {_short(data)}")
    reported = error_message(value)
    if reported is not None:
        raise EndpointRefusedError(f"the language model's server gave up: {reported}")
    choices = value.get("choices")
    if not isinstance(choices, list):
        raise BrokenStreamError(f"the language model's server sent no chat completion but {_short(data)}")
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    message = next((part for part in (choice.get("delta"), choice.get("message")) if isinstance(part, dict)), {})
    finish, model = choice.get("finish_reason"), value.get("model")
    return Piece(
        text=_content(message.get("content")),
        refusal=_content(message.get("refusal")),
        finish=finish if isinstance(finish, str) else None,
        model=model if isinstance(model, str) else "",
        usage=_usage(value.get("usage")),
    )


def error_message(value: Mapping[str, Any]) -> str | None:
    """What a server says went wrong, in any of the usual shapes; None where it says nothing."""
    error = value.get("error")
    if isinstance(error, Mapping):
        return str(error.get("message", error))
    if error:
        return str(error)
    if "choices" in value:
        return None
    found = next((value[key] for key in ("message", "detail") if value.get(key)), None)
    return None if found is None else str(found)


def _content(value: object) -> str:
    """Text, or the texts of a list of parts."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    return "".join(part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))


def _usage(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): count for name, count in value.items() if isinstance(count, int) and not isinstance(count, bool)}


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends: LF, CR LF or CR, and no other. (str.splitlines would cut JSON at U+2028.)"""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        at = 0
        for match in _LINE_END.finditer(buffer):
            yield buffer[at : match.start()]
            at = match.end()
        buffer = buffer[at:]
        if len(buffer) > _LONGEST:
            raise BrokenStreamError(f"the language model's server sent {len(buffer):,} bytes without a line break")
    if buffer:
        yield buffer.removesuffix(b"\r")


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BrokenStreamError(f"the language model's server sent what is no UTF-8: {exc}") from exc


def _short(data: str) -> str:
    return repr(data if len(data) <= 80 else data[:77] + "...")

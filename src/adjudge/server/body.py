"""The body of a request: read under limits, and made JSON as strictly as a judge should read it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from .asgi import Headers, Receive, header
from .protocols.dialect import BadRequestError, Fault
from .settings import Limits

__all__ = ["BodyError", "ClientGoneError", "discard_body", "read_body", "read_json"]

DEPTH = 32
"""Arrays and objects within one another; a request has three or four, and its metadata a few more."""

DIGITS = 300
"""Of a whole number; one that a float cannot hold is a mistake."""

LINGER_BYTES, LINGER_S, LINGER_IDLE_S = 64 * 2**20, 5.0, 0.5
"""How much of a refused body is still taken in, and for how long, so that the client gets to read why."""


class BodyError(Exception):
    """The body was not read to its end; what is left of it is in the way of the next request."""

    def __init__(self, fault: Fault, *, status: int) -> None:
        """`status`: the dialects have none for a slow client."""
        super().__init__(fault.message)
        self.fault = fault
        self.status = status


class ClientGoneError(Exception):
    """Nobody is there any more."""


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """All of it. Raises BodyError as soon as it is too large, whatever its headers say, or too slow, and ClientGoneError."""
    _check_headers(headers, limits)
    chunks: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(limits.timeout_s):
            while more:
                async with asyncio.timeout(limits.body_idle_s):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > limits.body_bytes:
                    _too_large(f"more than {limits.body_bytes:,} bytes", limits)
                more = message.get("more_body", False)
    except TimeoutError:
        said = f"the body did not come: {size:,} bytes, then nothing for {limits.body_idle_s:g} s, or not all within {limits.timeout_s:g} s"
        raise BodyError(Fault(kind="bad_request", message=f"{said}; send it in one go"), status=408) from None
    return b"".join(chunks)


async def discard_body(receive: Receive) -> None:
    """Take in what a client still sends, up to a limit: a connection that is closed on it would take the answer away again."""
    size = 0
    try:
        async with asyncio.timeout(LINGER_S):
            while size < LINGER_BYTES:
                async with asyncio.timeout(LINGER_IDLE_S):
                    message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                size += len(message.get("body", b""))
    except TimeoutError:
        return


def read_json(raw: bytes) -> Mapping[str, Any]:
    """The body as an object. Raises BadRequestError where it is none, or means different things to different readers.

    Refused: what is not UTF-8 or not JSON, NaN and Infinity and numbers beyond a float, a key twice in one object, depth over 32.
    Half a surrogate pair as an escape is let through: it is one document's fault, and the judge reads past it.
    """
    if not raw.strip():
        _refuse("the body is empty; send a JSON object")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        _refuse(f"the body is not UTF-8: {exc.reason} at byte {exc.start}")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        _refuse(f"the body is not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})")
    except RecursionError:
        _too_deep()
    if _is_deep(text):
        _too_deep()
    if not isinstance(value, dict):
        _refuse(f"the body must be a JSON object, not {_KINDS[type(value)]}")
    return value


_KINDS = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "true or false", type(None): "null"}


def _check_headers(headers: Headers, limits: Limits) -> None:
    length = header(headers, b"content-length")
    if length is not None and length.isdigit() and int(length) > limits.body_bytes:
        _too_large(f"{int(length):,} bytes", limits)
    encoding = header(headers, b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        message = "a body with a Content-Encoding is not understood here; send the JSON as it is"
        raise BodyError(Fault(kind="bad_request", message=message), status=415)


def _too_large(what: str, limits: Limits) -> NoReturn:
    message = f"the body has {what}; this server takes {limits.body_bytes:,} (--max-body-mb). Send fewer documents at once"
    raise BodyError(Fault(kind="too_large", message=message), status=413)


def _refuse(message: str) -> NoReturn:
    raise BadRequestError(Fault(kind="bad_request", message=message))


def _too_deep() -> NoReturn:
    _refuse(f"the body's arrays and objects lie more than {DEPTH} deep in one another")


_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")


def _is_deep(text: str) -> bool:
    """Whether valid JSON is deeper than allowed: take its innermost brackets away, again and again, and see whether any are left."""
    if text.count("[") + text.count("{") <= DEPTH:
        return False
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    for _ in range(DEPTH):
        # By way of a mark, because [] taken away at once would make the {} around it innermost in the same round.
        brackets = brackets.replace("[]", ".").replace("{}", ".").replace(".", "")
    return bool(brackets)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _refuse(f"the key {twice[:50]!r} stands twice in one object; which of them counts?")
    return found


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(f"the number {text[:20]} is beyond what a float can hold")
    return value


def _int(text: str) -> int:
    if len(text) > DIGITS:
        _refuse(f"a number of {len(text)} digits is beyond what a float can hold")
    return int(text)


def _constant(text: str) -> NoReturn:
    _refuse(f"{text} is not JSON; leave the field out, or send null")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)

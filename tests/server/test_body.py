"""The body of a request: limits while it is read, and strictness when it is understood."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.server.asgi import Message, Receive
from adjudge.server.body import DEPTH, DIGITS, BodyError, ClientGoneError, discard_body, read_body, read_json
from adjudge.server.protocols.dialect import BadRequestError
from adjudge.server.settings import Limits

LIMITS = Limits(body_bytes=100, timeout_s=30.0, body_idle_s=10.0)


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def sending(messages: Sequence[Message | float], *, taken_from: list[Message | float] | None = None) -> Receive:
    """What an ASGI server hands in: messages one by one, numbers are pauses in seconds; then nothing more for ever.

    `taken_from`: the list that they are taken out of, for those who look at it afterwards.
    """
    left = list(messages) if taken_from is None else taken_from

    async def receive() -> Message:
        while left and isinstance(left[0], float):
            await asyncio.sleep(left.pop(0))
        if not left:
            await asyncio.Event().wait()
        found = left.pop(0)
        assert not isinstance(found, float)
        return found

    return receive


def read(messages: Sequence[Message | float], headers: Any = (), limits: Limits = LIMITS) -> bytes:
    return asyncio.run(read_body(sending(messages), headers, limits))


def test_all_of_it_is_read() -> None:
    assert read([chunk(b"ab", more=True), chunk(b"", more=True), chunk(b"c")]) == b"abc"
    assert read([chunk(b"x" * 100)]) == b"x" * 100
    assert read([{"type": "http.request"}]) == b""


@pytest.mark.parametrize(
    ("messages", "headers"),
    [
        ([], [(b"content-length", b"101")]),  # nothing is read at all
        ([chunk(b"x" * 101)], []),
        ([chunk(b"x" * 60, more=True), chunk(b"x" * 60, more=True)], []),  # before its end has come
        ([chunk(b"x" * 101)], [(b"content-length", b"5")]),
        ([chunk(b"x" * 101)], [(b"content-length", b"-5")]),
    ],
)
def test_too_much_is_refused_as_soon_as_it_is_seen(messages: list[Message], headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(BodyError, match="100") as refused:
        read(messages, headers)
    assert (refused.value.status, refused.value.fault.kind) == (413, "too_large")


def test_a_client_that_leaves() -> None:
    with pytest.raises(ClientGoneError):
        read([chunk(b"{", more=True), {"type": "http.disconnect"}])


@pytest.mark.parametrize(
    ("messages", "limits"),
    [
        ([chunk(b"{", more=True)], Limits(body_idle_s=0.05)),  # half a body, and then nothing
        ([], Limits(body_idle_s=0.05)),
        ([chunk(b"x", more=True), 0.03] * 100, Limits(body_idle_s=60.0, timeout_s=0.1)),  # drop by drop
    ],
)
def test_a_slow_client(messages: list[Message | float], limits: Limits) -> None:
    with pytest.raises(BodyError, match="did not come") as refused:
        read(messages, limits=limits)
    assert refused.value.status == 408


def test_a_packed_body_is_not_unpacked() -> None:
    with pytest.raises(BodyError, match="Content-Encoding") as refused:
        read([chunk(b"x")], [(b"content-encoding", b"gzip")])
    assert refused.value.status == 415
    assert read([chunk(b"x")], [(b"content-encoding", b"identity")]) == b"x"


def left_after_discarding(messages: list[Message | float]) -> int:
    """How many messages are not taken in. It ends; that is half of what is asked of it."""
    given = list(messages)
    asyncio.run(discard_body(sending(given, taken_from=given)))
    return sum(isinstance(message, dict) for message in given)


def test_the_rest_of_a_refused_body_is_taken_in() -> None:
    assert left_after_discarding([chunk(b"x", more=True), chunk(b"y")]) == 0
    assert left_after_discarding([chunk(b"x", more=True), {"type": "http.disconnect"}]) == 0


def test_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adjudge.server.body.LINGER_IDLE_S", 0.05)
    assert left_after_discarding([chunk(b"x", more=True)]) == 0, "and then it gives up waiting"
    monkeypatch.setattr("adjudge.server.body.LINGER_IDLE_S", 60.0)
    monkeypatch.setattr("adjudge.server.body.LINGER_S", 0.1)
    assert left_after_discarding([chunk(b"x", more=True), 0.02] * 1000) > 900
    monkeypatch.setattr("adjudge.server.body.LINGER_S", 60.0)
    monkeypatch.setattr("adjudge.server.body.LINGER_BYTES", 10)
    assert left_after_discarding([chunk(b"x" * 8, more=True)] * 5) == 3


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"{", "not JSON"),
        (b'{"a": 1} {', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": "\x01"}', "not JSON"),
        (b"\xff{}", "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),  # half a surrogate pair, as CESU would have it
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": [-Infinity]}', "Infinity"),
        (b'{"a": 1e999}', "beyond"),
        (b'{"a": -1e999}', "beyond"),
        (b'{"a": 1' + b"0" * DIGITS + b"}", "beyond"),
        (b'{"a": 1, "a": 1}', "'a' stands twice"),
        (b'{"d": [{"text": "x", "text": "y"}]}', "'text' stands twice"),
        (b"[]", "an array"),
        (b'"text"', "a string"),
        (b"3", "a number"),
        (b"3.5", "a number"),
        (b"true", "true or false"),
        (b"null", "null"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"a":' + b"[" * 100_000, "deep|not JSON"),
        (b'{"a":' * 100_000, "deep|not JSON"),
    ],
)
def test_what_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(BadRequestError, match=said) as refused:
        read_json(raw)
    assert refused.value.fault.kind == "bad_request"


def test_what_is_not() -> None:
    assert read_json(b"\xef\xbb\xbf{}") == {}
    assert read_json(b'{"a": "\\ud800"}') == {"a": "\ud800"}  # one document's fault, and no reason to refuse the others
    assert read_json(b'{"a": 12345678901234567890123, "b": 1e300}') == {"a": 12345678901234567890123, "b": 1e300}
    brackets = '[{"' * 50 + "\\" + '"' + "}]" * 7
    assert read_json(json.dumps({"a": brackets, "b": [brackets, {}]}).encode()) == {"a": brackets, "b": [brackets, {}]}


@given(st.lists(st.booleans(), max_size=DEPTH + 30), st.text(max_size=5), st.lists(st.just([{}]), max_size=40))
def test_depth_is_counted_to_the_level(kinds: list[bool], leaf: str, wide: list[Any]) -> None:
    value: Any = leaf
    for is_array in kinds:
        value = [wide, value] if is_array else {leaf: value}
    raw = json.dumps({"a": value}).encode()
    if _depth(json.loads(raw)) <= DEPTH:
        assert read_json(raw) == {"a": value}
    else:
        with pytest.raises(BadRequestError, match="deep"):
            read_json(raw)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
def test_everything_else_reads_as_json_does(value: dict[str, Any], escaped: bool) -> None:
    raw = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass" if escaped else "strict")
    assert read_json(raw) == value


@given(st.binary(max_size=200))
def test_bytes_are_an_object_or_a_fault_and_nothing_else(raw: bytes) -> None:
    with suppress(BadRequestError):
        assert isinstance(read_json(raw), dict)

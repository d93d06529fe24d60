"""Event streams, however their bytes are cut, and what stands in their events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.answer.stream import error_message, event_data, read_piece
from adjudge.errors import BrokenStreamError, EndpointRefusedError

TEXTS = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1), max_size=6)


@given(TEXTS, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 9))
def test_any_cut_and_any_line_end_give_the_same_data(texts: list[str], end: bytes, step: int) -> None:
    whole = b"".join(b"data: " + text.encode() + end + end for text in texts)
    cut = [whole[at : at + step] for at in range(0, len(whole), step)]
    assert list(event_data(cut)) == texts
    assert list(event_data([whole])) == texts


def test_the_rest_of_the_standard() -> None:
    stream = "\ufeff: a comment\n\nevent: message\nid: 1\ndata:first\ndata:  second\nretry: 5\n\ndata\n\ndata: never finished".encode()
    assert list(event_data([stream])) == ["first\n second", ""]


def test_a_line_separator_inside_json_ends_no_line() -> None:
    data = json.dumps({"text": "one\u2028two\x85three\x0cfour"}, ensure_ascii=False)
    assert list(event_data([f"data: {data}\n\n".encode()])) == [data]


def test_what_is_no_utf_8() -> None:
    with pytest.raises(BrokenStreamError, match="no UTF-8"):
        list(event_data([b"data: \xff\xfe\n\n"]))


def test_a_line_without_end() -> None:
    with pytest.raises(BrokenStreamError, match="without a line break"):
        list(event_data(b"x" * 1_000_000 for _ in range(9)))


@pytest.mark.parametrize("data", ["", "no json", "[1]", "3", '{"id": 1}', '{"choices": {}}', "[" * 100_000])
def test_what_is_no_piece(data: str) -> None:
    with pytest.raises(BrokenStreamError, match="the language model's server sent no"):
        read_piece(data)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"delta": {"content": "hello"}}, "hello"),
        ({"delta": {"content": None}}, ""),
        ({"delta": {}}, ""),
        ({"delta": None, "message": {"content": "whole"}}, "whole"),
        ({"delta": {"content": [{"type": "text", "text": "a"}, {"type": "thinking"}, {"text": "b"}, 3]}}, "ab"),
        ({}, ""),
    ],
)
def test_the_text_of_a_piece(choice: dict[str, object], text: str) -> None:
    assert read_piece(json.dumps({"choices": [choice]})).text == text


def test_what_else_a_piece_holds() -> None:
    piece = read_piece(json.dumps({"model": "m", "choices": [{"delta": {"refusal": "no"}, "finish_reason": "stop"}]}))
    assert (piece.refusal, piece.finish, piece.model, dict(piece.usage)) == ("no", "stop", "m", {})
    counted = read_piece(json.dumps({"choices": [], "usage": {"total_tokens": 3, "details": {"x": 1}, "flag": True}}))
    assert dict(counted.usage) == {"total_tokens": 3}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"error": {"message": "overloaded", "type": "x"}}, "overloaded"),
        ({"error": {"code": 7}}, "{'code': 7}"),
        ({"error": "out of memory"}, "out of memory"),
        ({"message": "no such route"}, "no such route"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"error": None, "choices": [], "message": "not about this"}, None),
        ({}, None),
    ],
)
def test_what_a_server_says_went_wrong(value: dict[str, object], message: str | None) -> None:
    assert error_message(value) == message


def test_an_error_in_the_middle_is_no_text() -> None:
    with pytest.raises(EndpointRefusedError, match="gave up: overloaded"):
        read_piece('{"error": {"message": "overloaded"}}')

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.server.protocols.kinds import (
    Choice,
    Documents,
    Flag,
    Kind,
    MismatchError,
    Number,
    Object,
    Text,
    TextOrTexts,
    Texts,
    Whole,
    shown,
)

KINDS: tuple[Kind, ...] = (
    Text(),
    Whole(),
    Whole(1, 5),
    Number(10.0),
    Flag(),
    Flag(words=True),
    Choice(("Left", "Right")),
    Texts(),
    Texts("none there"),
    TextOrTexts("none there"),
    Documents(),
    Documents("none there"),
    Object(),
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),  # lone surrogates too
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Text(), "  a ", "  a "),
        (Whole(), 0, 0),
        (Whole(1), 3.0, 3),
        (Whole(least=-1), -1, -1),
        (Number(10.0), 10, 10.0),
        (Number(10.0), 0.5, 0.5),
        (Flag(), False, False),
        (Flag(words=True), "true", True),
        (Flag(words=True), "false", False),
        (Choice(("Left", "Right")), "Left", "Left"),
        (Texts(), ["", "a"], ("", "a")),
        (Texts(), [], ()),
        (TextOrTexts("none"), "", ("",)),
        (TextOrTexts("none"), ["a", "b"], ("a", "b")),
        (Documents(), ["a", None, 3, {"text": "b"}], ("a", None, 3, {"text": "b"})),
        (Object(), {"a": 1}, {"a": 1}),
    ],
)
def test_what_fits_is_read(kind: Kind, value: Any, read: Any) -> None:
    found = kind.read("x", value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Text(), 3, "x must be a string, not 3"),
        (Text(), ["a"], "x must be a string, not a list of 1"),
        (Text(), {"text": "a"}, "x must be a string, not an object"),
        (Whole(1), "3", 'x must be a whole number of 1 or more, not "3" (a string); write it without quotes'),
        (Whole(1), True, "x must be a whole number of 1 or more, not true"),
        (Whole(1), 2.5, "x must be a whole number of 1 or more, not 2.5"),
        (Whole(1), math.nan, "x must be a whole number of 1 or more, not nan"),
        (Whole(1), math.inf, "x must be a whole number of 1 or more, not inf"),
        (Number(9.0), "3", 'x must be a number above 0, not "3" (a string); write it without quotes'),
        (Number(9.0), False, "x must be a number above 0, not false"),
        (Number(9.0), math.nan, "x must be a number above 0, not nan"),
        (Flag(), 1, "x must be true or false, not 1"),
        (Flag(), "true", 'x must be true or false, not "true" (a string); write it without quotes'),
        (Flag(words=True), "yes", 'x must be true or false, not "yes" (a string); write it without quotes'),
        (Choice(("a", "b")), 1, "x must be one of a, b, not 1"),
        (Texts(), "a", 'x must be a list of strings, not "a" (a string); put it into a list'),
        (Texts(), ["a", None], "x[1] must be a string, not null"),
        (TextOrTexts("none"), {"a": 1}, "x must be a string or a list of strings, not an object; put it into a list"),
        (TextOrTexts("none"), [1], "x[0] must be a string, not 1"),
        (Documents(), {"text": "a"}, "x must be a list of documents, not an object; put it into a list"),
        (Object(), [], "x must be an object, not a list of 0"),
    ],
)
def test_a_wrong_type_is_named(kind: Kind, value: Any, message: str) -> None:
    with pytest.raises(MismatchError) as caught:
        kind.read("x", value)
    assert str(caught.value) == message
    assert caught.value.flaw == "type"


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Text(), " \t\n", "x must not be empty or be only whitespace"),
        (Whole(1), 0, "x must be a whole number of 1 or more, not 0"),
        (Whole(1, 5), 6, "x must be a whole number of 1 or more and at most 5, not 6"),
        pytest.param(
            Whole(),
            10**5000,
            "x must be a whole number of 0 or more and at most 2147483647, not a whole number that large",
            id="enormous whole",
        ),
        (Number(9), 0, "x must be a number above 0, not 0"),
        (Number(9), math.inf, "x must be a number above 0 and at most 9, not inf"),
        pytest.param(Number(9), 10**400, "x must be a number above 0 and at most 9, not a whole number that large", id="enormous number"),
        (Choice(("a", "b")), "c", 'x must be one of a, b, not "c" (a string)'),
        (Texts("none there"), [], "none there"),
        (TextOrTexts("none there"), [], "none there"),
        (Documents("none there"), [], "none there"),
    ],
)
def test_a_wrong_value_is_named(kind: Kind, value: Any, message: str) -> None:
    with pytest.raises(MismatchError) as caught:
        kind.read("x", value)
    assert str(caught.value) == message
    assert caught.value.flaw == ("empty" if "empty" in message or message == "none there" else "range")


@given(st.sampled_from(KINDS), JSON)
def test_reading_agrees_with_the_schema(kind: Kind, value: Any) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(kind.schema())
    fits = not (isinstance(value, float) and not math.isfinite(value)) and validator.is_valid(value)
    try:
        kind.read("x", value)
    except MismatchError:
        assert not fits
    else:
        assert fits


@given(JSON | st.just(10**5000) | st.text(min_size=50))
def test_values_are_shown_short(value: Any) -> None:
    assert 0 < len(shown(value)) < 80


def test_every_kind_says_what_it_wants() -> None:
    assert [kind.wanted for kind in KINDS if not kind.wanted] == []
    assert json.dumps([kind.schema() for kind in KINDS])

from __future__ import annotations

from typing import Any

import pytest

from adjudge.server.protocols.dialect import BadRequestError
from adjudge.server.protocols.fields import Field, read_fields, schema_of
from adjudge.server.protocols.kinds import Flag, Text, Whole

FIELDS = (
    Field(name="query", kind=Text(), about="What is asked.", required=True),
    Field(name="top_n", kind=Whole(1), about="How many."),
    Field(name="deep", kind=Flag(words=True), about="How far.", default=False),
    Field(name="priority", kind=Whole(), about="Urgency.", default=0, idle="every request has the same"),
)


def test_absent_and_null_mean_the_default() -> None:
    for body in ({"query": "a"}, {"query": "a", "top_n": None, "deep": None, "priority": None}):
        found = read_fields(body, FIELDS)
        assert found.values == {"query": "a", "top_n": None, "deep": False, "priority": 0}
        assert found.warnings == ()


def test_false_and_zero_are_values() -> None:
    fields = (Field(name="a", kind=Flag(), about="", default=True), Field(name="b", kind=Whole(), about="", default=7))
    assert read_fields({"a": False, "b": 0}, fields).values == {"a": False, "b": 0}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "query is missing; it must be a string"),
        ({"query": None}, "query must not be null; it must be a string"),
        ({"query": 3}, "query must be a string, not 3"),
    ],
)
def test_a_required_field_is_missed_by_name(body: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_fields(body, FIELDS)
    assert (caught.value.fault.message, caught.value.fault.param, caught.value.fault.kind) == (message, "query", "invalid")


@pytest.mark.parametrize(
    ("body", "kind"),
    [({}, "not_found"), ({"query": " "}, "too_large"), ({"query": 1}, "invalid"), ({"query": "a", "top_n": 0}, "too_large")],
)
def test_the_kind_of_fault_is_the_dialects_choice(body: dict[str, Any], kind: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_fields(body, FIELDS, {"missing": "not_found", "empty": "too_large", "range": "too_large"})
    assert caught.value.fault.kind == kind


def test_what_has_no_effect_is_named_unless_it_asks_for_nothing() -> None:
    assert read_fields({"query": "a", "priority": 0}, FIELDS).warnings == ()
    assert read_fields({"query": "a", "priority": 5}, FIELDS).warnings == ("priority has no effect here: every request has the same",)


def test_what_has_no_effect_is_still_checked() -> None:
    with pytest.raises(BadRequestError, match="priority must be a whole number"):
        read_fields({"query": "a", "priority": "high"}, FIELDS)


def test_unknown_fields_are_named_with_what_may_be_meant() -> None:
    found = read_fields({"query": "a", "top_k": 3, "colour": None}, FIELDS)
    assert found.warnings == (
        "top_k is not known here and was ignored; did you mean top_n?",
        "colour is not known here and was ignored",
    )


def test_a_flood_of_unknown_fields_is_counted() -> None:
    found = read_fields({"query": "a"} | {f"x{i:03}" * 100: i for i in range(1000)}, FIELDS)
    assert len(found.warnings) == 11
    assert found.warnings[-1] == "and 990 more that are not known here"
    assert all(len(w) < 120 for w in found.warnings)


def test_a_flag_in_quotes_is_read_and_told() -> None:
    found = read_fields({"query": "a", "deep": "true"}, FIELDS)
    assert found["deep"] is True
    assert found.warnings == ('deep was given as the string "true" and read as true',)


def test_the_schema_tells_the_same() -> None:
    schema = schema_of(FIELDS, title="t")
    assert schema["required"] == ["query"]
    assert schema["title"] == "t"
    assert schema["properties"]["query"] == {"type": "string", "pattern": r"\S", "description": "What is asked."}
    assert schema["properties"]["priority"] == {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 2147483647}, {"type": "null"}],
        "description": "Urgency. No effect here: every request has the same.",
        "default": 0,
    }

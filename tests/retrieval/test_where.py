"""Filters: what texts mean, what they match, and that the two ways to say one agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.errors import InputError
from adjudge.retrieval.base import Where
from adjudge.retrieval.where import Clause, clauses, matches, parse_where


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("year>=2020", {"year": {">=": 2020}}),
        (" year  <  2025 ", {"year": {"<": 2025}}),
        ("lang=en", {"lang": "en"}),
        ("lang == en", {"lang": "en"}),
        ("lang=en,de , fr", {"lang": ["en", "de", "fr"]}),
        ("status!=draft", {"status": {"!=": "draft"}}),
        ("title=\"Snow, and 'ice'\",x", {"title": ["Snow, and 'ice'", "x"]}),
        ("title='say \"no\"'", {"title": 'say "no"'}),
        ('note=""', {"note": ""}),
        ("author=O'Brien", {"author": "O'Brien"}),
        ("price<=-2.5", {"price": {"<=": -2.5}}),
        ("size=1e3", {"size": 1000.0}),
        ("public=true", {"public": True}),
        ('public="true"', {"public": "true"}),
        ('year="2020"', {"year": "2020"}),
        ("zip=01067", {"zip": "01067"}),
        ("标题=雪", {"标题": "雪"}),
        ("first name=Ana", {"first name": "Ana"}),
        ("path=a/b=c", {"path": "a/b=c"}),
    ],
)
def test_a_text_means_a_condition(text: str, meaning: Where) -> None:
    assert parse_where(text) == meaning


def test_several_texts_must_all_hold() -> None:
    assert parse_where(["year>=2020", "year<2025", "lang=en"]) == {"year": {">=": 2020, "<": 2025}, "lang": "en"}
    assert parse_where([]) == {}


@pytest.mark.parametrize(
    "texts",
    [
        "",
        "year",
        "=2020",
        "year=",
        "year>=",
        "lang=en,",
        "lang=,en",
        "year=>2020",
        'title="open',
        'a="x"y',
        "year>=1,2",
        "flag>true",
        "n>=1e400",
        "n=99999999999999999999",
    ],
)
def test_what_cannot_be_read_is_refused(texts: str) -> None:
    with pytest.raises(InputError):
        parse_where(texts)


@pytest.mark.parametrize("texts", [["a=1", "a=2"], ["a=1", "a>0"], ["a>0", "a=1"], ["a!=1", "a!=2"], ["a>0", "a>1"]])
def test_a_name_stands_twice_only_as_bounds(texts: list[str]) -> None:
    with pytest.raises(InputError, match="'a'"):
        parse_where(texts)


@pytest.mark.parametrize(
    "where",
    [
        "lang=en",
        ["lang=en"],
        {"": "x"},
        {3: "x"},
        {"a": None},
        {"a": {"~": 1}},
        {"a": {"in": 1}},
        {"a": [[1]]},
        {"a": float("nan")},
        {"a": 2**63},
        {"a": {">": False}},
    ],
)
def test_a_senseless_filter_is_refused(where: Any) -> None:
    with pytest.raises(InputError):
        matches(where, {})


@pytest.mark.parametrize(
    ("where", "metadata", "expected"),
    [
        (None, {}, True),
        ({}, {}, True),
        ({"year": 2020}, {"year": 2020}, True),
        ({"year": 2020}, {"year": 2020.0}, True),
        ({"year": 2020}, {"year": "2020"}, False),
        ({"year": "2020"}, {"year": 2020}, False),
        ({"n": 1}, {"n": True}, False),
        ({"n": True}, {"n": 1}, False),
        ({"n": False}, {"n": False}, True),
        ({"n": 0}, {"n": 0}, True),
        ({"n": ""}, {"n": ""}, True),
        ({"n": ""}, {}, False),
        ({"year": {">=": 2020, "<": 2025}}, {"year": 2024}, True),
        ({"year": {">=": 2020, "<": 2025}}, {"year": 2025}, False),
        ({"year": {">=": 2020}}, {"year": "2021"}, False),
        ({"year": {">=": 2020}}, {}, False),
        ({"year": {">=": 2020}}, {"year": None}, False),
        ({"day": {">=": "2024-05-01"}}, {"day": "2024-11-30"}, True),
        ({"lang": ["en", "de"]}, {"lang": "de"}, True),
        ({"lang": ["en", 1]}, {"lang": True}, False),
        ({"lang": []}, {"lang": "de"}, False),
        ({"lang": {"!=": "de"}}, {"lang": "de"}, False),
        ({"lang": {"!=": "de"}}, {}, True),
        ({"lang": {"!=": "de"}}, {"lang": None}, True),
        ({"lang": {"!=": 1}}, {"lang": True}, True),
        ({"lang": {"==": "de"}}, {"lang": "de"}, True),
        ({"tags": "a"}, {"tags": ["a", "b"]}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_what_a_filter_matches(where: Where | None, metadata: Mapping[str, Any], expected: bool) -> None:
    assert matches(where, metadata) is expected


def test_clauses_are_what_a_database_translates() -> None:
    assert clauses({"year": {">=": 2020, "<": 2025}, "lang": ["en", "de"], "draft": False}) == (
        Clause("year", ">=", (2020,)),
        Clause("year", "<", (2025,)),
        Clause("lang", "in", ("en", "de")),
        Clause("draft", "in", (False,)),
    )


_scalars = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from([-1.5, 0.0, 2.0]), st.sampled_from(["", "a", "b", "2"]))


@settings(deadline=None, max_examples=300)
@given(value=_scalars, wanted=_scalars)
def test_equal_and_unequal_are_opposites(value: Any, wanted: Any) -> None:
    assert matches({"k": wanted}, {"k": value}) is not matches({"k": {"!=": wanted}}, {"k": value})


@settings(deadline=None, max_examples=200)
@given(value=st.integers(-3, 3), wanted=st.integers(-3, 3), operator=st.sampled_from(["<", "<=", ">", ">=", "!=", "="]))
def test_a_text_matches_as_python_compares(value: int, wanted: int, operator: str) -> None:
    expected = eval(f"{value} {'==' if operator == '=' else operator} {wanted}")
    assert matches(parse_where(f"k {operator} {wanted}"), {"k": value}) is expected

"""What callers hand in: every form of a document, and what is refused by itself."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from adjudge.engine.documents import accept_documents, accept_pairs, accept_query
from adjudge.errors import InputError
from adjudge.types import Document


def only(given: object) -> Document:
    accepted = accept_documents([given])
    assert accepted.refused == ()
    return accepted.documents[0][1]


def test_forms_of_a_document() -> None:
    mine = Document("text", "7", {"page": 3})
    assert only(mine) is mine
    assert only("text") == Document("text")
    assert only(np.str_("text")) == Document("text")
    assert only({"text": "text"}) == Document("text")
    assert only({"text": "text", "id": "7", "metadata": {"page": 3}}) == mine
    assert only({"text": "text", "id": 7, "page": 3}) == mine
    assert only({"text": "text", "id": 7, "page": 3, "metadata": {"page": 1}}) == mine
    assert only(MappingProxyType({"text": "text", "metadata": None})) == Document("text")
    assert only({"text": "text", "metadata": [1, 2]}) == Document("text", None, {"metadata": [1, 2]})
    assert only({"text": "text", "id": 0}).id == "0"
    assert only({"text": "text", "id": ""}).id == ""


def test_what_cannot_be_judged_is_refused_by_itself_and_keeps_its_place() -> None:
    given: list[Any] = [
        *("fine", "", " \n\t ", None, math.nan, b"bytes", 5, ["list"], Document(""), Document(None), {}),  # type: ignore[arg-type]
        *({"body": "x"}, {"text": None}, {"text": ""}, {1: 2, "b": 3}, "fine too"),
    ]
    accepted = accept_documents(given)
    assert [i for i, _ in accepted.documents] == [0, 15]
    reasons = {r.index: r.reason for r in accepted.refused}
    assert reasons == (
        {i: "empty" for i in (1, 2, 8, 13)} | {i: "not_text" for i in (3, 4, 5, 6, 7, 9, 12)} | {i: "bad_mapping" for i in (10, 11, 14)}
    )
    assert all(f"document {r.index} " in r.message for r in accepted.refused)


def test_a_long_mapping_is_not_repeated_in_the_message() -> None:
    refused = accept_documents([{f"key{i}": "x" * 1000 for i in range(100)}]).refused[0]
    assert len(refused.message) < 200


@pytest.mark.parametrize("documents", ["one text", b"bytes", {"text": "x"}, Document("x"), None, 5, math.nan], ids=repr)
def test_documents_must_be_a_list(documents: object) -> None:
    with pytest.raises(InputError, match="list of texts"):
        accept_documents(documents)


@pytest.mark.parametrize("documents", [("a", "b"), iter(["a", "b"]), (x for x in "ab"), {"a": 1, "b": 2}.keys(), np.array(["a", "b"])])
def test_any_iterable_of_documents_will_do(documents: object) -> None:
    assert [d.text for _, d in accept_documents(documents).documents] == ["a", "b"]


@pytest.mark.parametrize("query", ["", "   ", "\n\t", "\u3000"], ids=repr)
def test_empty_query(query: str) -> None:
    with pytest.raises(InputError, match="empty"):
        accept_query(query)


@pytest.mark.parametrize("query", [None, b"q", 5, ["q"], math.nan], ids=repr)
def test_query_that_is_no_text(query: object) -> None:
    with pytest.raises(InputError, match="must be a string"):
        accept_query(query)


def test_pairs() -> None:
    assert accept_pairs([("q", "p"), ["q", ""]]) == [("q", "p"), ("q", "")]
    assert accept_pairs(("q", str(i)) for i in range(2)) == [("q", "0"), ("q", "1")]
    assert accept_pairs([]) == []


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (("q", "p"), "pair 0 must be"),
        ("qp", "must be a list"),
        ({"q": "p"}, "must be a list"),
        (None, "must be a list"),
        ([("q", "p"), ("q",)], "pair 1 must be"),
        ([("q", "p", "x")], "pair 0 must be"),
        ([("q", "p"), {"q": "p"}], "pair 1 must be"),
        ([("q", None)], "pair 0 must hold two strings, not str and NoneType"),
        ([(b"q", "p")], "not bytes and str"),
        ([["q", "p"], "xy"], "pair 1 must be"),
        (["x" * 10_000], "pair 0 must be"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_wrong_pair_is_an_error_that_names_its_place(pairs: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        accept_pairs(pairs)
    assert len(str(caught.value)) < 200

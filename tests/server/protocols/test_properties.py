from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Reranker
from adjudge.errors import ConfigError
from adjudge.server.asks import PairsAsk
from adjudge.server.protocols.choose import NATIVE, ROUTES, VLLM_SCORE, Documented, Route
from adjudge.server.protocols.dialect import STATUS, BadRequestError, Dialect, Fault
from adjudge.server.protocols.fields import schema_of
from adjudge.server.protocols.kinds import Choice, Documents, Flag, Number, Object, Text, TextOrTexts, Texts, Whole
from adjudge.server.protocols.native import Threshold
from tests.server.protocols.answers import answered, best_first, plain

BETWEEN = ("more than once", "Input lengths", "probabilities", "every score", "sides of the pairs are missing")
"""Words of the faults that lie between two fields, which no schema tells."""

DIALECTS: tuple[Documented, ...] = tuple({d.name: d for r in ROUTES for d in r.dialects}.values())
NAMES = sorted({f.name for d in DIALECTS for f in d.fields})

WORDS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["pandas", "bamboo eat", "", " ", "熊猫", "\x00"])
QUESTIONS = WORDS.filter(lambda text: text.strip() != "")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6)
WRONG = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.lists(WORDS, max_size=2)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | WORDS
DOCUMENT = WORDS | PLAIN | st.fixed_dictionaries({"text": WORDS | PLAIN}, optional={"id": PLAIN, "title": WORDS})


def whole(kind: Whole) -> st.SearchStrategy[int]:
    """Small ones, and the largest."""
    return st.integers(kind.least, min(kind.most, kind.least + 4)) | st.just(kind.most)


def listed(kind: Texts | Documents, items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Empty where the kind allows it."""
    return st.lists(items, min_size=0 if kind.empty is None else 1, max_size=4)


FITTING: Mapping[type, Callable[[Any], st.SearchStrategy[Any]]] = {
    Text: lambda kind: QUESTIONS,
    Whole: whole,
    Number: lambda kind: st.floats(0, kind.most, exclude_min=True),
    Flag: lambda kind: st.booleans() | (st.sampled_from(["true", "false"]) if kind.words else st.nothing()),
    Choice: lambda kind: st.sampled_from(kind.options),
    Texts: lambda kind: listed(kind, WORDS),
    TextOrTexts: lambda kind: WORDS | st.lists(WORDS, min_size=1, max_size=3),
    Documents: lambda kind: listed(kind, DOCUMENT),
    Object: lambda kind: st.dictionaries(WORDS, PLAIN, max_size=2),
    Threshold: lambda kind: st.floats(0, 1) | st.sampled_from(["0.3", "relative:0.5", "dynamic", "gap", "absolute:0.2"]),
}
"""Values that each kind takes."""


SIDES = [("queries", "documents"), ("queries", "items"), ("text_1", "text_2"), ("data_1", "data_2")]


@st.composite
def pairs(draw: st.DrawFn) -> dict[str, Any]:
    """The two sides of a request for scores."""
    one, two = draw(st.sampled_from(SIDES))
    second = draw(st.lists(WORDS, min_size=1, max_size=3))
    return {one: draw(QUESTIONS | st.lists(QUESTIONS, min_size=len(second), max_size=len(second))), two: second}


def bodies(dialect: Documented) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that the dialect takes, with unknown fields now and then."""
    sides = {name for side in SIDES for name in side} if dialect is VLLM_SCORE else set()
    values = {f: FITTING[type(f.kind)](f.kind) for f in dialect.fields if f.name not in sides}
    known = st.fixed_dictionaries(
        {f.name: v for f, v in values.items() if f.required},
        optional={f.name: v for f, v in values.items() if not f.required and not (dialect is NATIVE and f.name == "normalize")},
    )
    strange = st.dictionaries(WORDS.map(lambda w: f"x-{w}"), PLAIN, max_size=2)
    parts = st.tuples(known, strange, pairs() if sides else st.just({}))
    return parts.map(lambda found: {k: v for part in found for k, v in part.items()})


BODIES = {d.name: bodies(d) for d in DIALECTS}


@cache
def request_schema(dialect: Documented) -> Any:
    """What checks a body."""
    return validator(schema_of(dialect.fields, **dialect.needs))


@cache
def answer_schema(dialect: Documented) -> Any:
    """What checks an answer."""
    return validator(dialect.answer_schema())


def validator(schema: Mapping[str, Any]) -> Any:
    """Of a JSON schema."""
    return pytest.importorskip("jsonschema").Draft202012Validator(schema)


def tried(dialect: Dialect, body: Mapping[str, Any]) -> tuple[Any, Fault | None]:
    """The ask, or the fault."""
    try:
        return dialect.read(body), None
    except BadRequestError as error:
        return None, error.fault


def said(dialect: Documented, body: Mapping[str, Any]) -> list[str]:
    """The unknown fields of a body."""
    known = {f.name for f in dialect.fields}
    return [name for name in body if name not in known]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@settings(max_examples=20)
@given(data=st.data())
def test_what_fits_is_read_judged_and_rendered(dialect: Documented, word_judge: Reranker, data: st.DataObject) -> None:
    body = data.draw(BODIES[dialect.name])
    request_schema(dialect).validate(body)
    ask = dialect.read(body)
    assert sum("is not known here" in w for w in ask.warnings) == len(said(dialect, body))
    answer = answered(ask, word_judge)
    reply = dialect.answer(answer, ask.echo)
    parsed = plain(reply)
    answer_schema(dialect).validate(parsed)
    assert reply.status == 200
    results = parsed if isinstance(parsed, list) else parsed.get("results", parsed.get("data"))
    scores = [r.get("relevance_score", r.get("score")) for r in results]
    assert isinstance(ask, PairsAsk) or best_first(scores)
    assert not ask.normalize or all(0 <= s <= 1 for s in scores)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.path)
@settings(max_examples=20)
@given(body=st.dictionaries(st.sampled_from(NAMES) | WORDS, JSON, max_size=8))
def test_nothing_but_a_bad_request_comes_of_any_body(route: Route, body: dict[str, Any]) -> None:
    dialect = route.choose(body)
    ask, fault = tried(dialect, body)
    if fault is None:
        assert all(isinstance(w, str) and w for w in ask.warnings)
        return
    assert fault.kind in ("bad_request", "invalid")
    assert fault.message
    reply = dialect.fault(fault, "r")
    assert 400 <= reply.status < 500
    plain(reply)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@settings(max_examples=20)
@given(data=st.data())
def test_one_wrong_field_is_refused_where_the_schema_says_so(dialect: Documented, data: st.DataObject) -> None:
    body = data.draw(BODIES[dialect.name])
    name = data.draw(st.sampled_from([f.name for f in dialect.fields]))
    body[name] = data.draw(WRONG)
    fits = request_schema(dialect).is_valid(body)
    _, fault = tried(dialect, body)
    if fault is None:
        assert fits or (name == "threshold" and isinstance(body[name], str))  # more spellings are understood than the schema tells
    else:
        assert not fits or any(words in fault.message for words in BETWEEN), fault.message


def test_a_side_that_is_null_is_missing_though_the_schema_knows_nothing_of_it() -> None:
    """Found by the test above: null means "not given", which every field alone may be."""
    body = {"queries": None, "documents": ["bamboo"]}
    dialect = next(d for d in DIALECTS if d.name == "vllm-score")
    _, fault = tried(dialect, body)
    assert request_schema(dialect).is_valid(body)
    assert fault is not None
    assert "sides of the pairs are missing" in fault.message


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@pytest.mark.parametrize("kind", STATUS)
def test_every_fault_fits_its_schema(dialect: Documented, kind: Any) -> None:
    reply = dialect.fault(Fault(kind=kind, message="why", param="query"), "r")
    validator(dialect.fault_schema()).validate(plain(reply))
    assert reply.status == dialect.statuses[kind]


def test_a_threshold_the_model_cannot_serve_is_the_services_matter(tiny_model: Path) -> None:
    ask = NATIVE.read({"query": "q", "documents": ["a"], "threshold": "precision:0.9"})
    with Reranker(tiny_model, backend="fake") as not_calibrated, pytest.raises(ConfigError):
        answered(ask, not_calibrated)

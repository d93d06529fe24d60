"""Filters as the databases read them: any key, any value, nothing slips out of its quotes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from adjudge.errors import InputError
from adjudge.retrieval.base import Where
from adjudge.retrieval.index.filters import LANCE_VALUES, MILVUS_VALUES, MOST_CONDITIONS, by_kind, lance_filter, milvus_filter


def test_no_condition_is_no_filter() -> None:
    assert (lance_filter(None), milvus_filter(None), lance_filter({}), milvus_filter({})) == (None, None, None, None)


def test_values_are_kept_apart_by_kind() -> None:
    found = by_kind({"a": "1", "b": 1, "c": 1.5, "d": True})
    assert found == {"strings": {"a": "1"}, "numbers": {"b": 1, "c": 1.5}, "flags": {"d": True}}


def test_sql() -> None:
    where = {"lang": ["en", "de"], "year": {">=": 2020}, "it's": "a 'quote'", "draft": {"!=": True}, "source": "a.md"}
    assert lance_filter(where) == (
        "(json_get_string(strings, 'lang') IN ('en', 'de'))"
        " AND (json_get_float(numbers, 'year') >= 2020.0)"
        " AND (json_get_string(strings, 'it''s') = 'a ''quote''')"
        " AND (json_get_bool(flags, 'draft') IS NULL OR json_get_bool(flags, 'draft') != true)"
        " AND (source = 'a.md')"
    )


def test_milvus() -> None:
    where = {"lang": ["en", "de"], "year": {">=": 2020}, 'a "key"\\': "line\nbreak", "draft": {"!=": True}, "start": {"<": 5}}
    assert milvus_filter(where) == (
        '((strings["lang"] == "en" or strings["lang"] == "de"))'
        ' and (numbers["year"] >= 2020)'
        ' and (strings["a \\"key\\"\\\\"] == "line\\nbreak")'
        ' and (not exists flags["draft"] or flags["draft"] != true)'
        " and (start_at < 5)"
    )


def test_several_values_are_compared_each_with_its_kind() -> None:
    where = {"year": ["2020", 2021, True, 2022], "source": ["a.md", "b.md", 7], "start": [0, 5]}
    assert lance_filter(where) == (
        "(json_get_string(strings, 'year') = '2020' OR json_get_float(numbers, 'year') IN (2021.0, 2022.0)"
        " OR json_get_bool(flags, 'year') = true)"
        " AND (source IN ('a.md', 'b.md'))"
        " AND (CAST(start_at AS DOUBLE) IN (0.0, 5.0))"
    )
    assert milvus_filter(where) == (
        '(strings["year"] == "2020" or (numbers["year"] == 2021 or numbers["year"] == 2022) or flags["year"] == true)'
        ' and (source in ["a.md", "b.md"])'
        " and ((start_at == 0 or start_at == 5))"
    )


def test_no_expression_is_deep() -> None:
    """Milvus goes down a chain of `or` one call for each, and old servers refuse fifty."""
    written = milvus_filter({"lang": [f"v{at}" for at in range(10_000)]})
    assert written is not None
    depth = deepest = links = 0
    for mark in re.findall(r'[()]| or |"[^"]*"', written):
        depth += {"(": 1, ")": -1}.get(mark, 0)
        deepest = max(deepest, depth)
        links += mark == " or "
    assert (links, depth) == (9_999, 0)
    assert deepest <= 6
    assert max(written.count(" or ", *at.span()) for at in re.finditer(r"\([^()]*\)", written)) < 8


@pytest.mark.parametrize(("build", "most"), [(lance_filter, LANCE_VALUES), (milvus_filter, MILVUS_VALUES)])
def test_more_than_a_database_can_take_is_refused(build: Callable[[Where], str | None], most: int) -> None:
    assert build({"lang": ["en"] * (most - 2), "year": [1, 2]})
    with pytest.raises(InputError, match=f"{most + 1:,} values, and .* takes {most:,}"):
        build({"lang": ["en"] * (most - 1), "year": [1, 2]})
    assert build({str(at): {"!=": 1} for at in range(MOST_CONDITIONS)})
    with pytest.raises(InputError, match=f"{MOST_CONDITIONS + 1:,} conditions"):
        build({str(at): {"!=": 1} for at in range(MOST_CONDITIONS + 1)})


@pytest.mark.parametrize("build", [lance_filter, milvus_filter])
def test_a_senseless_filter_is_refused(build: object) -> None:
    with pytest.raises(InputError):
        build({"year": {"like": "2"}})  # type: ignore[operator]

"""Filters as the databases read them: any key, any value, nothing slips out of its quotes."""

from __future__ import annotations

import pytest

from adjudge.errors import InputError
from adjudge.retrieval.index.filters import by_kind, lance_filter, milvus_filter


def test_no_condition_is_no_filter() -> None:
    assert (lance_filter(None), milvus_filter(None), lance_filter({}), milvus_filter({})) == (None, None, None, None)


def test_values_are_kept_apart_by_kind() -> None:
    found = by_kind({"a": "1", "b": 1, "c": 1.5, "d": True})
    assert found == {"strings": {"a": "1"}, "numbers": {"b": 1, "c": 1.5}, "flags": {"d": True}}


def test_sql() -> None:
    where = {"lang": ["en", "de"], "year": {">=": 2020}, "it's": "a 'quote'", "draft": {"!=": True}, "source": "a.md"}
    assert lance_filter(where) == (
        "(json_get_string(strings, 'lang') = 'en' OR json_get_string(strings, 'lang') = 'de')"
        " AND (json_get_float(numbers, 'year') >= 2020.0)"
        " AND (json_get_string(strings, 'it''s') = 'a ''quote''')"
        " AND (json_get_bool(flags, 'draft') IS NULL OR json_get_bool(flags, 'draft') != true)"
        " AND (source = 'a.md')"
    )


def test_milvus() -> None:
    where = {"lang": ["en", "de"], "year": {">=": 2020}, 'a "key"\\': "line\nbreak", "draft": {"!=": True}, "start": {"<": 5}}
    assert milvus_filter(where) == (
        '(strings["lang"] == "en" or strings["lang"] == "de")'
        ' and (numbers["year"] >= 2020)'
        ' and (strings["a \\"key\\"\\\\"] == "line\\nbreak")'
        ' and (not exists flags["draft"] or flags["draft"] != true)'
        " and (start_at < 5)"
    )


@pytest.mark.parametrize("build", [lance_filter, milvus_filter])
def test_a_senseless_filter_is_refused(build: object) -> None:
    with pytest.raises(InputError):
        build({"year": {"like": "2"}})  # type: ignore[operator]

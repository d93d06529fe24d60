"""One JSON row as queries with graded passages: what rows.py reads as pairs, with its grades kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from .grades import grade_of
from .rows import form_of, parse_row

__all__ = ["graded"]

Graded = list[tuple[str, int | None]]


def graded(row: Any) -> list[tuple[str, Graded]]:
    """(query, [(passage, grade)]) of a row; several where "query" is a list. A grade of None: nobody judged the passage.

    Raises InputError with what is wrong, also for a grade that is none.
    """
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be an object, not {type(row).__name__}")
    queries = row.get("query")
    asked = queries if isinstance(queries, list) else [queries]
    if not asked:
        raise InputError("'query' is an empty list")
    return [(str(query), _passages({**row, "query": query})) for query in asked]


def _passages(row: Mapping[str, Any]) -> Graded:
    found = [(pair.passage, int(pair.relevant)) for pair in parse_row(row)]  # checks texts and types of every form
    form = form_of(row)
    if form == "passages":
        return [(str(passage["text"]), grade_of(passage["relevance"])) for passage in row["passages"]]
    if form == "documents":
        return _listed(row)
    if form in ("passage", "document", "text"):
        return [(found[0][0], grade_of(row["label"]))]
    return list(found)


def _listed(row: Mapping[str, Any]) -> Graded:
    column = row.get("grades", [None] * len(row["documents"]))
    found: Graded = []
    for document, beside in zip(row["documents"], column, strict=True):
        own = document if isinstance(document, Mapping) else {"text": document}
        grade = own.get("grade", beside)
        found.append((str(own["text"]), None if grade is None else grade_of(grade)))
    return found

"""Rows of JSONL files as labelled pairs.

A row is one of (docs/calibration.md shows each):

    {"query", "passage", "label"}                         a pair; "document" or "text" may stand for "passage"
    {"query", "positive", "negative"}                     a triple; each may be a list; also pos / neg
    {"query", "documents": [...], "grades": [...]}        a graded list, or documents: [{"text", "grade"}, ...]
    {"query", "passages": [{"text", "relevance"}, ...]}   a judgement group, relevance 0 to 3
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from reprlib import repr as shown
from typing import Any, TypeAlias

from ..errors import InputError
from .labelled import BadRow, Labelled
from .lines import decode, numbered_lines

__all__ = ["form_of", "parse_row", "read_rows"]

RELEVANT_FROM = 1.0
RELEVANT_IN_JUDGEMENTS = 2.0  # of 3: "partial" answers are 1

Texts: TypeAlias = Iterator[tuple[str, bool]]


def read_rows(path: Path, *, relevant_from: float | None = None) -> tuple[list[Labelled], list[BadRow]]:
    """The pairs of a .jsonl or .jsonl.gz file, and each row that cannot be used. Raises InputError where the file cannot be read."""
    pairs: list[Labelled] = []
    bad: list[BadRow] = []
    for number, line in numbered_lines(path):
        try:
            pairs.extend(parse_row(decode(line), relevant_from=relevant_from))
        except InputError as exc:
            bad.append(BadRow(path=path, line=number, reason=str(exc)))
    return pairs, bad


def parse_row(row: Any, *, relevant_from: float | None = None) -> list[Labelled]:
    """The pairs of one row. Raises InputError with what is wrong with it."""
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be an object, not {type(row).__name__}")
    query = _text(row, "query")
    for key, read in _FORMS.items():
        if key in row:
            usual = RELEVANT_IN_JUDGEMENTS if key == "passages" else RELEVANT_FROM
            found = [Labelled(query, text, relevant) for text, relevant in read(row, usual if relevant_from is None else relevant_from)]
            if not found:
                raise InputError(f"{key!r} holds no passage with a label")
            return found
    raise InputError(f"none of {', '.join(map(repr, _FORMS))} is in the row; its keys are {', '.join(map(shown, row))}")


def form_of(row: Mapping[str, Any]) -> str:
    """The key that decides how parse_row() reads the row; "" where none is there."""
    return next((key for key in _FORMS if key in row), "")


def _pair(key: str) -> Callable[[Mapping[str, Any], float], Texts]:
    def read(row: Mapping[str, Any], least: float) -> Texts:
        yield _text(row, key), _number(row, "label") >= least

    return read


def _triple(good: str, poor: str) -> Callable[[Mapping[str, Any], float], Texts]:
    def read(row: Mapping[str, Any], least: float) -> Texts:
        for key, relevant in ((good, True), (poor, False)):
            texts = row.get(key, [])
            for text in [texts] if isinstance(texts, str) else _list(texts, key):
                yield _text({key: text}, key), relevant

    return read


def _listed(row: Mapping[str, Any], least: float) -> Texts:
    documents = _list(row["documents"], "documents")
    grades = row.get("grades", [None] * len(documents))
    if len(_list(grades, "grades")) != len(documents):
        raise InputError(f"'grades' must be a list of {len(documents)} numbers, one for each document")
    for document, column in zip(documents, grades, strict=True):
        own = {"text": document} if isinstance(document, str) else document
        if not isinstance(own, Mapping):
            raise InputError(f"a document must be a text or an object, not {type(document).__name__}")
        grade = own.get("grade", column)
        if grade is not None:  # nobody knows: a teacher's score alone is no label
            yield _text(own, "text"), _finite(grade, "grade") >= least


def _judged(row: Mapping[str, Any], least: float) -> Texts:
    for passage in _list(row["passages"], "passages"):
        if not isinstance(passage, Mapping):
            raise InputError(f"a passage must be an object, not {type(passage).__name__}")
        yield _text(passage, "text"), _number(passage, "relevance") >= least


_FORMS: Mapping[str, Callable[[Mapping[str, Any], float], Texts]] = {
    "passage": _pair("passage"),
    "document": _pair("document"),
    "text": _pair("text"),
    "positive": _triple("positive", "negative"),
    "negative": _triple("positive", "negative"),
    "pos": _triple("pos", "neg"),
    "neg": _triple("pos", "neg"),
    "documents": _listed,
    "passages": _judged,
}


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be a text, not {shown(value)}" if key in row else f"{key!r} is missing")
    if not value.strip():
        raise InputError(f"{key!r} is empty")
    return value


def _number(row: Mapping[str, Any], key: str) -> float:
    if key not in row:
        raise InputError(f"{key!r} is missing")
    return _finite(row[key], key)


def _finite(value: object, key: str) -> float:
    try:
        if isinstance(value, int | float) and math.isfinite(value):  # true and false are the labels 1 and 0
            return float(value)
    except OverflowError:  # JSON knows whole numbers that no float can hold
        pass
    raise InputError(f"{key!r} must be a finite number, not {shown(value)}")


def _list(value: object, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"{key!r} must be a list, not {type(value).__name__}")
    return value

"""Rows of JSONL files as groups: one query and the passages it is compared with.

A row is one of (docs/training.md shows each):

    {"query", "document", "label"}                        a pair; rows of the same query become one group
    {"query", "positive", "negative"}                     a triple; each may be a list; also pos / neg, pos_scores / neg_scores
    {"query", "documents": [...], "grades": [...]}        a graded list; "scores" (a teacher's logits) beside or instead of grades
    {"query", "documents": [{"text", "grade", "score", "coverage", "contradiction", "terminology"}, ...]}
    {"query", "intents", "passages": [...]}               a judgement group, as in recipes/embedded/judgements
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from .supervision import ASPECTS, Aspects, aspects_of_kind

__all__ = ["BadRow", "Group", "Item", "Rows", "parse_row", "read_groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A passage and what is known of it."""

    text: str
    grade: float | None = None  # 0..1: the share of the need it meets
    teacher: float | None = None  # a teacher's logit
    aspects: Aspects = Aspects()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A query and its passages."""

    query: str
    items: tuple[Item, ...]
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that could not be used."""

    path: Path
    line: int  # from 1
    reason: str

    def __str__(self) -> str:
        """path:line: reason."""
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a file gave."""

    groups: tuple[Group, ...]
    bad: tuple[BadRow, ...]


def read_groups(path: Path, *, best_grade: float = 1.0) -> Rows:
    """Read a .jsonl or .jsonl.gz file; each row that cannot be used is in `bad`, with its line.

    Raises InputError where the file cannot be read.
    """
    groups: list[Group] = []
    bad: list[BadRow] = []
    pairs: dict[str, int] = {}  # query -> position in groups, for rows that are pairs
    try:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                group = parse_row(row, best_grade=best_grade)
            except (InputError, ValueError) as exc:
                bad.append(BadRow(path=path, line=number, reason=str(exc)))
                continue
            if "document" in row and group.query in pairs:
                at = pairs[group.query]
                groups[at] = replace(groups[at], items=groups[at].items + group.items)
                continue
            if "document" in row:
                pairs[group.query] = len(groups)
            groups.append(group)
    except (OSError, EOFError) as exc:
        raise InputError(f"{path} cannot be read: {exc}") from exc
    return Rows(groups=tuple(groups), bad=tuple(bad))


def parse_row(row: Any, *, best_grade: float = 1.0) -> Group:
    """One row as a group. Raises InputError with what is wrong with it."""
    if not isinstance(row, Mapping):
        raise InputError(f"a row must be an object, not {type(row).__name__}")
    query = _text(row, "query")
    for key, read in _FORMS.items():
        if key in row:
            best = best_grade if key in ("document", "documents") else 1.0  # the other forms have a scale of their own
            items = tuple(_grade(item, best) for item in read(row))
            if not items:
                raise InputError(f"{key!r} is empty: there is nothing to learn from")
            return Group(query=query, items=items, source=str(row.get("source", "")))
    raise InputError(f"none of {', '.join(map(repr, _FORMS))} is in the row; its keys are {', '.join(map(repr, row))}")


def _grade(item: Item, best: float) -> Item:
    if item.grade is None:
        return item
    if not 0 <= item.grade <= best:
        raise InputError(f"a grade of {item.grade:g} lies outside 0..{best:g}; set data.best_grade to the highest grade of the file")
    return replace(item, grade=item.grade / best)


def _pair(row: Mapping[str, Any]) -> Iterator[Item]:
    label = _number(row, "label") if "label" in row else None
    score = _number(row, "score") if "score" in row else None
    if label is None and score is None:
        raise InputError("a pair needs a 'label' (or a teacher's 'score')")
    yield Item(text=_text(row, "document"), grade=label, teacher=score, aspects=_aspects(row))


def _triple(row: Mapping[str, Any]) -> Iterator[Item]:
    short = "pos" in row
    good, poor = ("pos", "neg") if short else ("positive", "negative")
    for key, grade, scores in ((good, 1.0, f"{good}_scores"), (poor, 0.0, f"{poor}_scores")):
        texts = row.get(key, [])
        texts = [texts] if isinstance(texts, str) else texts
        _check_list(texts, key)
        teacher = row.get(scores)
        if teacher is not None and (not isinstance(teacher, list) or len(teacher) != len(texts)):
            raise InputError(f"{scores!r} must be a list of {len(texts)} numbers, one for each of {key!r}")
        for index, text in enumerate(texts):
            said = None if teacher is None else _finite(teacher[index], scores)
            yield Item(text=_text({key: text}, key), grade=None if text is None else grade, teacher=said)


def _listed(row: Mapping[str, Any]) -> Iterator[Item]:
    documents = row["documents"]
    _check_list(documents, "documents")
    columns = {key: row.get(key) for key in ("grades", "scores")}
    for key, column in columns.items():
        if column is not None and (not isinstance(column, list) or len(column) != len(documents)):
            raise InputError(f"{key!r} must be a list of {len(documents)} numbers, one for each document")
    for index, document in enumerate(documents):
        own = {"text": document} if isinstance(document, str) else document
        if not isinstance(own, Mapping):
            raise InputError(f"document {index} must be a text or an object, not {type(document).__name__}")
        grade = _number(own, "grade") if "grade" in own else _column(columns["grades"], index, "grades")
        score = _number(own, "score") if "score" in own else _column(columns["scores"], index, "scores")
        aspects = _aspects(own)
        if grade is None and score is None and aspects.coverage is None:
            raise InputError(f"document {index} has neither a grade nor a score nor a coverage")
        yield Item(text=_text(own, "text"), grade=grade, teacher=score, aspects=aspects)


def _judged(row: Mapping[str, Any]) -> Iterator[Item]:
    """A judgement group: relevance 0 to 3, the kind of each passage, and which intents it covers."""
    passages, intents = row["passages"], row.get("intents", [])
    _check_list(passages, "passages")
    _check_list(intents, "intents")
    for passage in passages:
        relevance = _number(passage, "relevance")
        if relevance not in (0, 1, 2, 3):
            raise InputError(f"a relevance of {relevance:g} is not 0, 1, 2 or 3")
        covered = passage.get("covered", [])
        _check_list(covered, "covered")
        aspects = aspects_of_kind(str(passage.get("kind")), covered=len(set(covered)), intents=len(intents))
        yield Item(text=_text(passage, "text"), grade=relevance / 3, aspects=aspects)


_FORMS = {"document": _pair, "positive": _triple, "pos": _triple, "documents": _listed, "passages": _judged}


def _aspects(row: Mapping[str, Any]) -> Aspects:
    found = {name: _number(row, name) for name in ASPECTS if row.get(name) is not None}
    for name, value in found.items():
        if not 0 <= value <= 1:
            raise InputError(f"{name}={value:g} must lie between 0 and 1")
    return Aspects(**found)


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be a text, not {value!r:.60}" if key in row else f"{key!r} is missing")
    if not value.strip():
        raise InputError(f"{key!r} is empty")
    return value


def _number(row: Mapping[str, Any], key: str) -> float:
    return _finite(row.get(key), key)


def _finite(value: object, key: str) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):  # true and false are the labels 1 and 0
        raise InputError(f"{key!r} must be a finite number, not {value!r:.60}")
    return float(value)


def _column(values: Sequence[Any] | None, index: int, key: str) -> float | None:
    return None if values is None or values[index] is None else _finite(values[index], key)


def _check_list(value: object, key: str) -> None:
    if not isinstance(value, list):
        raise InputError(f"{key!r} must be a list, not {type(value).__name__}")


def _lines(path: Path) -> Iterator[str]:
    """Lines as text; bytes that are no UTF-8 become a bad row by their replacement, never a crash in the middle of a file."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            yield _decode(line)


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as exc:
        return f"not UTF-8: byte {exc.start}"  # fails as JSON, and says so

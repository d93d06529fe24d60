"""Rows of JSONL files as groups: one query and the passages it is compared with.

A row is one of (docs/training.md shows each):

    {"query", "document", "label"}                        a pair; rows of the same query become one group
    {"query", "positive", "negative"}                     a triple; each may be a list; also pos / neg; pos_scores / neg_scores
    {"query", "documents": [...], "grades": [...]}        a graded list; "scores" (a teacher's logits) beside or instead of grades
    {"query", "documents": [{"text", "grade", "score", "coverage", "contradiction", "terminology"}, ...]}
    {"query", "intents", "passages": [...]}               a judgement group, as in recipes/embedded/judgements
"""

from __future__ import annotations

import codecs
import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from ..errors import ConfigError, InputError
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
    lang: str = ""  # as the row says; only told, never used


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
    pairs: dict[str, list[Item]] = {}  # of the rows that are pairs, those of one query
    places: dict[str, int] = {}  # where in `groups` the first of them stands
    try:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            try:
                row = _decode(line)
                group = parse_row(row, best_grade=best_grade)
            except InputError as exc:
                bad.append(BadRow(path=path, line=number, reason=str(exc)))
                continue
            if "document" not in row:
                groups.append(group)
            elif group.query in pairs:
                pairs[group.query].extend(group.items)
            else:
                pairs[group.query], places[group.query] = list(group.items), len(groups)
                groups.append(group)
    except (OSError, EOFError, zlib.error) as exc:
        raise InputError(f"{path} cannot be read: {exc}") from exc
    for query, at in places.items():
        groups[at] = replace(groups[at], items=tuple(pairs[query]))
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
            return Group(query=query, items=items, source=_label(row, "source"), lang=_label(row, "lang"))
    raise InputError(f"none of {', '.join(map(repr, _FORMS))} is in the row; its keys are {', '.join(map(repr, row))}")


def _grade(item: Item, best: float) -> Item:
    if item.grade is None:
        return item
    if not 0 <= item.grade <= best:
        raise InputError(f"a grade of {item.grade:g} lies outside 0..{best:g}; set data.best_grade to the highest grade of the file")
    return replace(item, grade=item.grade / best)


def _pair(row: Mapping[str, Any]) -> Iterator[Item]:
    label, score = _known(row, "label"), _known(row, "score")
    if label is None and score is None:
        raise InputError("a pair needs a 'label' (or a teacher's 'score')")
    yield Item(text=_text(row, "document"), grade=label, teacher=score, aspects=_aspects(row))


def _triple(row: Mapping[str, Any]) -> Iterator[Item]:
    for long, short, grade in (("positive", "pos", 1.0), ("negative", "neg", 0.0)):
        key, scores = _one_of(row, long, short), _one_of(row, f"{long}_scores", f"{short}_scores")
        texts = row.get(key, [])
        texts = [texts] if isinstance(texts, str) else texts
        _check_list(texts, key)
        teacher = row.get(scores)
        if teacher is not None and (not isinstance(teacher, list) or len(teacher) != len(texts)):
            raise InputError(f"{scores!r} must be a list of {len(texts)} numbers, one for each of {key!r}")
        for index, text in enumerate(texts):
            yield Item(text=_text({key: text}, key), grade=grade, teacher=_column(teacher, index, scores))


def _one_of(row: Mapping[str, Any], *names: str) -> str:
    """The name that the row uses. Raises InputError where it uses both: to take one would lose the other in silence."""
    used = [name for name in names if row.get(name) is not None]
    if len(used) > 1:
        raise InputError(f"both {' and '.join(map(repr, used))} are in the row and mean the same; put what they hold under one name")
    return next(iter(used or [name for name in names if name in row] or names))


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
        grade, score = _known(own, "grade"), _known(own, "score")
        grade = _column(columns["grades"], index, "grades") if grade is None else grade
        score = _column(columns["scores"], index, "scores") if score is None else score
        aspects = _aspects(own)
        if grade is None and score is None and aspects.coverage is None:
            raise InputError(f"document {index} has neither a grade nor a score nor a coverage")
        yield Item(text=_text(own, "text"), grade=grade, teacher=score, aspects=aspects)


def _judged(row: Mapping[str, Any]) -> Iterator[Item]:
    """A judgement group: relevance 0 to 3, the kind of each passage, and which intents it covers."""
    passages, intents = row["passages"], row.get("intents", [])
    _check_list(passages, "passages")
    _check_list(intents, "intents")
    for index, passage in enumerate(passages):
        if not isinstance(passage, Mapping):
            raise InputError(f"passage {index} must be an object, not {type(passage).__name__}")
        relevance = _number(passage, "relevance")
        if relevance not in (0, 1, 2, 3):
            raise InputError(f"a relevance of {relevance:g} is not 0, 1, 2 or 3")
        covered = passage.get("covered", [])
        _check_list(covered, "covered")
        if not all(isinstance(at, int) and not isinstance(at, bool) and 0 <= at < len(intents) for at in covered):
            raise InputError(f"'covered' must hold positions of the {len(intents)} intents, from 0, not {shown(covered)}")
        yield Item(text=_text(passage, "text"), grade=relevance / 3, aspects=_kind_aspects(passage, len(set(covered)), len(intents)))


def _kind_aspects(passage: Mapping[str, Any], covered: int, intents: int) -> Aspects:
    try:
        return aspects_of_kind(_text(passage, "kind"), covered=covered, intents=intents)
    except ConfigError as exc:
        raise InputError(str(exc)) from exc


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
        raise InputError(f"{key!r} must be a text, not {shown(value)}" if key in row else f"{key!r} is missing")
    if not value.strip():
        raise InputError(f"{key!r} is empty")
    return _whole(value, key)


def _label(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{key!r} must be a text, not {shown(value)}")
    return _whole(value, key)


def _whole(text: str, key: str) -> str:
    """The text, if it can be written: "\\ud83d" alone, the half of an emoji, is what a cut in the wrong place leaves in JSON."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InputError(f"{key!r} holds half of a character ({text[exc.start]!r} at {exc.start}); mend what wrote the file") from None
    return text


def _number(row: Mapping[str, Any], key: str) -> float:
    return _finite(row.get(key), key)


def _known(row: Mapping[str, Any], key: str) -> float | None:
    """None where nobody knows: null, or no such key."""
    return None if row.get(key) is None else _number(row, key)


def _finite(value: object, key: str) -> float:
    try:
        if isinstance(value, int | float) and math.isfinite(value):  # true and false are the labels 1 and 0
            return float(value)
    except OverflowError:  # JSON knows whole numbers that no float can hold
        pass
    raise InputError(f"{key!r} must be a finite number, not {shown(value)}")


def _column(values: Sequence[Any] | None, index: int, key: str) -> float | None:
    return None if values is None or values[index] is None else _finite(values[index], key)


def _check_list(value: object, key: str) -> None:
    if not isinstance(value, list):
        raise InputError(f"{key!r} must be a list, not {type(value).__name__}")


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file):
            yield line.removeprefix(codecs.BOM_UTF8) if number == 0 else line


def _decode(line: bytes) -> Any:
    """The JSON value of a line. Raises InputError with what is wrong with it."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise InputError(f"not UTF-8 (byte {exc.start} of the line); save the file in that encoding") from exc
    except json.JSONDecodeError as exc:
        raise InputError(f"not JSON ({exc.msg} at character {exc.pos}); each line must be one object") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, brackets nested thousands deep
        raise InputError(f"not JSON that can be read ({exc})") from exc

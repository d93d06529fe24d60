"""Filters on metadata in the two databases' own languages. What they let through is what `where.matches` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..base import Scalar, Where
from ..where import Clause, clauses
from .passages import RESERVED

__all__ = ["KINDS", "Kind", "by_kind", "lance_filter", "milvus_filter", "milvus_list", "quoted"]

Kind: TypeAlias = Literal["strings", "numbers", "flags"]
"""Values are kept apart by kind: "2020" is not 2020, and neither database would let them be compared."""

KINDS: tuple[Kind, ...] = ("strings", "numbers", "flags")

_OWN_COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "source": ("source", "strings"),
    "start": ("start_at", "numbers"),
    "end": ("end_at", "numbers"),
}

_ALWAYS, _NEVER = "start_at >= 0", "start_at < 0"
"""Neither database takes a bare `true` in every place."""


_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
"""All that Milvus Lite knows; other control characters stand as they are."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    equals: str
    both: str
    either: str
    absent: str  # of a key: it is missing, or of another kind
    number: str  # a column of whole numbers, to be compared with any number
    value: Callable[[str, Kind], str]  # of a key
    literal: Callable[[Scalar], str]


def by_kind(metadata: Mapping[str, Scalar]) -> dict[Kind, dict[str, Scalar]]:
    """Metadata in one mapping for each kind of value, as the filters expect to find it."""
    parts: dict[Kind, dict[str, Scalar]] = {kind: {} for kind in KINDS}
    for key, value in metadata.items():
        parts[_kind(value)][key] = value
    return parts


def lance_filter(where: Where | None) -> str | None:
    """SQL for LanceDB; None where all may pass. Raises InputError for a senseless filter."""
    return _filter(where, _LANCE)


def milvus_filter(where: Where | None) -> str | None:
    """An expression for Milvus; None where all may pass. Raises InputError for a senseless filter."""
    return _filter(where, _MILVUS)


def milvus_list(texts: Sequence[str]) -> str:
    """Texts as Milvus has them behind `in`."""
    return f"[{', '.join(map(_milvus_literal, texts))}]"


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _filter(where: Where | None, dialect: _Dialect) -> str | None:
    if where is None:
        return None
    return dialect.both.join(f"({_clause(clause, dialect)})" for clause in clauses(where)) or None


def _clause(clause: Clause, dialect: _Dialect) -> str:
    if clause.operator == "!=":
        return _unlike(clause.key, clause.values[0], dialect)
    operator = dialect.equals if clause.operator == "in" else clause.operator
    found = [(_value(clause.key, _kind(value), dialect), value) for value in clause.values]
    return dialect.either.join(f"{name} {operator} {dialect.literal(value)}" for name, value in found if name is not None) or _NEVER


def _unlike(key: str, value: Scalar, dialect: _Dialect) -> str:
    name = _value(key, _kind(value), dialect)
    if name is None:
        return _ALWAYS
    differs = f"{name} != {dialect.literal(value)}"
    return differs if key in RESERVED else dialect.absent.format(name) + dialect.either + differs


def _value(key: str, kind: Kind, dialect: _Dialect) -> str | None:
    """The value under `key`, if it is of this kind; None where it never is."""
    if key not in RESERVED:
        return dialect.value(key, kind)
    column, has = _OWN_COLUMNS.get(key, ("", None))
    if has != kind:
        return None
    return dialect.number.format(column) if kind == "numbers" else column


def _kind(value: Scalar) -> Kind:
    if isinstance(value, bool):
        return "flags"
    return "strings" if isinstance(value, str) else "numbers"


def _lance_value(key: str, kind: Kind) -> str:
    function = {"strings": "json_get_string", "numbers": "json_get_float", "flags": "json_get_bool"}[kind]
    return f"{function}({kind}, {quoted(key)})"


def _lance_literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(float(value))  # json_get_float reads every number as a float


def _milvus_literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '"' + value.translate(_ESCAPES) + '"' if isinstance(value, str) else repr(value)


def _milvus_value(key: str, kind: Kind) -> str:
    return f"{kind}[{_milvus_literal(key)}]"


_LANCE = _Dialect("=", " AND ", " OR ", "{} IS NULL", "CAST({} AS DOUBLE)", _lance_value, _lance_literal)
_MILVUS = _Dialect("==", " and ", " or ", "not exists {}", "{}", _milvus_value, _milvus_literal)

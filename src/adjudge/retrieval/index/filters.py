"""Filters on metadata in the two databases' own languages. What they let through is what `where.matches` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...errors import InputError
from ..base import Scalar, Where
from ..where import Clause, clauses
from .passages import RESERVED

__all__ = [
    "KINDS",
    "LANCE_VALUES",
    "MILVUS_VALUES",
    "MOST_CONDITIONS",
    "Kind",
    "by_kind",
    "lance_filter",
    "milvus_filter",
    "milvus_list",
    "quoted",
]

Kind: TypeAlias = Literal["strings", "numbers", "flags"]
"""Values are kept apart by kind: "2020" is not 2020, and neither database would let them be compared."""

KINDS: tuple[Kind, ...] = ("strings", "numbers", "flags")

LANCE_VALUES, MILVUS_VALUES = 100_000, 10_000
"""Values that one filter may name: as many take LanceDB a second. Milvus Lite compares each with each passage, one after the other."""

MOST_CONDITIONS = 1_000
"""That one filter may join: the databases go down a chain of them one call for each, and a native stack ends without an error."""

_LINKS = 8  # comparisons in a row before they are put in brackets, so that a server of Milvus, which may refuse fifty, takes any number

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
    name: str
    most: int  # values that a filter may name
    equals: str
    both: str
    either: str
    absent: str  # of a key: it is missing, or of another kind
    number: str  # a column of whole numbers, to be compared with any number
    value: Callable[[str, Kind], str]  # of a key
    literal: Callable[[Scalar], str]
    among: Callable[[str, Sequence[str]], str]  # a name, and literals of one kind, two or more


def by_kind(metadata: Mapping[str, Scalar]) -> dict[Kind, dict[str, Scalar]]:
    """Metadata in one mapping for each kind of value, as the filters expect to find it."""
    parts: dict[Kind, dict[str, Scalar]] = {kind: {} for kind in KINDS}
    for key, value in metadata.items():
        parts[_kind(value)][key] = value
    return parts


def lance_filter(where: Where | None) -> str | None:
    """SQL for LanceDB; None where all may pass. Raises InputError for a senseless filter, or one that is too long."""
    return _filter(where, _LANCE)


def milvus_filter(where: Where | None) -> str | None:
    """An expression for Milvus; None where all may pass. Raises InputError for a senseless filter, or one that is too long."""
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
    conditions = clauses(where)
    _require_size(conditions, dialect)
    return dialect.both.join(f"({_clause(clause, dialect)})" for clause in conditions) or None


def _require_size(conditions: Sequence[Clause], dialect: _Dialect) -> None:
    if len(conditions) > MOST_CONDITIONS:
        raise InputError(f"the filter has {len(conditions):,} conditions, and an index takes {MOST_CONDITIONS:,}; leave some out")
    values = sum(len(clause.values) for clause in conditions)
    if values > dialect.most:
        advice = "search several times, each with some of them, or index metadata that say it in one value"
        raise InputError(f"the filter names {values:,} values, and an index in {dialect.name} takes {dialect.most:,}; {advice}")


def _clause(clause: Clause, dialect: _Dialect) -> str:
    if clause.operator == "!=":
        return _unlike(clause.key, clause.values[0], dialect)
    if clause.operator == "in":
        return _one_of(clause, dialect)
    value = clause.values[0]
    name = _value(clause.key, _kind(value), dialect)
    return _NEVER if name is None else f"{name} {clause.operator} {dialect.literal(value)}"


def _one_of(clause: Clause, dialect: _Dialect) -> str:
    found: dict[str, list[str]] = {}
    for value in clause.values:
        name = _value(clause.key, _kind(value), dialect)
        if name is not None:
            found.setdefault(name, []).append(dialect.literal(value))
    return dialect.either.join(_equal(name, literals, dialect) for name, literals in found.items()) or _NEVER


def _equal(name: str, literals: Sequence[str], dialect: _Dialect) -> str:
    return dialect.among(name, literals) if len(literals) > 1 else f"{name} {dialect.equals} {literals[0]}"


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


def _lance_among(name: str, literals: Sequence[str]) -> str:
    return f"{name} IN ({', '.join(literals)})"


def _milvus_among(name: str, literals: Sequence[str]) -> str:
    """Milvus Lite knows `in` for a column, and not for a key of a JSON column."""
    if name == "source":
        return f"{name} in [{', '.join(literals)}]"
    parts = [f"{name} == {literal}" for literal in literals]
    while len(parts) > 1:
        parts = [f"({' or '.join(parts[at : at + _LINKS])})" for at in range(0, len(parts), _LINKS)]
    return parts[0]


def _milvus_literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '"' + value.translate(_ESCAPES) + '"' if isinstance(value, str) else repr(value)


def _milvus_value(key: str, kind: Kind) -> str:
    return f"{kind}[{_milvus_literal(key)}]"


_LANCE = _Dialect(
    name="LanceDB",
    most=LANCE_VALUES,
    equals="=",
    both=" AND ",
    either=" OR ",
    absent="{} IS NULL",
    number="CAST({} AS DOUBLE)",
    value=_lance_value,
    literal=_lance_literal,
    among=_lance_among,
)
_MILVUS = _Dialect(
    name="Milvus",
    most=MILVUS_VALUES,
    equals="==",
    both=" and ",
    either=" or ",
    absent="not exists {}",
    number="{}",
    value=_milvus_value,
    literal=_milvus_literal,
    among=_milvus_among,
)

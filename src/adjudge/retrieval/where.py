"""Filters on metadata: written as text, checked, and applied to one document."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Literal, TypeAlias, get_args

from ..errors import InputError
from .base import Condition, Scalar, Where

__all__ = ["Clause", "Operator", "clauses", "holds", "matches", "parse_where"]

Operator: TypeAlias = Literal["in", "!=", "<", "<=", ">", ">="]

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_TEXT = re.compile(r"\s*(?P<key>[^\s=!<>](?:[^=!<>]*[^\s=!<>])?)\s*(?P<operator>==|!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*", re.DOTALL)
_VALUE = re.compile(r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s,"'=!<>][^,]*?))\s*(?:,|\Z)""")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,30})", re.ASCII)  # "007" stays text
_DECIMAL = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+(e[+-]?\d{1,3})?|e[+-]?\d{1,3})", re.ASCII | re.IGNORECASE)
_LARGEST = 2**63  # databases hold whole numbers in 64 bits


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition, checked: the value under `key` compared with `values` (one value for every operator but "in")."""

    key: str
    operator: Operator
    values: tuple[Scalar, ...]  # "in" with no values holds for no document


def parse_where(texts: str | Sequence[str]) -> Where:
    """A filter from texts like "year>=2020", "lang=en,de", "status!=draft", 'title="Snow, and ice"'. All of them must hold.

    Operators: = (or ==), !=, <, <=, >, >=. Values are whole numbers, decimals, true, false, else text; in quotes always text.
    Several values with commas, after =, mean one of them. A name may stand twice where that makes bounds: "year>=2020", "year<2025".
    Raises InputError for what it cannot read.
    """
    where: dict[str, Condition] = {}
    for text in [texts] if isinstance(texts, str) else texts:
        key, operator, values = _read(text)
        if operator in ("=", "=="):
            if key in where:
                raise _twice(key, text)
            where[key] = values[0] if len(values) == 1 else values
            continue
        if len(values) > 1:
            raise InputError(f"filter {text!r}: several values go with = only (one of them); write {key}{operator}{values[0]}")
        bounds = where.setdefault(key, {})
        if not isinstance(bounds, dict) or operator in bounds:
            raise _twice(key, text)
        bounds[operator] = values[0]
    clauses(where)
    return where


def clauses(where: Where) -> tuple[Clause, ...]:
    """The conditions of a filter, one by one, all of which must hold; databases translate these. Raises InputError for a senseless one."""
    if not isinstance(where, Mapping):
        raise InputError(f'a filter is a mapping such as {{"lang": "en"}}, not {type(where).__name__}; parse_where() reads one from text')
    return tuple(clause for key, condition in where.items() for clause in _clauses(key, condition))


def matches(where: Where | None, metadata: Mapping[str, Any]) -> bool:
    """Whether every condition holds for `metadata`; None holds for all. Raises InputError for a senseless filter."""
    return where is None or holds(clauses(where), metadata)


def holds(conditions: Sequence[Clause], metadata: Mapping[str, Any]) -> bool:
    """Whether all of `conditions`, as clauses() gives them, hold for `metadata`.

    Numbers compare with numbers, texts with texts (by code point), true and false with each other; "2020" is not 2020. Where the
    value is missing, is None, or is of another kind, it is unlike everything: only != holds.
    """
    return all(_holds(clause, metadata.get(clause.key)) for clause in conditions)


def _holds(clause: Clause, value: object) -> bool:
    if clause.operator == "in":
        return any(_same_kind(value, wanted) and value == wanted for wanted in clause.values)
    wanted = clause.values[0]
    alike = _same_kind(value, wanted)
    if clause.operator == "!=":
        return not (alike and value == wanted)
    return alike and _ORDERS[clause.operator](value, wanted)


def _same_kind(value: object, wanted: Scalar) -> bool:
    """Python takes True for 1, and so would let "flag=true" find a count of 1."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool)
    return isinstance(value, str) if isinstance(wanted, str) else isinstance(value, int | float)


def _clauses(key: object, condition: object) -> list[Clause]:
    if not isinstance(key, str) or not key:
        raise InputError(f"a filter names metadata by text, not by {key!r}")
    if isinstance(condition, Mapping):
        return [_bound(key, operator, value) for operator, value in condition.items()]
    if isinstance(condition, Sequence) and not isinstance(condition, str | bytes):
        return [Clause(key, "in", tuple(_scalar(key, value) for value in condition))]
    return [Clause(key, "in", (_scalar(key, condition),))]


def _bound(key: str, operator: object, value: object) -> Clause:
    if operator in ("=", "=="):
        return Clause(key, "in", (_scalar(key, value),))
    for known in get_args(Operator):
        if operator == known and known != "in":
            if known in _ORDERS and isinstance(value, bool):
                raise InputError(f"filter on {key!r}: {value} is neither more nor less than anything; use = or !=")
            return Clause(key, known, (_scalar(key, value),))
    raise InputError(f"filter on {key!r}: the operator {operator!r} is not known; known are =, !=, <, <=, >, >=")


def _scalar(key: str, value: object) -> Scalar:
    if not isinstance(value, str | int | float):
        raise InputError(f"filter on {key!r}: {value!r} is no text, number, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"filter on {key!r}: {value} is no finite number")
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        raise InputError(f"filter on {key!r}: {value} does not fit 64 bits")
    return value


def _read(text: object) -> tuple[str, str, list[Scalar]]:
    if not isinstance(text, str):
        raise InputError(f"a filter must be text such as 'year>=2020', not {type(text).__name__}")
    found = _TEXT.fullmatch(text)
    if found is None:
        raise InputError(f"filter {text!r} cannot be read; write a name, an operator and a value: 'year>=2020', 'lang=en,de'")
    return found["key"], found["operator"], _values(text, found["value"])


def _values(text: str, written: str) -> list[Scalar]:
    values: list[Scalar] = []
    at = 0
    while True:
        found = _VALUE.match(written, at)
        if found is None:
            raise InputError(f'filter {text!r}: a value is missing, or needs quotes, or its quotes do not match; "" is the empty text')
        values.append(_value(found))
        at = found.end()
        if not found[0].endswith(","):
            return values


def _value(found: re.Match[str]) -> Scalar:
    for quoted in (found["double"], found["single"]):
        if quoted is not None:
            return str(quoted)
    bare = str(found["bare"])
    if bare.lower() in ("true", "false"):
        return bare.lower() == "true"
    if _WHOLE.fullmatch(bare):
        return int(bare)
    return float(bare) if _DECIMAL.fullmatch(bare) else bare


def _twice(key: str, text: str) -> InputError:
    return InputError(f"filter {text!r}: {key!r} has a condition already that this one cannot be joined to; say both in one")

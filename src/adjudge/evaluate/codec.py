"""Trees of frozen dataclasses to plain JSON values and back, by their annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from reprlib import repr as shown
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["decode_value", "encode_value"]

T = TypeVar("T")

_LARGEST = 1e100


def encode_value(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists. Raises ValueError for NaN or infinity, which JSON does not have."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode_value(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode_value(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # half a character (a lone surrogate) no file can hold
    return value


def decode_value(kind: type[T], value: Any) -> T:
    """The dataclass `kind` from what encode_value() made of one. Keys that it does not know are passed over.

    Raises ValueError, with the place, where a value is missing or of another type.
    """
    decoded: T = _decode(kind, value, kind.__name__)
    return decoded


def _decode(kind: Any, value: Any, place: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, place)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _optional(arguments, value, place)
    if origin is tuple:
        return tuple(_decode(arguments[0], item, f"{place}[{at}]") for at, item in enumerate(_checked(value, list, place)))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _decode(arguments[1], item, f"{place}.{key}") for key, item in _checked(value, dict, place).items()}
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{place} is {value!r}, and must be one of {', '.join(map(repr, arguments))}")
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(_bounded(value, place))
    return _bounded(_checked(value, kind, place), place)


def _bounded(value: Any, place: str) -> Any:
    """Numbers that can be reckoned with: no NaN, and nothing that a sum or a product makes infinite."""
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise ValueError(f"{place} is {shown(value)}, which is no figure of an evaluation")
    return value


def _object(kind: type[Any], value: Any, place: str) -> Any:
    given = _checked(value, dict, place)
    found = {}
    hints = get_type_hints(kind)
    for f in fields(kind):
        if f.name in given:
            found[f.name] = _decode(hints[f.name], given[f.name], f"{place}.{f.name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"{place}.{f.name} is missing")
    return kind(**found)


def _optional(arguments: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in arguments:
        return None
    (only,) = (argument for argument in arguments if argument is not NoneType)
    return _decode(only, value, place)


def _checked(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place} must be {kind.__name__}, not {type(value).__name__}")
    return value

"""One table of fields serves the reading, the messages and the OpenAPI schema of a dialect.

Bodies are what a strict JSON parser made of them: no NaN, no infinity. Where a number is wanted, they are refused all the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .dialect import BadRequestError, Fault, FaultKind
from .kinds import Flag, Flaw, Kind, MismatchError, shown

__all__ = ["Field", "Given", "invalid", "read_fields", "schema_of"]

NAMED = 10
"""So many unknown fields are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a body. Absent and null mean the default, unless it is required."""

    name: str
    kind: Kind
    about: str  # for those who read the OpenAPI page
    required: bool = False
    default: Any = None
    idle: str | None = None  # why it has no effect here, for a field that others know


@dataclass(frozen=True, slots=True)
class Given:
    """The fields of one body, each checked or its default, and what has to be said of them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def read_fields(body: Mapping[str, Any], fields: Sequence[Field], faults: Mapping[Flaw, FaultKind] = MappingProxyType({})) -> Given:
    """Read every field of the table. `faults`: the kind of fault that a flaw makes in this dialect; "invalid" unless said.

    Raises BadRequestError for the first field that is not as it must be.
    """
    values: dict[str, Any] = {}
    warnings: list[str] = []
    for known in fields:
        value = body.get(known.name)
        if value is None and known.required:
            what = "must not be null" if known.name in body else "is missing"
            raise invalid(f"{known.name} {what}; it must be {known.kind.wanted}", known.name, kind=faults.get("missing", "invalid"))
        values[known.name] = known.default if value is None else _read(known, value, faults)
        if value is not None:
            warnings += _remarks(known, value, values[known.name])
    return Given(values, (*warnings, *_unknown(body, [known.name for known in fields])))


def invalid(message: str, param: str | None = None, *, kind: FaultKind = "invalid") -> BadRequestError:
    """The exception for a body that makes no sense, with the field it is about."""
    return BadRequestError(Fault(kind=kind, message=message, param=param))


def schema_of(fields: Iterable[Field], **more: Any) -> dict[str, Any]:
    """The table as the JSON schema of an object; unknown fields are allowed, because they only make warnings."""
    listed = tuple(fields)
    properties = {known.name: _property(known) for known in listed}
    required = [known.name for known in listed if known.required]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {}) | more


def _read(known: Field, value: Any, faults: Mapping[Flaw, FaultKind]) -> Any:
    try:
        return known.kind.read(known.name, value)
    except MismatchError as error:
        raise invalid(str(error), known.name, kind=faults.get(error.flaw, "invalid")) from None


def _remarks(known: Field, value: Any, read: Any) -> list[str]:
    """What has to be said of a field that was given and is fine."""
    remarks = [f"{known.name} has no effect here: {known.idle}"] if known.idle is not None and read != known.default else []
    if isinstance(known.kind, Flag) and isinstance(value, str):
        remarks.append(f"{known.name} was given as the string {shown(value).removesuffix(' (a string)')} and read as {shown(read)}")
    return remarks


def _unknown(body: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    strange = [str(name) for name in body if name not in known]
    named = [_name_unknown(name, known) for name in strange[:NAMED]]
    return named if len(strange) <= NAMED else [*named, f"and {len(strange) - NAMED} more that are not known here"]


def _name_unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name[:60], known, 1)
    short = name if len(name) <= 60 else name[:57] + "..."
    return f"{short} is not known here and was ignored" + (f"; did you mean {close[0]}?" if close else "")


def _property(known: Field) -> dict[str, Any]:
    about = known.about if known.idle is None else f"{known.about} No effect here: {known.idle}."
    schema = known.kind.schema() | {"description": about}
    if known.required:
        return schema
    kinds = {k: v for k, v in schema.items() if k != "description"}
    return {"anyOf": [kinds, {"type": "null"}], "description": about, "default": known.default}

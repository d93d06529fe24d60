"""Pieces of the JSON schemas by which the dialects tell what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["COUNT", "FLAG", "NUMBER", "STRING", "listed", "record"]

STRING: Mapping[str, Any] = {"type": "string"}
NUMBER: Mapping[str, Any] = {"type": "number"}
COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
FLAG: Mapping[str, Any] = {"type": "boolean"}


def record(*, optional: Mapping[str, Any] | None = None, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with these properties; those in `optional` may be missing."""
    return {"type": "object", "properties": properties | dict(optional or {}), "required": list(properties)}


def listed(items: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a list of these."""
    return {"type": "array", "items": items}

"""Typed look-ups in the JSON files of a model, which come from strangers: every value is checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ModelFilesError

__all__ = ["LARGEST_SIZE", "Reader"]

LARGEST_SIZE = 2**24
"""No encoder has more positions, words or units; a larger number is a mistake, or meant to fill the memory."""

_LARGEST_NUMBER = 1e30  # float() of a larger int may overflow; NaN and infinity fail the comparison too


class Reader:
    """One JSON object of a model. Keys that are missing or null give the default; wrong types raise ModelFilesError."""

    def __init__(self, values: Mapping[str, Any], *, file: str = "config.json") -> None:
        """Read from `values`; `file` is named in messages."""
        self._values = values
        self._file = file

    def has(self, name: str) -> bool:
        """Whether the key is there and not null."""
        return self._values.get(name) is not None

    def integer(self, name: str, *, default: int | None = None) -> int:
        """A whole number of 0 or more. Without a default the key must be there."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SIZE:
            raise self._wrong(name, value, f"a whole number from 0 to {LARGEST_SIZE}")
        return value

    def size(self, name: str, *, default: int | None = None, most: int = LARGEST_SIZE) -> int:
        """A whole number from 1 to `most`."""
        value = self.integer(name, default=default)
        if not 1 <= value <= most:
            raise self._wrong(name, value, f"a whole number from 1 to {most}")
        return value

    def positive(self, name: str, *, default: float | None = None) -> float:
        """A finite number above 0."""
        value = self._get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST_NUMBER:
            raise self._wrong(name, value, "a finite number above 0")
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def text(self, name: str, *, default: str = "") -> str:
        """A string."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value, "a string")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A JSON object, empty where there is none."""
        value = self._get(name, {})
        if not isinstance(value, Mapping):
            raise self._wrong(name, value, "a JSON object")
        return value

    def strings(self, name: str) -> list[str]:
        """A list of strings, empty where there is none."""
        value = self._get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, value, "a list of strings")
        return value

    def _get(self, name: str, default: Any) -> Any:
        value = self._values.get(name)
        return default if value is None else value

    def _wrong(self, name: str, value: object, wanted: str) -> ModelFilesError:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return ModelFilesError(f"{self._file}: {name} must be {wanted}, not {shown}")

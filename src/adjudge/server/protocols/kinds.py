"""What a field of a body may hold: hand-written readers whose messages name the field, what was given and what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

__all__ = [
    "Choice",
    "Documents",
    "Flag",
    "Flaw",
    "Kind",
    "MismatchError",
    "Number",
    "Object",
    "Text",
    "TextOrTexts",
    "Texts",
    "Whole",
    "shown",
]

LARGEST = 2**31 - 1
"""No count in a request may be larger: what comes after reads them as C integers here and there."""


Flaw: TypeAlias = Literal["missing", "type", "empty", "range"]


class MismatchError(ValueError):
    """A value is not what its field wants; says so in a sentence."""

    def __init__(self, message: str, flaw: Flaw = "range") -> None:
        """`flaw`: what sort of mistake it is; dialects answer them with different statuses."""
        super().__init__(message)
        self.flaw = flaw


class Kind(Protocol):
    """What a field may hold."""

    @property
    def wanted(self) -> str:
        """In words: "a string", "a whole number of 1 or more"."""
        ...

    def read(self, name: str, value: Any) -> Any:
        """The value, checked. Raises MismatchError, with a message that names the field."""
        ...

    def schema(self) -> dict[str, Any]:
        """The same as a JSON schema."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string with something in it."""

    wanted = "a string"

    def read(self, name: str, value: Any) -> str:
        """The string as it is, white space and all."""
        text = _string(name, value)
        if not text.strip():
            raise MismatchError(f"{name} must not be empty or be only whitespace", "empty")
        return text

    def schema(self) -> dict[str, Any]:
        """A string that holds more than white space."""
        return {"type": "string", "pattern": r"\S"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; 3.0 is one, true and "3" are none."""

    least: int = 0
    most: int = LARGEST

    @property
    def wanted(self) -> str:
        """With its lower end."""
        return f"a whole number of {self.least} or more"

    def read(self, name: str, value: Any) -> int:
        """The number as an int."""
        if not _is_number(value) or (isinstance(value, float) and not value.is_integer()):
            raise _mistyped(name, self.wanted, value)
        if not self.least <= value <= self.most:
            raise MismatchError(f"{name} must be {self.wanted}{_limit(value, self.most)}, not {shown(value)}")
        return int(value)

    def schema(self) -> dict[str, Any]:
        """An integer between two ends."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number above 0."""

    most: float
    wanted = "a number above 0"

    def read(self, name: str, value: Any) -> float:
        """The number as a float."""
        if not _is_number(value):
            raise _mistyped(name, self.wanted, value)
        if not 0 < value <= self.most:  # NaN fails the comparison
            raise MismatchError(f"{name} must be {self.wanted}{_limit(value, self.most)}, not {shown(value)}")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A number with an open lower end."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false; with `words`, the strings "true" and "false" too, because a client in the field sends them."""

    words: bool = False
    wanted = "true or false"

    def read(self, name: str, value: Any) -> bool:
        """The flag; 0 and 1 are none."""
        if self.words and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise _mistyped(name, self.wanted, value)
        return value

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        plain = {"type": "boolean"}
        return {"anyOf": [plain, {"enum": ["true", "false"]}]} if self.words else plain


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few strings."""

    options: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The options by name."""
        return "one of " + ", ".join(self.options)

    def read(self, name: str, value: Any) -> str:
        """The option."""
        text = _string(name, value, self.wanted)
        if text not in self.options:
            raise MismatchError(f"{name} must be {self.wanted}, not {shown(value)}")
        return text

    def schema(self) -> dict[str, Any]:
        """An enum."""
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of strings, each of which may be empty: what says nothing is told by the judge, one by one."""

    empty: str | None = None  # what to say of an empty list; None: it is fine
    wanted = "a list of strings"

    def read(self, name: str, value: Any) -> tuple[str, ...]:
        """The strings."""
        for index, text in enumerate(_list(name, value, self.wanted, self.empty)):
            if not isinstance(text, str):
                raise _mistyped(f"{name}[{index}]", "a string", text)
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        """An array of strings."""
        return {"type": "array", "items": {"type": "string"}} | ({} if self.empty is None else {"minItems": 1})


@dataclass(frozen=True, slots=True)
class TextOrTexts:
    """One string, or a list of them."""

    empty: str
    wanted = "a string or a list of strings"

    def read(self, name: str, value: Any) -> tuple[str, ...]:
        """The strings; one alone is a list of one."""
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, (list, tuple)):
            raise _mistyped(name, self.wanted, value)
        return Texts(self.empty).read(name, value)

    def schema(self) -> dict[str, Any]:
        """Either."""
        return {"anyOf": [{"type": "string"}, Texts(self.empty).schema()]}


@dataclass(frozen=True, slots=True)
class Documents:
    """A list of documents. What holds no text is refused one by one by the engine, so that it never fails the others."""

    empty: str | None = None  # what to say of an empty list; None: it is fine
    wanted = "a list of documents"

    def read(self, name: str, value: Any) -> tuple[Any, ...]:
        """The documents as they are."""
        return tuple(_list(name, value, self.wanted, self.empty))

    def schema(self) -> dict[str, Any]:
        """An array of anything."""
        about = "A text, or an object whose `text` is one. Anything else is named in the answer's warnings and not ranked."
        return {"type": "array", "items": {"description": about}} | ({} if self.empty is None else {"minItems": 1})


@dataclass(frozen=True, slots=True)
class Object:
    """A JSON object of any content."""

    wanted = "an object"

    def read(self, name: str, value: Any) -> Mapping[str, Any]:
        """The object as it is."""
        if not isinstance(value, Mapping):
            raise _mistyped(name, self.wanted, value)
        return value

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object"}


def shown(value: Any) -> str:
    """A value as it stood in the body, kept short, with its JSON type."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{value if len(value) <= 40 else value[:37] + "..."}" (a string)'
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, int) and abs(value) > 10**20:  # thousands of digits cannot even be shown
        return "a whole number that large"
    return repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and (isinstance(value, int) or not math.isnan(value))


def _string(name: str, value: Any, wanted: str = "a string") -> str:
    if not isinstance(value, str):
        raise _mistyped(name, wanted, value)
    return value


def _list(name: str, value: Any, wanted: str, empty: str | None) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _mistyped(name, wanted, value)
    if empty is not None and not value:
        raise MismatchError(empty, "empty")
    return value


def _limit(value: Any, most: float) -> str:
    return f" and at most {most}" if value > most else ""


def _mistyped(name: str, wanted: str, value: Any) -> MismatchError:
    advice = ""
    if "a list" in wanted and isinstance(value, (str, Mapping)):
        advice = "; put it into a list"
    elif isinstance(value, str) and ("number" in wanted or wanted == "true or false"):
        advice = "; write it without quotes"
    return MismatchError(f"{name} must be {wanted}, not {shown(value)}{advice}", "type")

"""HTML and SVG as text in which nothing that a user wrote can become markup."""

from __future__ import annotations

import re
from html import escape as _escape
from typing import TypeAlias

__all__ = ["Attribute", "Markup", "group", "tag", "words"]

Attribute: TypeAlias = str | float | bool | None

_VOID = frozenset({"meta", "link", "br", "hr"})

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What a page must not hold: control characters, half characters."""


class Markup(str):
    """Text that is markup already. Only tag(), group() and words() make it; what is put together otherwise is escaped again."""

    __slots__ = ()


def words(text: str) -> Markup:
    """Text of anybody as markup that shows it as it is."""
    return Markup(_escape(_NO_TEXT.sub("\ufffd", text)))


def group(*parts: str) -> Markup:
    """Parts one after the other; those that are no markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else words(part) for part in parts))


def tag(name: str, *children: str, **attributes: Attribute) -> Markup:
    """An element. `class_` gives class, `text_anchor` gives text-anchor; None and False leave an attribute out, True has no value.

    Numbers are rounded to two decimals: finer than any screen.
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    inner = group(*children)
    if name in _VOID:
        return Markup(f"<{name}{opened}>")
    return Markup(f"<{name}{opened}>{inner}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = value if isinstance(value, str) else _number(float(value or 0))
    return f' {name}="{words(shown)}"'


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text

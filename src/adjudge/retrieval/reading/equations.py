"""Equations of Word files on one line: what stands above, below and around is told by signs. "1/2" is not "12"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["is_equation", "linear"]

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_BEFORE = {"sub": "_", "sup": "^"}
_BETWEEN = {"f": "/", "limLow": "_", "limUpp": "^", "func": " ", "mr": ", ", "m": "; ", "eqArr": "; ", "oMathPara": " "}
_APART = frozenset(["f", "sSub", "sSup", "sSubSup", "rad", "func"])
_TOGETHER = frozenset(["num", "den", "sub", "sup", "lim"])
_WORD = re.compile(r"[\w.]*")


def is_equation(element: Any) -> bool:
    """Whether it is an equation, or a part of one."""
    return str(element.tag).startswith(_M)  # the tag of a comment is no text


def linear(element: Any) -> list[Any]:
    """The parts of an equation, or of a part: texts, and elements that are still to be read."""
    if _kind(element) not in _APART:
        return _line(element)
    before = " " if _kind(element.getprevious()) == "r" and _touches(element.getprevious(), -1) else ""
    return [before, *_line(element), " " if _touches(element.getnext(), 0) else ""]


def _touches(beside: Any, at: int) -> bool:
    """Whether it would be read as one number or word with what it stands beside: "1 1/2" is not "11/2"."""
    kind = _kind(beside)
    return _said([beside])[at:][:1].isalnum() if kind == "r" else bool(kind) and not kind.endswith("Pr")


def _line(element: Any) -> list[Any]:
    kind, inside = _kind(element), _inside(element)
    if kind == "t":
        return [element.text or ""]
    if kind in _TOGETHER:
        shown = any(text.text for text in element.iter(f"{_M}t"))
        return [_BEFORE.get(kind, ""), *_together(inside)] if shown else []
    if kind == "d":
        between = _separated(inside, _sign(element, "sepChr", "|"))
        return [_sign(element, "begChr", "("), *between, _sign(element, "endChr", ")")]
    if kind == "nary":
        return [_sign(element, "chr", "\u222b"), *inside[:-1], " ", *inside[-1:]]
    if kind == "rad":
        return ["\u221a", *inside[:-1], *(part for base in inside[-1:] for part in _together(_inside(base)))]
    if kind == "deg":
        return ["[", *inside, "]"] if inside else []
    if kind == "acc":
        return [*inside, _sign(element, "chr", "\u0302")]
    return _separated(inside, _BETWEEN.get(kind, ""))


def _kind(element: Any) -> str:
    return "" if element is None else str(element.tag).rpartition("}")[2]


def _inside(element: Any) -> list[Any]:
    """Its parts without its properties."""
    return [part for part in element if not _kind(part).endswith("Pr")]


def _said(runs: Sequence[Any]) -> str:
    return "".join(text.text or "" for run in runs for text in run.iter(f"{_M}t"))


def _together(inside: Sequence[Any]) -> list[Any]:
    """In brackets, but for a single word or number."""
    alone = all(_kind(part) == "r" for part in inside) and _WORD.fullmatch(_said(inside))
    return list(inside) if alone else ["(", *inside, ")"]


def _separated(inside: Sequence[Any], sign: str) -> list[Any]:
    return [part for element in inside for part in (sign, element)][1:]


def _sign(element: Any, name: str, usual: str) -> str:
    """A character that the properties of an element name; `usual` where they do not, none where they name none."""
    found = element.find(f"{_M}{_kind(element)}Pr/{_M}{name}")
    return usual if found is None else str(found.get(f"{_M}val", ""))

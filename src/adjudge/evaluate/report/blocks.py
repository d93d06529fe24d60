"""What the page is put together from: sections, figures, tables, notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .markup import Markup, group, tag

__all__ = ["FULL", "NARROW", "PANEL", "Section", "figure", "listing", "notice", "numbers_behind", "section", "table", "two_widths"]

FULL, NARROW, PANEL = 960.0, 344.0, 310.0
"""Pixels: of a drawing over the page's whole width, of the same on a phone, and of one of three side by side."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page that the contents point at."""

    anchor: str
    name: str  # in the contents
    body: Markup


def section(anchor: str, title: str, *parts: str, name: str = "") -> Section:
    """A section under its title; `name` is a shorter one for the contents."""
    return Section(anchor, name if name else title, tag("section", tag("h2", title), *parts, id=anchor))


def two_widths(draw: Callable[[float], Markup]) -> Markup:
    """A drawing twice, for a screen and for a phone, of which the style sheet shows one: text must not shrink with the drawing."""
    return group(tag("div", draw(FULL), class_="wide"), tag("div", draw(NARROW), class_="narrow"))


def figure(drawn: Markup, caption: str, *, title: str = "", class_: str | None = None) -> Markup:
    """A drawing, what it shows above it, and how to read it below."""
    named = [tag("h3", title)] if title else []
    return tag("figure", *named, drawn, tag("figcaption", caption), class_=class_)


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Rows whose first cell names them. Wider than the screen, it scrolls within itself; `caption` is for those who do not see it."""
    titles = tag("thead", tag("tr", *(tag("th", title, scope="col") for title in head)))
    body = tag("tbody", *(tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows))
    inner = tag("table", tag("caption", caption, class_="unseen"), titles, body)
    return tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex="0")


def numbers_behind(summary: str, shown: Markup) -> Markup:
    """What a drawing shows, as a table behind a click."""
    return tag("details", tag("summary", summary), shown, class_="behind")


def notice(title: str, lines: Sequence[str]) -> Markup:
    """Something that a reader must not miss."""
    return tag("div", tag("p", title, class_="strong"), tag("ul", *(tag("li", line) for line in lines)), class_="notice")


def listing(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Names and what they stand for."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="facts")

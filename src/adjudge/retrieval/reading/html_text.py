"""Goes through the elements of a page, without recursion: pages may be nested deeper than Python is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .compose import Composer

if TYPE_CHECKING:
    from bs4.element import PageElement, Tag

__all__ = ["HtmlReader"]

_LEVELS = {f"h{level}": level for level in range(1, 7)}
_LEFT_OUT = frozenset(
    ["script", "style", "template", "noscript", "nav", "svg", "head", "title", "iframe", "object", "canvas", "select", "datalist", "dialog"]
)
_BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "li", "main", "ol", "p", "section", "summary"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    ]
)
_LISTS = frozenset(["ol", "ul"])


@dataclass(frozen=True, slots=True)
class _End:
    """Where a block ends."""

    name: str


class HtmlReader:
    """Adds what it reads to a composer."""

    def __init__(self, composer: Composer) -> None:
        """`composer`: where the blocks go."""
        self._composer = composer
        self._waiting: list[str] = []  # of the paragraph that is being read; "\n" only where the page says <br>
        self._mark = ""  # of the list entry that has just begun
        self._lists: list[int | None] = []  # the lists that are open, with the next number of those that count

    def read(self, root: Tag) -> None:
        """Everything below an element."""
        from bs4 import Tag

        stack: list[PageElement | _End] = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, _End):
                self._flush()
                if node.name in _LISTS:
                    self._lists.pop()
                elif node.name == "li":
                    self._mark = ""
            elif not isinstance(node, Tag):
                self._waiting.append(_plain(node))
            elif not _left_out(node) and not self._whole(node):
                if node.name in _BLOCKS:
                    self._begin(node)
                    stack.append(_End(node.name))
                stack.extend(reversed(node.contents))
        self._flush()

    def _begin(self, block: Tag) -> None:
        self._flush()
        if block.name in _LISTS:
            start = str(block.get("start", "1"))
            first = int(start) if start.isdecimal() and len(start) < 9 else 1
            self._lists.append(first if block.name == "ol" else None)
        elif block.name == "li":
            number = self._lists[-1] if self._lists else None
            self._mark = "- " if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1

    def _whole(self, tag: Tag) -> bool:
        """Whether the element is one block, which was added, or one that ends a line."""
        if tag.name == "br":
            self._waiting.append("\n")
        elif tag.name == "img":
            self._waiting.append(f" {tag.get('alt', '')} ")
        elif tag.name in _LEVELS:
            self._flush()
            self._composer.add(_words(tag), "heading", level=_LEVELS[tag.name])
        elif tag.name in ("pre", "textarea"):
            self._flush()
            self._composer.add(_string(tag, "\n").strip("\n"), "code")
        elif tag.name == "table" and _is_data(tag):
            self._flush()
            self._composer.add("\n".join(_rows(tag)), "table")
        else:
            return False
        return True

    def _flush(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._waiting).split("\n"))
        text = "\n".join(line for line in lines if line)
        self._waiting.clear()
        if text:
            self._composer.add(self._mark + text, "prose")
            self._mark = ""


def _left_out(tag: Tag) -> bool:
    classes = tag.get("class", "")
    hidden = tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or tag.get("role") == "navigation"
    return tag.name in _LEFT_OUT or hidden or "headerlink" in (classes if isinstance(classes, list) else str(classes).split())


def _is_data(table: Tag) -> bool:
    """Not one that only lays out a page: those hold other tables, headings or listings."""
    return table.get("role") != "presentation" and table.find(["table", "pre", *_LEVELS]) is None


def _rows(table: Tag) -> Iterator[str]:
    """The caption, then a line for each row. Old pages do not say where rows and cells end, only where the next begins."""
    cells: list[str] = [""]
    for part in _parts(table):
        if isinstance(part, str):
            cells[-1] += part
        elif part.name in ("td", "th"):
            cells.append("")
        elif part.name in ("tr", "table", "caption"):
            yield from _row(cells)
            cells = [""]
        else:
            cells[-1] += " "
    yield from _row(cells)


def _row(cells: list[str]) -> Iterator[str]:
    """One line; what stands before the first cell is the caption, or white space."""
    words = [" ".join(cell.split()).replace("|", "/") for cell in cells]
    if any(words):
        yield " | ".join(words if words[0] else words[1:])


def _words(tag: Tag) -> str:
    return " ".join(_string(tag, " ").split())


def _string(tag: Tag, line_break: str) -> str:
    """All text below an element; white space as it stands."""
    return "".join(part if isinstance(part, str) else line_break for part in _parts(tag))


def _parts(tag: Tag) -> Iterator[str | Tag]:
    """Text below an element, and the blocks and breaks between: where they begin, and where blocks end."""
    from bs4 import Tag

    stack: list[PageElement | _End] = list(reversed(tag.contents))
    while stack:
        node = stack.pop()
        if isinstance(node, _End):
            yield "\n"
        elif not isinstance(node, Tag):
            yield _plain(node, keep=True)
        elif node.name == "img":
            yield str(node.get("alt", ""))
        elif node.name == "br":
            yield node
        elif not _left_out(node):
            if node.name in _BLOCKS:
                yield node
                stack.append(_End(node.name))
            stack.extend(reversed(node.contents))


def _plain(node: PageElement, *, keep: bool = False) -> str:
    """The text of a leaf; comments, declarations and scripts have none."""
    from bs4.element import CData, NavigableString

    if type(node) not in (NavigableString, CData):
        return ""
    return str(node) if keep else str(node).replace("\n", " ")

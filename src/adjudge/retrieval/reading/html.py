"""HTML as text: headings, paragraphs, list entries, preformatted text and tables (the library Beautiful Soup)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import MissingExtraError
from ..base import Scalar
from .compose import Composer
from .encoding import NotText, clean, decode
from .file import File
from .html_text import HtmlReader
from .source import Skipped, Source

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

__all__ = ["read_html"]

_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE | re.ASCII
)
_HEAD = 4096
_INSTRUCTIONS = re.compile(r"\s*(?:<\?[^>]*>\s*)*")


def read_html(file: File, data: bytes) -> Source | Skipped:
    """A page as one source: what stands in its <main>, where it has one, else all of it.

    Scripts, navigation and what is hidden are left out. Rows of a table are lines, with bars between the cells. Where no <h1> does, the
    page's title stands above the text.
    """
    declared = _DECLARED.search(data[:_HEAD])
    decoded = decode(data, declared=(declared[1] or declared[2]).decode("ascii") if declared else None)
    if isinstance(decoded, NotText):
        return file.skipped(decoded.reason, decoded.message)
    page = _parse(clean(decoded.text))
    if page is None:
        return file.skipped("damaged", "is no HTML that can be read")
    metadata, content, composer = _metadata(page), _content(page), Composer()
    if content.find("h1") is None and "title" in metadata:
        composer.add(str(metadata["title"]), "heading", level=1)
    HtmlReader(composer).read(content)
    text, blocks = composer.text(), tuple(composer.blocks)
    return Source(name=file.name, format="html", text=text, blocks=blocks, metadata=metadata, notes=decoded.notes)


def _parse(text: str) -> BeautifulSoup | None:
    """Python's own parser: it has no limit of depth, behind which text is lost, as libxml2 has."""
    try:
        from bs4 import BeautifulSoup
        from bs4.exceptions import ParserRejectedMarkup
    except ImportError:
        raise MissingExtraError(package="beautifulsoup4", extra="search", what="reading HTML") from None
    begin = _INSTRUCTIONS.match(text)  # an XML declaration in front of XHTML would be warned of
    try:
        return BeautifulSoup(text[0 if begin is None else begin.end() :] + "\n", "html.parser")  # one line could be taken for a file's name
    except ParserRejectedMarkup:
        return None


def _content(page: BeautifulSoup) -> Tag:
    found = page.find_all("main") or page.find_all(role="main")
    return found[0] if len(found) == 1 else page


def _metadata(page: BeautifulSoup) -> Mapping[str, Scalar]:
    found: dict[str, Scalar] = {}
    title, root = page.find("title"), page.find("html")
    if title is not None and (words := " ".join(title.get_text().split())):
        found["title"] = words
    language = "" if root is None else str(root.get("lang", "")).strip()
    if language:
        found["language"] = language
    return found

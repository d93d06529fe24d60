"""Markdown: the text as it is written, and CommonMark's blocks with tables (the library markdown-it-py)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from ...errors import MissingExtraError
from ..base import Scalar
from .compose import fill
from .encoding import NotText, clean, decode
from .file import File
from .source import Block, BlockKind, Skipped, Source

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["markdown_blocks", "read_markdown"]

_KINDS: Mapping[str, BlockKind] = {
    "heading_open": "heading",
    "paragraph_open": "prose",
    "html_block": "prose",
    "hr": "prose",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
}
_FRONT = re.compile(r"---[^\S\n]*\n(.*?\n)?(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|lang|language)\s*+:\s*+(\S.*)", re.MULTILINE)  # the white space behind is taken off later: in one pass


def read_markdown(file: File, data: bytes) -> Source | Skipped:
    """A file as one source. Title and language come from its front matter, the title else from its first heading of level 1."""
    decoded = decode(data)
    if isinstance(decoded, NotText):
        return file.skipped(decoded.reason, decoded.message)
    text = clean(decoded.text)
    blocks = markdown_blocks(text)
    return Source(name=file.name, format="markdown", text=text, blocks=blocks, metadata=_metadata(text, blocks), notes=decoded.notes)


def markdown_blocks(text: str) -> tuple[Block, ...]:
    """Headings, paragraphs, list entries, code and tables, in order. Front matter is a paragraph, link definitions too."""
    front = _FRONT.match(text)
    begin = 0 if front is None else front.end()
    starts = list(accumulate((len(line) + 1 for line in text[begin:].split("\n")), initial=begin))
    tokens = _parser().parse(text[begin:])
    found = [Block(start=0, end=begin, kind="prose")] if front else []
    found.extend(_blocks(tokens, [min(start, len(text)) for start in starts]))
    return fill(text, found)


def _blocks(tokens: list[Token], starts: list[int]) -> Iterator[Block]:
    """The tokens that hold text themselves; lists and quotations only hold others. `starts`: where each line begins."""
    done = 0  # the first line that is in no block yet: an entry of a list may open two on one line
    for at, token in enumerate(tokens):
        kind = _KINDS.get(token.type)
        if kind is None or token.map is None or token.map[1] <= done:
            continue
        first, last = max(token.map[0], done), token.map[1]
        level, title = 0, ""
        if kind == "heading" and token.level == 0:
            level, title = int(token.tag[1:]), _title(tokens[at + 1].content)
        if kind == "heading" and not title:  # in a quotation or a list, or nothing but its mark
            kind = "prose"
        yield Block(start=starts[first], end=starts[last], kind=kind, level=level, title=title)
        done = last


@cache
def _parser() -> MarkdownIt:
    """Blocks only: what stands inside paragraphs is left alone."""
    parser = _markdown_it()
    parser.core.ruler.disable(["inline"])
    return parser


@cache
def _inline_parser() -> MarkdownIt:
    return _markdown_it()


def _markdown_it() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingExtraError(package="markdown-it-py", extra="search", what="reading Markdown") from None
    return MarkdownIt("commonmark").enable("table")


def _title(content: str) -> str:
    """A heading without its marks: the texts of links, code and emphasis."""
    inline = _inline_parser().parseInline(content)[0].children
    shown = (child for child in inline or () if child.type != "html_inline")
    return " ".join("".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in shown).split())


def _metadata(text: str, blocks: tuple[Block, ...]) -> Mapping[str, Scalar]:
    front = _FRONT.match(text)
    fields = {name: value.rstrip() for name, value in _FIELD.findall(front[0])} if front else {}
    found: dict[str, Scalar] = {}
    title = fields.get("title", "").strip("'\"") or next((block.title for block in blocks if block.level == 1), "")
    language = (fields.get("lang") or fields.get("language", "")).strip("'\"")
    for name, value in (("title", title), ("language", language)):
        if value:
            found[name] = value
    return found

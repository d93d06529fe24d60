"""Blocks of plain text and Markdown: every character in one of them, code, tables and headings found for what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from adjudge.retrieval.reading.encoding import clean
from adjudge.retrieval.reading.file import File
from adjudge.retrieval.reading.markdown import markdown_blocks, read_markdown
from adjudge.retrieval.reading.plain import plain_blocks
from adjudge.retrieval.reading.source import Block, Source
from tests.retrieval.reading.structured_texts import CHINESE, CODE, GUIDE, PARAGRAPHS, TABLE, TEXTS, uncovered

Blocks = Callable[[str], tuple[Block, ...]]


def shown(text: str, blocks: tuple[Block, ...]) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks]


def headings(blocks: tuple[Block, ...]) -> list[tuple[int, str]]:
    return [(block.level, block.title) for block in blocks if block.kind == "heading"]


@pytest.mark.parametrize("blocks_of", [plain_blocks, markdown_blocks])
@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_every_character_is_in_one_block(blocks_of: Blocks, text: str) -> None:
    text = clean(text)
    blocks = blocks_of(text)
    assert uncovered(text, [(block.start, block.end) for block in blocks]) == ""
    for block in blocks:
        part = text[block.start : block.end]
        assert part.strip()
        assert part == (part.rstrip() if block.kind == "code" else part.strip())
        assert (block.kind == "heading") == (block.level > 0) == bool(block.title)


def test_markdown_is_read_as_commonmark() -> None:
    found = shown(GUIDE, markdown_blocks(GUIDE))
    assert ("code", f"```python\n{CODE}\n```") in found
    assert ("table", TABLE) in found
    assert ("prose", "- First the outdoor unit.") in found
    assert ("prose", "They must be insulated.") in found
    assert ("prose", CHINESE) in found
    expected = [(1, "Heat pumps"), (2, "Installation"), (3, "Models"), (2, "常见问题"), (2, "Noise")]
    assert headings(markdown_blocks(GUIDE)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## The `run` *command* [here](x.md) ##", [(2, "The run command here")]),
        ("Two\nlines\n=====", [(1, "Two lines")]),
        ("> # quoted", []),
        ("- # in a list", []),
        ("```\n# a comment\n```", []),
        ("#", []),
        ("#hashtag", []),
        ("---\ntitle: Pumps\n---\n\n# A", [(1, "A")]),
    ],
)
def test_headings_of_markdown(text: str, expected: list[tuple[int, str]]) -> None:
    assert headings(markdown_blocks(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title\n=====\n\nx\n\nPart\n----\n\ny", [(1, "Title"), (2, "Part")]),
        ("=====\nTitle\n=====\n\nPart\n====\n\nAlso\n~~~~", [(1, "Title"), (2, "Part"), (3, "Also")]),
        ("a line of text\nand its last\n------------\n\nx", []),
        ("1. Introduction\n\nThis is.\n\n1.1 Terms\n\nThey are.", [(1, "1. Introduction"), (2, "1.1 Terms")]),
        ("1. Buy milk\n\n2. Buy bread\n\nThen go home.", []),
        ("第一章 概述\n本章介绍。\n第二节 安装步骤\n先装外机。", [(2, "第一章 概述"), (3, "第二节 安装步骤")]),
        ("一、总则\n本法适用。\n（一）范围\n全国。", [(4, "一、总则"), (5, "（一）范围")]),
        ("一、总则在此说明。", []),
        ("Chapter 3: Noise\n\nIt is low.", [(2, "Chapter 3: Noise")]),
        ("Глава IV\n\nШум.", [(2, "Глава IV")]),
        ("Capítulo 2\n\nRuido.", [(2, "Capítulo 2")]),
        ("NAME\n\npump - warms rooms", [(1, "NAME")]),
        ("# Marked\n\nx", [(1, "Marked")]),
        ("x\n# a comment\ny", []),
        ("Just a line\n\nand another", []),
        ("last line alone\n\nSECTION", []),
    ],
)
def test_headings_of_plain_text(text: str, expected: list[tuple[int, str]]) -> None:
    assert headings(plain_blocks(text)) == expected


def test_plain_text_has_code_tables_and_list_entries() -> None:
    indented = CODE.replace("\n", "\n    ")
    text = f"Use it so:\n\n    {indented}\n\na\t1\nb\t2\n\n"
    text += "You need:\n- a pump\n- pipes,\n  insulated\n\n```\n\nx\n```\nend"
    kinds = shown(text, plain_blocks(text))
    assert kinds[1][0] == "code"
    assert kinds[1][1].startswith("    def warm")
    assert kinds[1][1].endswith("return room.temperature")
    assert kinds[2:] == [
        ("table", "a\t1\nb\t2"),
        ("prose", "You need:"),
        ("prose", "- a pump"),
        ("prose", "- pipes,\n  insulated"),
        ("code", "```\n\nx\n```"),
        ("prose", "end"),
    ]


def test_lines_that_were_never_wrapped_are_paragraphs() -> None:
    lines = [paragraph * 2 for paragraph in PARAGRAPHS.values()]
    text = "\n".join(lines)
    assert [part for _, part in shown(text, plain_blocks(text))] == lines
    wrapped = "The pump is\nquiet and\nsmall."
    assert [part for _, part in shown(wrapped, plain_blocks(wrapped))] == [wrapped]


@pytest.mark.parametrize(
    ("line", "title"),
    [("title:  A  b \t", "A  b"), ("title : 'A b'", "A b"), ("title: A" + " " * 500_000 + "b", "A" + " " * 500_000 + "b")],
    ids=["spaces", "quotes", "very long"],  # the long one must only end: time with its square would be many minutes
)
def test_the_title_in_front_matter(line: str, title: str) -> None:
    source = read_markdown(File(path=Path("a.md"), name="a.md", format="markdown"), f"---\n{line}\nlang: en\n---\n\n# Other\n".encode())
    assert isinstance(source, Source)
    assert source.metadata == {"title": title, "language": "en"}

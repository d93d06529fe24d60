"""The question's own words in a line of text: the same words in any case, and pairs of characters where a script has no spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

__all__ = ["Words", "question_words", "split_at_words"]

_NO_SPACES = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_RUN = re.compile(rf"[{_NO_SPACES}]+|[^\W{_NO_SPACES}]+")
_WITHOUT_SPACES = re.compile(f"[{_NO_SPACES}]")

_SHORT = 4  # characters: what is shorter is mostly an article or a preposition, in every language with spaces

Words = frozenset[str]
"""Case-folded words, and pairs of Chinese characters."""


def question_words(query: str) -> Words:
    """The words worth finding again: long ones, those with a digit, and acronyms."""
    found: set[str] = set()
    for run in _RUN.findall(query):
        if _WITHOUT_SPACES.match(run):
            found.update(run[i : i + 2] for i in range(len(run) - 1))
        elif len(run) >= _SHORT or any(c.isdigit() for c in run) or (len(run) > 1 and run.isupper()):
            found.add(run.casefold())
    return frozenset(found)


def split_at_words(line: str, words: Words) -> Iterator[tuple[str, bool]]:
    """The line in pieces, each with whether it is one of the words. Joined, they are the line."""
    marked = bytearray(len(line))
    for run in _RUN.finditer(line):
        for start, end in _found(run, words):
            marked[start:end] = b"\x01" * (end - start)
    for is_word, piece in groupby(zip(line, marked, strict=True), key=lambda pair: pair[1]):
        yield "".join(character for character, _ in piece), bool(is_word)


def _found(run: re.Match[str], words: Words) -> Iterator[tuple[int, int]]:
    if not _WITHOUT_SPACES.match(run[0]):
        if run[0].casefold() in words:
            yield run.span()
        return
    for at in range(run.start(), run.end() - 1):
        if run.string[at : at + 2] in words:
            yield at, at + 2

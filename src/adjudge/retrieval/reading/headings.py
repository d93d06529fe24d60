"""Which lines of a plain text are headings, and of which level: by their look, in the languages that adjudge is made for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Heading", "Headings"]

LONGEST = 100
"""Characters of a heading at most."""

_UNDERLINE = re.compile(r"([=\-~^\"'#*+_`])\1{2,}\s*\Z")
_HASHES = re.compile(r"(#{1,6})\s+(\S.*?)(?:\s+#+)?\s*\Z")
_NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3})*)\.?[ \t　]+[^\W\d_]")
_CHINESE = re.compile(r"\s*第[一二三四五六七八九十百千零〇两\d]{1,6}(?:([编卷部章回篇节])(?:[\s：:].*)?|([章节])\S{1,30})\Z")
_COUNTED = re.compile(r"\s*(?:([一二三四五六七八九十]{1,3})、|[（(][一二三四五六七八九十]{1,3}[)）])\S.{0,38}\Z")
_NAMED = re.compile(
    r"(?:(part|parte|partie|часть|book|libro|livre|книга|том)|(chapter|cap[ií]tulo|chapitre|глава)"
    r"|(?:section|secci[oó]n|раздел|appendix|anexo|annexe|приложение))\s+(?:\d{1,4}|[IVXLC]{1,6}|[A-Z])\b.{0,80}\Z",
    re.IGNORECASE,
)
_ENDS = frozenset(".。!！?？,，;；…、")
_LEVELS_OF = {"编": 1, "卷": 1, "部": 1, "章": 2, "回": 2, "篇": 2, "节": 3}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins on some line."""

    title: str
    level: int  # 1 is the outermost
    lines: int  # with its rules above and below


class Headings:
    """The headings of a text, found one line at a time.

    A heading is underlined (setext, reStructuredText: levels in the order in which their rules appear), has hashes, a number (1.2), a
    word such as Chapter, Глава or 第三章, or capitals only; all but the underlined and the Chinese ones stand between blank lines.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        """`lines`: without their breaks."""
        self._lines = lines
        self._rules: list[str] = []  # what headings were underlined with so far

    def at(self, index: int) -> Heading | None:
        """The heading that begins on a line, if one does. Ask in the order of the lines."""
        line = self._lines[index]
        if not line.strip() or len(line) > LONGEST:
            return None
        return self._underlined(index) or self._chinese(line) or (self._marked(index) if self._alone(index) else None)

    def _line(self, index: int) -> str:
        return self._lines[index] if 0 <= index < len(self._lines) else ""

    def _alone(self, index: int) -> bool:
        return not self._line(index - 1).strip() and not self._line(index + 1).strip() and bool(self._below(index))

    def _below(self, index: int) -> str:
        """The next line with something on it, among the next few."""
        return next((line for line in self._lines[index + 1 : index + 5] if line.strip()), "")

    def _above(self, index: int) -> str:
        """The line before, in the same way."""
        return next((line for line in reversed(self._lines[max(0, index - 4) : index]) if line.strip()), "")

    def _underlined(self, index: int) -> Heading | None:
        over = _UNDERLINE.match(self._lines[index])
        title, under = (index + 1, index + 2) if over else (index, index + 1)
        text, rule = self._line(title), _UNDERLINE.match(self._line(under))
        if rule is None or not any(c.isalnum() for c in text) or len(text) > LONGEST:
            return None
        if over and over[0].rstrip() != rule[0].rstrip():
            return None
        if (not over and (text[0].isspace() or self._line(index - 1).strip())) or len(rule[0].rstrip()) < len(text.strip()) // 2:
            return None
        style = rule[1] * 2 if over else rule[1]
        if style not in self._rules:
            self._rules.append(style)
        return Heading(" ".join(text.split()), self._rules.index(style) + 1, under - index + 1)

    def _chinese(self, line: str) -> Heading | None:
        text = line.strip()
        if text[-1] in _ENDS:
            return None
        if found := _CHINESE.match(line):
            return Heading(text, _LEVELS_OF[found[1] or found[2]], 1)
        if found := _COUNTED.match(line):
            return Heading(text, 4 if found[1] else 5, 1)
        return None

    def _marked(self, index: int) -> Heading | None:
        line = self._lines[index]
        text = " ".join(line.split())
        if found := _HASHES.match(line):
            return Heading(found[2], len(found[1]), 1)
        if text[-1] in _ENDS or line[0].isspace():
            return None
        if found := _NUMBERED.match(line):
            listed = any(_NUMBERED.match(line) for line in (self._above(index), self._below(index)))  # one entry of a list after the other
            return None if listed and "." not in found[1] else Heading(text, found[1].count(".") + 1, 1)
        if found := _NAMED.match(line):
            return Heading(text, 1 if found[1] else 2 if found[2] else 3, 1)
        capitals = text.isupper() and len(text) > 2 and not any(c in text for c in ":=<>{}|")
        return Heading(text, 1, 1) if capitals else None

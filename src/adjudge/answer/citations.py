"""Which sources a text names, whether there are such sources, and which sentences name none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..engine.sentences import sentence_spans
from .values import Citation

__all__ = ["citation_warnings", "find_citations", "uncited_sentences"]

_BRACKETS = re.compile(r"[\[【［]\s*(\d{1,3}(?:\s*[,，、;；–-]\s*\d{1,3})*)\s*[\]】］]")
"""[1], [1, 3], [2-4], and the brackets that Chinese texts use."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)  # items[1] in code cites nothing
_LEADING = re.compile(rf"^(?:{_BRACKETS.pattern}\s*)+")
_ONE = re.compile(r"(\d{1,3})(?:\s*[–-]\s*(\d{1,3}))?")


def find_citations(text: str, sources: int) -> tuple[Citation, ...]:
    """Every number that `text` cites, in its order; known are 1 to `sources`. Code is passed over."""
    code = [match.span() for match in _CODE.finditer(text)]
    found: list[Citation] = []
    for match in _BRACKETS.finditer(text):
        if any(start <= match.start() < end for start, end in code):
            continue
        for number in dict.fromkeys(_numbers(match[1])):
            found.append(Citation(number=number, start=match.start(), end=match.end(), known=1 <= number <= sources))
    return tuple(found)


def uncited_sentences(text: str, citations: Sequence[Citation]) -> tuple[str, ...]:
    """Sentences without any citation, trimmed. What only leads to the next line ("There are two:") and code are not counted."""
    code = [match.span() for match in _CODE.finditer(text)]
    spans = sentence_spans(text)
    cited = {at for citation in citations for at in _sentences_of(citation, text, spans)}
    left = []
    for at, (start, end) in enumerate(spans):
        begins = start + len(text[start:end]) - len(text[start:end].lstrip())
        in_code = any(first <= begins < last for first, last in code)
        fence = min((first for first, _ in code if begins < first < end and text.startswith("```", first)), default=end)
        sentence = text[start:fence].strip()
        if at in cited or in_code or sentence.endswith((":", "：")) or not _has_words(sentence):
            continue
        left.append(_LEADING.sub("", sentence))
    return tuple(left)


def _sentences_of(citation: Citation, text: str, spans: Sequence[tuple[int, int]]) -> set[int]:
    """The sentence that a citation stands in; one that opens a sentence, as in "Fruit. [2]", is of the sentence before.

    It may be of both, as in "... fruit. [2] says that ...", unless its line ends behind it.
    """
    inside = next(at for at, (start, end) in enumerate(spans) if start <= citation.start < end)
    start, end = spans[inside]
    if inside == 0 or _BRACKETS.sub("", text[start : citation.start]).strip():
        return {inside}
    behind = _BRACKETS.sub("", text[citation.end : end]).lstrip(" \t")
    return {inside - 1} if not behind or behind[0] in "\r\n" else {inside - 1, inside}


def citation_warnings(citations: Sequence[Citation], sources: int) -> tuple[str, ...]:
    """What is wrong with the citations of a generated answer, a sentence each."""
    unknown = sorted({citation.number for citation in citations if not citation.known})
    if unknown:
        named = ", ".join(f"[{number}]" for number in unknown)
        given = "only one source" if sources == 1 else f"only {sources} sources"
        return (f"the answer cites {named}, and there {'was' if sources == 1 else 'were'} {given}: what rests on that rests on nothing",)
    return () if citations else ("the answer names none of its sources, so nothing says where it comes from",)


def _numbers(text: str) -> Iterator[int]:
    for match in _ONE.finditer(text):
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        yield from range(first, last + 1) if last >= first else (first, last)


def _has_words(sentence: str) -> bool:
    return sum(c.isalnum() for c in sentence) > 2

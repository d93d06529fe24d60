"""Where sentences end, in Chinese, English, Spanish, French and Russian: rules over characters, no model and no language asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .abbreviations import AMBIGUOUS, BEFORE_NUMBERS, NEVER_LAST, OFTEN_LAST, STARTERS

__all__ = ["sentence_spans"]

_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_BREAK = "\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]"

_STOP = re.compile(r"[.!?…。！？｡．‼⁇⁈⁉]+")
_CLOSERS = re.compile(r"""(?:["'”’»›)\]}）」』】*_`]|[ \u00a0\u202f]»|\[\d{1,3}\])*""")
_OPENERS = re.compile(r"""(?:["'“‘„«‹(\[{（「『【¿¡*_`]|[—–-]\s)\s*""")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d_]+")
_WORD_BEFORE = re.compile(r"[^\W_][\w.'’-]*\Z")
_SPACED_LETTERS = re.compile(r"(?<!\w)([^\W\d_]\.)\s+")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]\Z")
_MARKER = re.compile(rf"(?:\A|{_BREAK})\s*[(（]?(?:\d{{1,3}}|[^\W\d_]|[ivxIVX]{{1,5}})\Z")
_WIDE_CHARACTER = re.compile(f"[{_WIDE}]")

_LINE = re.compile(rf"(?s)(.*?)({_BREAK}|\Z)")
_ITEM = re.compile(r"\s*(?:[-*•‣◦▪●○·–—+]\s|\d{1,3}[.)、．]|[(（]\d{1,3}[)）]|[一二三四五六七八九十]{1,3}、|#{1,6}\s|\||>|```)")

_GOES_ON = frozenset(",;:，、；：》〉")
_LOOK_BACK = 24
_QUOTATION = 200  # characters that are searched for the quote that opened
_WRAPPED = (40, 130)  # cells: lines of hard-wrapped prose; what is shorter is a heading or a list, what is longer a paragraph
_WRAPPED_LOWER = 16  # a line that begins in lower case goes on with the one before, also in a narrow column


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open character ranges of the sentences, in order and without a gap: together they are the whole text.

    White space after a sentence belongs to it, white space before the first one to the first. A sentence ends after 。！？ anywhere
    and after . ! ? … before white space, closing quotes and brackets included, unless it is an abbreviation, an initial, a decimal,
    a list number, or goes on in lower case. A line ends one too, unless it was only wrapped. Ranges without a letter or digit
    (rules, bullets, emoji) belong to the sentence before them. Empty text has no sentences.
    """
    cuts = sorted({*_cuts_after_stops(text), *_cuts_after_lines(text)})
    spans: list[tuple[int, int]] = []
    worded = False  # whether the last span has a letter or digit
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        if start == end:
            continue
        has_words = any(c.isalnum() for c in text[start:end])
        if spans and not (worded and has_words):
            spans[-1] = (spans[-1][0], end)
            worded = worded or has_words
        else:
            spans.append((start, end))
            worded = has_words
    return spans


def _cuts_after_stops(text: str) -> Iterator[int]:
    lower = text.islower()  # written without capitals: then a small letter says nothing
    begun = at = 0
    while stop := _STOP.search(text, at):
        at = stop.end()
        end = _closed(text, begun, stop)
        cut = _after(_SPACE, text, end)
        if cut == len(text):
            return
        ends = _ends_wide(text, stop, end) or (cut > end and _ends_spaced(text, stop, cut, lower=lower))
        if ends:
            begun = at = cut
            yield cut


def _closed(text: str, begun: int, stop: re.Match[str]) -> int:
    """The end of the quotes and brackets that close behind a stop. A straight quote between Chinese characters may also open one."""
    end = _after(_CLOSERS, text, stop.end())
    if text[stop.end() : end] in ('"', "'") and end < len(text) and _WIDE_CHARACTER.match(text, end):
        opened = text.count(text[stop.end()], max(begun, end - _QUOTATION), stop.start()) % 2 == 1
        return end if opened else stop.end()
    return end


def _ends_wide(text: str, stop: re.Match[str], end: int) -> bool:
    """A Chinese stop, or a Western one between Chinese characters: no white space is needed after it."""
    if text[end] in _GOES_ON:
        return False
    if any(c in "。！？｡" for c in stop[0]):
        return True
    if "…" in stop[0] or stop.start() == 0:
        return False
    return bool(_WIDE_CHARACTER.match(text, stop.start() - 1) and _WIDE_CHARACTER.match(text, end))


def _ends_spaced(text: str, stop: re.Match[str], cut: int, *, lower: bool) -> bool:
    """A stop before white space, with the next sentence beginning at `cut`."""
    begin = cut
    while (opener := _OPENERS.match(text, begin)) and opener.end() < len(text):
        begin = opener.end()
    if text[begin] in _GOES_ON or text[begin] in ")]}»”":
        return False
    word = _WORD.match(text, begin)
    if word and word[0].islower() and not lower:
        return False
    return stop[0] != "." or not _abbreviated(text, stop.start(), begin, word)


def _abbreviated(text: str, dot: int, begin: int, following: re.Match[str] | None) -> bool:
    """Whether the full stop at `dot` belongs to the word before it, the next word being at `begin`."""
    first = max(0, dot - _LOOK_BACK)
    head = text[first:dot]
    if _MARKER.search(head if first == 0 else "x" + head):
        return True
    exact, *words = _words_before(head)
    if exact in NEVER_LAST or not NEVER_LAST.isdisjoint(words):
        return True
    if not BEFORE_NUMBERS.isdisjoint(words):
        return text[begin].isdigit()
    if not OFTEN_LAST.isdisjoint(words):
        return False
    return bool(not AMBIGUOUS.isdisjoint(words) or _ACRONYM.match(exact)) and not _starts(text, following)


def _words_before(head: str) -> tuple[str, str, str]:
    """The word that `head` ends in: as it stands, in small letters, and in those with the single letters before it ("p. ej" -> "p.ej")."""
    plain, joined = (_WORD_BEFORE.search(form) for form in (head, _SPACED_LETTERS.sub(r"\1", head)))
    exact = plain[0] if plain else ""
    return exact, exact.lower(), joined[0].lower() if joined else ""


def _starts(text: str, word: re.Match[str] | None) -> bool:
    """Whether a word is one that sentences begin with; before a full stop it is an initial ("V. I. Lenin")."""
    return word is not None and word[0] in STARTERS and not text.startswith(".", word.end())


def _cuts_after_lines(text: str) -> Iterator[int]:
    block: list[tuple[int, int]] = []  # lines with something on them that stand together
    for line in _LINE.finditer(text):
        if line[1].strip():
            block.append(line.span(1))
            continue
        yield from _cuts_in_block(text, block)
        block = []
    yield from _cuts_in_block(text, block)


def _cuts_in_block(text: str, block: list[tuple[int, int]]) -> Iterator[int]:
    """A cut before the block, and before each line of it that does not go on with the line above."""
    widths = [_cells(text[start:end].rstrip()) for start, end in block]
    longest = max(widths, default=0)
    for i, (start, end) in enumerate(block):
        content = _after(_SPACE, text, start)
        if i > 0 and not _ITEM.match(text, start) and _wrapped(text[content:end], widths[i - 1], longest):
            continue
        yield content


def _wrapped(line: str, above: int, longest: int) -> bool:
    """Whether `line` goes on with the one `above`: its first word would have made that one longer than the longest."""
    first = line.split(maxsplit=1)[0]
    least = _WRAPPED_LOWER if first[:1].islower() else _WRAPPED[0]
    room = 2 if _WIDE_CHARACTER.match(first) else 1 + _cells(first)
    return least <= longest <= _WRAPPED[1] and above + room > longest


def _cells(text: str) -> int:
    return len(text) + len(_WIDE_CHARACTER.findall(text))


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where a pattern that may be empty ends."""
    match = pattern.match(text, at)
    return at if match is None else match.end()

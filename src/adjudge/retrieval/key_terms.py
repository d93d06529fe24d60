"""What a question asks by: its words with their weights, and whether it wants a number, a date or a name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .key_words import ASKS_DATE, ASKS_NAME, ASKS_NUMBER, STOP_CHARACTERS, STOP_PAIRS, STOPS
from .lexical import words

__all__ = ["MOST_TERMS", "ROOT", "SPACED", "UNSPACED", "Question", "akin", "fold", "is_han", "read_question"]

MOST_TERMS = 256
"""Terms of a question that are looked for; a longer one is known by its heaviest. Keeps the work linear in the document."""

NUMBER, NAME = 1.5, 1.5  # numbers and names tell passages apart better than other words
STOP, HALF_STOP = 0.1, 0.4
ROOT = 3  # letters that forms of a word have in common at least
SHORT, LONG, LETTERS = 0.6, 1.2, 9
"""A word of one letter weighs SHORT, one of LETTERS or more LONG: long words are rarer, and one document is too little to see it."""

_MARKS = re.compile("[\u0300-\u036f]+")
_NO_SPACES = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
SPACED, UNSPACED = re.compile(rf"[^\W{_NO_SPACES}]+"), re.compile(f"[{_NO_SPACES}]+")
"""Words of scripts with spaces, and runs of Chinese: together the terms of lexical.words, before runs are made pairs."""

_HAN = re.compile(f"[{_NO_SPACES}]")
_QUOTED = re.compile(r"[«“「『《\"]([^«»“”「」『』《》\"]{2,60})[»”」』》\"]")
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_SENTENCE_START = re.compile(r"[\s¿¡«“\"'(]*")


@dataclass(frozen=True, slots=True)
class Question:
    """The terms of a query and what kind of answer it asks for."""

    exact: dict[str, int]  # term -> its row; forms of one word share a row
    kin: dict[str, list[str]]  # how terms begin (ROOT characters) -> those terms
    weights: NDArray[np.float32]  # (terms,)
    number: bool
    date: bool
    name: bool

    def form(self, term: str) -> int:
        """The row of a term that `term` looks like another form of; -1: there is none. Function words are no forms of others."""
        if term in STOPS:
            return -1
        return next((self.exact[other] for other in self.kin.get(term[:ROOT], ()) if akin(term, other)), -1)


def read_question(query: str) -> Question:
    """Terms and wishes of `query`. A query without a word (only signs) has no terms."""
    folded = fold(query)
    weighed: dict[str, float] = {}
    for word in words(folded):
        weighed.setdefault(word, _weight(word))
    for word in _names(query):
        if word in weighed and weighed[word] > HALF_STOP:
            weighed[word] *= NAME
    heaviest = sorted(weighed, key=lambda word: -weighed[word])[:MOST_TERMS]  # stable: of equals, those named first
    exact: dict[str, int] = {}
    kin: dict[str, list[str]] = {}
    weights: list[float] = []
    for word in heaviest:
        relatives = [] if word in STOPS else kin.setdefault(word[:ROOT], [])
        exact[word] = next((exact[other] for other in relatives if akin(word, other)), len(weights))
        relatives.append(word)
        if exact[word] == len(weights):
            weights.append(weighed[word])
    return Question(
        exact=exact,
        kin=kin,
        weights=np.array(weights, np.float32),
        number=ASKS_NUMBER.search(folded) is not None,
        date=ASKS_DATE.search(folded) is not None,
        name=ASKS_NAME.search(folded) is not None,
    )


def fold(text: str) -> str:
    """`text` as terms are compared: small letters, no accents (people leave them out of questions), full-width forms made plain."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def akin(one: str, other: str) -> bool:
    """Whether two words look like forms of one: they begin alike, and little follows. Right for most plurals, cases and persons.

    Terms of Chinese and of digits are akin to none but themselves.
    """
    if one == other:
        return True
    if not (one.isalpha() and other.isalpha()) or is_han(one):
        return False
    common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    shorter, longer = sorted((len(one), len(other)))
    if shorter < 5:
        return common == shorter and longer <= shorter + (2 if shorter > 3 else 1)
    return common >= max(4, min(6, shorter - 2)) and (common >= 6 or longer <= common + 3)


def is_han(term: str) -> bool:
    """Whether a term is Chinese."""
    return _HAN.match(term) is not None


def _weight(word: str) -> float:
    if word.isdigit():
        return NUMBER
    if _HAN.match(word):
        return STOP if word in STOP_PAIRS else HALF_STOP if not STOP_CHARACTERS.isdisjoint(word) else 1.0
    return STOP if word in STOPS else SHORT + (LONG - SHORT) * min(len(word), LETTERS) / LETTERS


def _names(query: str) -> set[str]:
    """Terms of what is quoted, capitalised, or written in Latin letters amid Chinese."""
    found = {word for quoted in _QUOTED.findall(query) for word in words(fold(quoted))}
    first = _SENTENCE_START.match(query)
    start = 0 if first is None else first.end()
    chinese = _HAN.search(query) is not None
    for match in _WORD.finditer(query, start + 1):  # any question begins with a capital
        if match[0][0].isupper():
            found.update(words(fold(match[0])))
    if chinese:
        found.update(word for word in words(fold(query)) if not _HAN.match(word))
    return found

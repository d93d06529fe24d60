"""How telling each unit of a document is for a question: BM25 within the document, with credit from neighbours and headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .key_terms import ROOT, SPACED, UNSPACED, Question, fold, is_han
from .key_units import Unit

__all__ = ["Scores", "score_units"]

K1, B = 1.2, 0.5
FORM = 0.7  # what a word counts that is another form of the question's
NEAR = 0.3  # of what a unit says, its neighbours get so much, those one further on the square of it
BREAK = 0.25  # and over a paragraph's end so much of that
UNDER = 0.4  # of what a heading says, each unit below it
WISH = 0.3  # a unit with a number, where a number is asked for, counts so much more; with a date or name likewise
STRONG = 0.2  # share of the best score below which nobody looks for numbers, dates and names
EVERYWHERE, FEW = 0.9, 10  # a term in so large a share of the units tells nothing, where there are not only few
FIRST = 0.02  # for the first unit, less and less to 0 behind the last: it decides where nothing else speaks

_NUMBER = re.compile(r"\d|[一二三四五六七八九十百千万萬亿億两兩]+[个個年天次人岁歲种種名位元米公]")
_DATE = re.compile(
    r"\b(1\d|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|[\d一二三四五六七八九十〇]+[年月日]|世[纪紀]"
    r"|\b(january|february|march|april|june|july|august|september|october|november|december|century"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|siglo"
    r"|janvier|fevrier|mars|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|siecle"
    r"|январ\w+|феврал\w+|март\w*|апрел\w+|ма[ея]|июн\w|июл\w|август\w*|сентябр\w+|октябр\w+|ноябр\w+|декабр\w+|году|год|век\w?)\b"
)
_NAMED = re.compile(r"(?<=[\w,;:»”)] )[^\W\d_]\w+")


@dataclass(frozen=True, slots=True)
class Scores:
    """One number a unit, and what it was made from."""

    values: NDArray[np.float32]  # (units,) at least 0; 1 is every term of the question said again and again, all wishes met
    found: NDArray[np.float32]  # (units, terms) how often the unit itself says the term
    weights: NDArray[np.float32]  # (terms,) of the question, rarity in this document included; they add up to 1

    @property
    def blind(self) -> bool:
        """Whether the question's terms cannot tell the units apart: none occurs, or each that does stands nearly everywhere."""
        share = (self.found > 0).mean(axis=0) if len(self.found) else np.zeros(1)
        everywhere = EVERYWHERE if len(self.found) >= FEW else 1.1
        return not ((share > 0) & (share < everywhere)).any()


def score_units(text: str, units: Sequence[Unit], question: Question) -> Scores:
    """Scores of `units` of `text`. Linear in both.

    BM25 (Robertson) with each unit as a document of the collection: what few units say weighs more. Before it saturates, a term's count
    gets shares from the units around and the heading above, for sentences lean on one another ("He was born there in 1901").
    """
    found, sizes = _count(text, units, question)
    near = _lend(found, units)
    rarity = _rarity(found)
    weights = question.weights * rarity
    total = float(weights.sum())
    weights = weights / total if total > 0 else weights
    room = K1 * (1 - B + B * sizes / max(1.0, float(sizes.mean())))
    values = (near / (near + room[:, None])) @ weights
    values *= 1 + WISH * _wishes(text, units, question, values)
    values += FIRST * (1 - np.arange(len(units)) / len(units))
    return Scores(values.astype(np.float32), found, weights.astype(np.float32))


def _count(text: str, units: Sequence[Unit], question: Question) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How often each unit says each term, and how many terms it has. Chinese is searched for the question's pairs, not cut into its own."""
    found = np.zeros((len(units), len(question.weights)), np.float32)
    sizes = np.empty(len(units), np.float32)
    exact, kin, forms = question.exact, question.kin, dict[str, int]()
    chinese = [(term, column) for term, column in exact.items() if is_han(term)]
    for row, unit in enumerate(units):
        folded = fold(text[unit.start : unit.end])
        spaced = SPACED.findall(folded)
        sizes[row] = len(spaced) if folded.isascii() else len(spaced) + sum(map(len, UNSPACED.findall(folded)))
        for term in spaced:
            if term in exact:
                found[row, exact[term]] += 1.0
            elif term[:ROOT] in kin:
                column = forms[term] if term in forms else forms.setdefault(term, question.form(term))
                if column >= 0:
                    found[row, column] += FORM
        for term, column in chinese:
            if term in folded:
                found[row, column] += folded.count(term)
    return found, sizes


def _rarity(found: NDArray[np.float32]) -> NDArray[np.float64]:
    """BM25's inverse document frequency over the units, of Lucene's form, which is never below 0."""
    count, holding = len(found), (found > 0).sum(axis=0)
    rarity: NDArray[np.float64] = np.log1p((count - holding + 0.5) / (holding + 0.5))
    return rarity


def _lend(found: NDArray[np.float32], units: Sequence[Unit]) -> NDArray[np.float32]:
    """Counts with the shares of neighbours and headings."""
    gate = np.array([0.0 if u.kind == "heading" else BREAK if u.opens else 1.0 for u in units], np.float32)[:, None] * NEAR
    near = found.copy()
    near[1:] += found[:-1] * gate[1:]
    near[:-1] += found[1:] * gate[1:]
    near[2:] += found[:-2] * gate[1:-1] * gate[2:]
    near[:-2] += found[2:] * gate[1:-1] * gate[2:]
    heads = np.array([u.head for u in units])
    under = np.flatnonzero(heads >= 0)
    near[under] += UNDER * found[heads[under]]
    return near


def _wishes(text: str, units: Sequence[Unit], question: Question, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """(units,) how many of the kinds of answer asked for each unit has; looked up only where it could decide."""
    met = np.zeros(len(units), np.float32)
    if not (question.number or question.date or question.name):
        return met
    for row in map(int, np.flatnonzero(values > STRONG * values.max())):
        part = text[units[row].start : units[row].end]
        met[row] += question.number and _NUMBER.search(part) is not None
        met[row] += question.date and _DATE.search(fold(part)) is not None
        met[row] += question.name and any(name[0].isupper() for name in _NAMED.findall(part))
    return met

"""An answer without a language model: the sentences that carried the judge's scores, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..types import Explanation, Ranking, Sentence
from .prompt import headings_of
from .values import Citation, Quote, Source

__all__ = ["Extract", "extract"]

_ALONE = 0.5  # of the logit by itself, beside the effect (docs/experiments.md, 23 November 2026)
_SHARE = 0.1  # of the strongest sentence's effect: what does less is context, not the answer
_MORE = 2  # sentences that a quote is carried on for, where it breaks off
_COMMAND = 80  # characters of a line that the one above introduces
_STOPS = (".", "!", "?", "…", "。", "！", "？", ":", "：")
_BRACKETS = (("(", ")"), ("[", "]"), ("（", "）"), ("«", "»"), ("“", "”"), ("「", "」"), ("《", "》"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """Quoted sentences as a text with citations."""

    text: str  # a line for each quoted source, the best first
    citations: tuple[Citation, ...]
    quotes: tuple[Quote, ...]


def extract(ranking: Ranking, sources: Sequence[Source], *, sentences: int, most: int) -> Extract:
    """At most `sentences` sentences of each of the best `most` sources: those that its score misses most and that answer by themselves.

    A sentence that stands in several sources is quoted once, and cites them all. Judges each passage again without each of its sentences
    (Ranking.explain; where headings convince, the text below them too) and each sentence alone, so it costs two or three pairs a sentence.
    Raises ConfigError for a ranking without a reranker.
    """
    lines: list[list[Quote]] = []
    citing: list[list[int]] = []  # the sources of each line
    told: dict[str, int] = {}  # a sentence's words, and the line that it stands in
    for position, source in enumerate(sources[:most]):
        quotes = _quotes(ranking, position, source, sentences)
        for line in {told[_words(quote)] for quote in quotes if _words(quote) in told}:
            citing[line].append(source.number)
        new = [quote for quote in quotes if _words(quote) not in told]
        if new:
            told |= {_words(quote): len(lines) for quote in new}
            lines.append(new)
            citing.append([source.number])
    return _put_together(lines, citing)


def _put_together(lines: Sequence[Sequence[Quote]], citing: Sequence[Sequence[int]]) -> Extract:
    text = ""
    citations: list[Citation] = []
    for quotes, numbers in zip(lines, citing, strict=True):
        text += ("\n" if text else "") + _line(quotes) + " "
        for number in numbers:
            citations.append(Citation(number=number, start=len(text), end=len(text) + len(f"[{number}]"), known=True))
            text += f"[{number}]"
    return Extract(text=text, citations=tuple(citations), quotes=tuple(quote for quotes in lines for quote in quotes))


def _words(quote: Quote) -> str:
    return " ".join(quote.text.casefold().split())


def _explained(ranking: Ranking, position: int, source: Source) -> Explanation:
    """What carried the score; where headings carried more of it than any sentence below them, what carries that of the text below.

    Under a heading that says the question, sentences are missed for how they join it and not for what they say.
    """
    found = ranking.explain(position)
    told = _told(source, found)
    if len(told) < 2 or ranking.explainer is None or told[0] is found.sentences[0]:
        return found
    above = max(s.effect for s in found.sentences if s.start < told[0].start)
    if max(s.effect for s in told) > max(above, 0.0):
        return found
    result = ranking.results[position]
    below = told[0].start - result.passage.start
    passage = replace(result.passage, text=result.passage.text[below:], start=told[0].start)
    return ranking.explainer(ranking.query, replace(result, passage=passage))


def _told(source: Source, explanation: Explanation) -> list[Sentence]:
    """The sentences that are no headings."""
    titles = headings_of(source.document.metadata)
    first = explanation.passage.start + _head(explanation.passage.text, titles)
    return [s for s in explanation.sentences if s.start >= first and not _is_heading(s.text, titles)]


def _head(text: str, titles: Sequence[str]) -> int:
    """Where the headings end that a text begins with, each on lines of its own. One may be several sentences ("Chapter 9. Up to date")."""
    spelled = [r"\s+".join(map(re.escape, title.split())) for title in titles]
    headings = re.match(rf"(?:\s*(?:#+\s)?(?:{'|'.join(spelled)})[^\S\n]*(?:\n|\Z))*", text) if spelled else None
    return headings.end() if headings else 0


def _quotes(ranking: Ranking, position: int, source: Source, most: int) -> list[Quote]:
    """The strongest sentences in the order of the text; the whole passage where it is one sentence."""
    explanation = _explained(ranking, position, source)
    if not explanation.sentences:
        start = source.start + len(source.text) - len(source.text.lstrip())
        text = source.text.strip()
        return [Quote(source=source.number, text=text, start=start, end=start + len(text), effect=None)]
    told = _told(source, explanation) or list(explanation.sentences)
    first, *others = _strongest(ranking, position, told)[:most]
    chosen = [first, *(s for s in others if s.effect > max(0.0, _SHARE * first.effect))]
    quotes: list[Quote] = []
    for s in sorted(chosen, key=lambda s: s.start):
        if not quotes or s.start >= quotes[-1].end:  # else the quote before was carried on over it
            end = _carried_on(source, told, s)
            quotes.append(Quote(source=source.number, text=source.document.text[s.start : end], start=s.start, end=end, effect=s.effect))
    return quotes


def _strongest(ranking: Ranking, position: int, told: Sequence[Sentence]) -> list[Sentence]:
    """By what the passage misses and what answers by itself, the best first.

    Either errs alone: sentences that say the same cover for each other, and "She did so in 1999." answers only where it stands.
    """
    if ranking.explainer is None:
        return sorted(told, key=lambda s: -s.effect)
    alone = ranking.explainer.alone(ranking.query, ranking.results[position], told)
    strength = [s.effect + _ALONE * logit for s, logit in zip(told, alone, strict=True)]
    return [told[i] for i in sorted(range(len(told)), key=lambda i: -strength[i])]


def _carried_on(source: Source, told: Sequence[Sentence], first: Sentence) -> int:
    """Where the quote ends that begins with this sentence: "You need two things:" says nothing without what follows."""
    end = first.end
    after = told[told.index(first) + 1 :][:_MORE]
    if after and _introduces(first.text, after[0].text, source.document.text[end : after[0].start]):
        return after[0].end
    for sentence in after:
        if not _breaks_off(source.document.text[first.start : end]) or source.document.text[end : sentence.start].strip():
            break
        end = sentence.end
    return end if not _breaks_off(source.document.text[first.start : end]) else first.end


def _introduces(line: str, following: str, between: str) -> bool:
    """Whether it is like "To list the packages, run" with the command on a line of its own below: neither ends in a stop."""
    begins = line[0].isalnum() and line[-1].isalpha() and "\n" in between and not between.strip()
    return begins and len(following) <= _COMMAND and not following.endswith(_STOPS)


def _breaks_off(text: str) -> bool:
    return text.endswith((":", "：")) or any(text.count(opens) > text.count(closes) for opens, closes in _BRACKETS)


def _is_heading(text: str, titles: Sequence[str]) -> bool:
    """A heading says what its text is about, not what it says."""
    return text.startswith("#") or any(_part_of(" ".join(title.split()), " ".join(text.split())) for title in titles)


def _part_of(title: str, words: str) -> bool:
    """A long heading may be several sentences: "4.5. Can I install it? Can I remove it?"."""
    if title.startswith(words) and not any(letter.isalpha() for letter in words):
        return True
    return title == words or (len(words) * 4 >= len(title) and words in title)


def _line(quotes: Sequence[Quote]) -> str:
    """The sentences on one line, with an ellipsis where something between them is left out."""
    line = " ".join(quotes[0].text.split())
    for before, quote in zip(quotes, quotes[1:], strict=False):
        line += (" " if quote.start - before.end <= 2 else " … ") + " ".join(quote.text.split())
    return line

"""An answer and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..types import Document

__all__ = ["NO_ANSWER", "Answer", "AnswerKind", "Citation", "Quote", "Source"]

AnswerKind: TypeAlias = Literal["generated", "extractive", "none"]
"""Written by a language model, put together from sentences of the sources, or not to be had from these documents."""

NO_ANSWER = "The documents do not answer this question."


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A numbered passage that an answer may rest on: what convinced the judge, not the whole document where that is longer."""

    number: int  # from 1, as it is cited: [1]
    name: str  # the document's title, else its headings, its file or its id
    place: str  # the file it was read from, with its page where that is known; "" for a document that came from none
    document: Document
    text: str  # document.text[start:end]
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A place in the answer that names a source."""

    number: int
    start: int  # characters of the answer's text; several numbers in one bracket share their place
    end: int
    known: bool  # whether there is a source of that number


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence of a source, word for word, and how much it did for the source's score."""

    source: int
    text: str
    start: int  # characters of the document's text
    end: int
    effect: float | None  # what the logit loses without it; that of the text below, where headings convince. None: a single sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is told to whoever asked."""

    query: str
    text: str
    kind: AnswerKind
    sources: tuple[Source, ...] = ()  # all that the answer could rest on
    citations: tuple[Citation, ...] = ()  # in the order of the text
    quotes: tuple[Quote, ...] = ()  # of an extractive answer
    uncited: tuple[str, ...] = ()  # sentences of a generated answer that name no source
    why: str = ""  # of "none": what was looked at, and what it lacked
    warnings: tuple[str, ...] = ()
    model: str = ""  # the language model, as its server calls it; "" where none was asked
    usage: Mapping[str, int] = field(default_factory=dict)  # tokens, as the server counts them
    timings: Mapping[str, float] = field(default_factory=dict)  # milliseconds: "first_piece" (of a generated one) and "total"

    @property
    def cited(self) -> tuple[Source, ...]:
        """The sources that are named in the text, in the order of their numbers."""
        named = {citation.number for citation in self.citations}
        return tuple(source for source in self.sources if source.number in named)

    @property
    def answered(self) -> bool:
        """Whether there is an answer at all."""
        return self.kind != "none"

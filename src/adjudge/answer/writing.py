"""How an answer comes about: nothing kept, sentences quoted, or a language model's words checked."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from ..errors import BrokenStreamError
from ..types import Ranking
from .citations import citation_warnings, find_citations, uncited_sentences
from .client import ChatClient, ChatStream
from .extractive import extract
from .hangup import Hangup
from .prompt import NOT_IN_SOURCES, messages, numbered_sources
from .settings import AnswerConfig
from .values import NO_ANSWER, Answer, Source

__all__ = ["Writing", "write"]

Writing: TypeAlias = Generator[str, None, Answer]
"""Gives the pieces of a text, and returns the whole answer."""

_AROUND = " \t\r\n\"'`*."  # what models put around a word that was to stand alone


def write(ranking: Ranking, client: ChatClient | None, config: AnswerConfig, hangup: Hangup) -> Writing:
    """Pieces of the answer to the ranking's query, and the answer. Without a `client`, sentences are quoted.

    `hangup` ends the request to the language model: its answer then breaks off.
    """
    began = time.perf_counter()
    sources, notes = numbered_sources(ranking, config.max_characters)
    if not sources:
        yield NO_ANSWER
        answer = Answer(query=ranking.query, text=NO_ANSWER, kind="none", why=_why(ranking))
    elif client is None:
        answer = yield from _quote(ranking, sources, config)
    else:
        answer = yield from _generate(ranking.query, sources, client, config, hangup)
    timings = {**answer.timings, "total": (time.perf_counter() - began) * 1e3}
    return replace(answer, warnings=(*notes, *answer.warnings), timings=timings)


def _quote(ranking: Ranking, sources: Sequence[Source], config: AnswerConfig) -> Writing:
    found = extract(ranking, sources, sentences=config.sentences, most=config.quoted_sources)
    yield found.text
    return Answer(
        query=ranking.query,
        text=found.text,
        kind="extractive",
        sources=tuple(sources),
        citations=found.citations,
        quotes=found.quotes,
    )


def _generate(query: str, sources: Sequence[Source], client: ChatClient, config: AnswerConfig, hangup: Hangup) -> Writing:
    began = time.perf_counter()
    with client.stream(messages(query, sources, config.instructions), hangup) as stream:
        reader = _Reader(stream)
        first_ms: float | None = None
        text = ""
        for piece in reader:
            first_ms = (time.perf_counter() - began) * 1e3 if first_ms is None else first_ms
            text += piece
            yield piece
        if not text:
            text = _nothing_written(stream, reader)
            yield text
    answer = _not_found(query, text, sources) if reader.not_in_sources else _checked(query, text, sources)
    cut = ("the answer is cut: the language model reached its limit of tokens (max_tokens)",) if stream.finish == "length" else ()
    return replace(
        answer,
        warnings=(*answer.warnings, *cut),
        model=stream.model or client.config.model,
        usage=stream.usage,
        timings={} if first_ms is None else {"first_piece": first_ms},
    )


class _Reader:
    """The stream without NOT_IN_SOURCES at its beginning, which is a sign and no text. White space before the first word is left out."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = pieces
        self.not_in_sources = False

    def __iter__(self) -> Iterator[str]:
        head, begun = "", False
        for piece in self._pieces:
            if begun:
                yield piece
                continue
            head += piece
            text = self._beginning(head)
            if text:
                begun = True
                yield text
        if not begun and not self.not_in_sources and head.strip():
            yield head.lstrip()  # it ended in the middle of what might have become the sign

    def _beginning(self, head: str) -> str:
        """The text that is known to be text; nothing as long as more must come to tell."""
        bare = head.lstrip(_AROUND)
        if len(bare) < len(NOT_IN_SOURCES) and NOT_IN_SOURCES.startswith(bare):
            return ""
        self.not_in_sources = bare.startswith(NOT_IN_SOURCES)
        return bare.removeprefix(NOT_IN_SOURCES).lstrip(_AROUND) if self.not_in_sources else head.lstrip()


def _nothing_written(stream: ChatStream, reader: _Reader) -> str:
    if reader.not_in_sources:
        return NO_ANSWER
    ended = "" if stream.finish in (None, "stop") else f" (it ended with {stream.finish!r})"
    raise BrokenStreamError(f"the language model wrote nothing{ended}; a model that thinks first may need more max_tokens")


def _not_found(query: str, text: str, sources: Sequence[Source]) -> Answer:
    count = "the only source" if len(sources) == 1 else f"the {len(sources)} sources"
    return Answer(query=query, text=text, kind="none", sources=tuple(sources), why=f"the language model found no answer in {count}")


def _checked(query: str, text: str, sources: Sequence[Source]) -> Answer:
    citations = find_citations(text, len(sources))
    return Answer(
        query=query,
        text=text,
        kind="generated",
        sources=tuple(sources),
        citations=citations,
        uncited=uncited_sentences(text, citations),
        warnings=citation_warnings(citations, len(sources)),
    )


def _why(ranking: Ranking) -> str:
    """What was looked at, and what it lacked."""
    if not ranking.dropped:
        refused = len(ranking.refused)
        return f"all {refused} documents that were found hold no text" if refused else "no document was found"
    best = max(ranking.dropped, key=lambda one: one.score)
    count = len(ranking.dropped)
    judged = "the only document that was judged does not pass" if count == 1 else f"none of {count} judged documents passes"
    return f"{judged} {best.rule}; the best scores {best.score:.3f}"

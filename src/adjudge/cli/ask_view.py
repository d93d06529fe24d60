"""An answer for a person, as it is written, and its sources; and the same for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..errors import EndpointError
from .console import ReaderGoneError, err, out, visible
from .search_view import timings_line

if TYPE_CHECKING:
    from ..answer import Answer, AnswerStream, Source
    from ..pipeline import PipelineResult

__all__ = ["answer_object", "put", "show_answer"]

_WORD = re.compile(r"\S+")
_BREAKS = re.compile("[\x0b-\x0d\x1c-\x1f\x85\u2028\u2029]")  # white space that moves the cursor in ways of its own


def show_answer(stream: AnswerStream, result: PipelineResult, *, quiet: bool) -> None:
    """The answer piece by piece, then its sources; with `quiet`, no notes on how it came about."""
    written = False
    try:
        for piece in stream:
            put(piece)
            written = True
    except EndpointError:
        if written:
            put("\n")  # the error stands on a line of its own
        raise
    put("\n")
    answer = stream.answer
    for line in _sources(answer):
        out().print(line, soft_wrap=True)
    if quiet:
        return
    for note in _notes(answer, result):
        err().print(note, soft_wrap=True)


def answer_object(answer: Answer, result: PipelineResult) -> dict[str, Any]:
    """Everything of an answer, and of the search what it took."""
    whole = asdict(answer)
    search = {"candidates": len(result.retrieval.candidates), "dropped": len(result.dropped), "timings": dict(result.timings)}
    ranking = result.ranking
    judged_by = {} if ranking is None else {"model": ranking.model, "revision": ranking.revision, "score_type": ranking.score_type}
    return whole | {"search": search | judged_by}


def put(text: str) -> None:
    """Text to standard output at once, its lines kept, harmless to a terminal."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(_BREAKS.sub(" ", _WORD.sub(lambda word: visible(word[0]), text)))
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None


def _sources(answer: Answer) -> Iterator[Text]:
    """A line for each source, those that the answer names first and bright."""
    if not answer.answered or not answer.sources:
        return
    cited = answer.cited
    yield Text()
    for source in cited:
        yield _line(source, "")
    for source in answer.sources:
        if source not in cited:
            yield _line(source, "dim") + Text("  not cited", "dim")


def _line(source: Source, style: str) -> Text:
    place = f"  {visible(source.place)}" if source.place and source.place != source.name else ""
    return Text.assemble(
        (f"[{source.number}] ", f"bold {style}".strip()),
        (visible(source.name), f"cyan {style}".strip()),
        (place, style),
        (f"  {source.score:.3f}", "dim"),
    )


def _notes(answer: Answer, result: PipelineResult) -> Iterator[Text]:
    if answer.why:
        yield Text(visible(answer.why), "yellow")
    for warning in answer.warnings:
        yield Text(f"note: {visible(warning)}", "yellow")
    if answer.uncited and answer.citations:
        count = len(answer.uncited)
        yield Text(f"note: {count} sentence{' names' if count == 1 else 's name'} no source", "yellow")
    if answer.kind == "extractive":
        yield Text("quoted word for word; a language model writes the answer where one is named (--llm-model, ADJUDGE_LLM_MODEL)", "dim")
    spent = ", ".join(f"{name.replace('_', ' ')} {value:.0f} ms" for name, value in answer.timings.items())
    by = f"{visible(answer.model)} · " if answer.model else ""
    yield Text(f"{by}{timings_line(result)} · answer: {spent}", "dim")

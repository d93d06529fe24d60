"""An explanation for a person: the passage sentence by sentence, each with what the score loses without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ..types import Explanation, Ranked, Sentence
from .bars import Bar
from .console import visible
from .excerpt import Excerpt
from .highlight import Words, question_words

__all__ = ["LEGEND", "EffectBar", "explained"]

LEGEND = "effect: what the logit loses without the sentence"

_NARROW = 60  # cells; below that the sentence needs the room of the bars
_INDENT = 3
_LINES = 4  # of one sentence
_MANY, _STRONGEST = 14, 10  # of a passage with more sentences than the first, the second are shown
_FULL = 1.0  # a logit: where no effect is larger, a full bar still means that much, and noise does not look like a reason
_SLIGHT = 0.1  # of a full bar


@dataclass(frozen=True, slots=True)
class EffectBar:
    """A bar as long as `share` is far from 0, -1..1; also without colours, what speaks against looks different from what speaks for."""

    share: float
    width: int = 8

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.text(plain=options.ascii_only), console.get_style("green" if self.share > 0 else "red"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)

    def text(self, *, plain: bool) -> str:
        """Exactly `width` characters."""
        filled = min(abs(self.share), 1.0)
        if self.share > 0 and not plain:
            return Bar(filled, self.width).text(plain=False)
        mark = "░" if not plain else "+" if self.share > 0 else "-"
        return (mark * round(filled * self.width)).ljust(self.width)


@dataclass(frozen=True, slots=True)
class _Row:
    """One sentence, or several that are told in one line."""

    sentences: tuple[Sentence, ...]
    lead: str = ""  # an ellipsis where the passage begins in the middle of its document
    tail: str = ""


def explained(title: Text, result: Ranked, explanation: Explanation, *, logit: bool, console: Console) -> Iterator[RenderableType]:
    """What to print for one result, the title first. `logit`: whether scores are raw logits."""
    yield title + Text.assemble(f"  {'logit' if logit else 'score'} ", (_number(result.score, logit=logit), "bold"))
    for line in _place(result, explanation, logit=logit):
        yield _indented(Text(line, "dim"))
    words = question_words(explanation.query)
    ellipsis = "..." if console.options.ascii_only else "…"
    rows = _rows(result, explanation, ellipsis)
    if explanation.sentences:
        yield _indented(_table(explanation, rows, words, logit=logit, narrow=console.width < _NARROW))
    else:
        yield _indented(Excerpt(rows[0].lead + explanation.passage.text, _LINES, words=words))
    if explanation.aspects:
        yield _indented(Text("  ".join(f"{visible(name)} {value:.3f}" for name, value in explanation.aspects.items())))
    yield _indented(Text(_cost(explanation), "dim"))


def _place(result: Ranked, explanation: Explanation, *, logit: bool) -> Iterator[str]:
    """Where the passage stands, if it is not the whole document."""
    passage, length = explanation.passage, len(result.document.text)
    if passage.start == 0 and passage.end == length:
        return
    windows = f", the window that decided of {result.windows}" if result.windows > 1 else ""
    yield f"characters {passage.start:,} to {passage.end:,} of {length:,}{windows}"
    alone = _number(explanation.score, logit=logit)
    if alone != _number(result.score, logit=logit):
        yield f"this passage alone: {alone}"


def _rows(result: Ranked, explanation: Explanation, ellipsis: str) -> list[_Row]:
    """In the order of the text. Of very many sentences the strongest, and one line for each run of others between them."""
    passage, sentences = explanation.passage, explanation.sentences
    before = f"{ellipsis} " if passage.start > 0 else ""
    after = f" {ellipsis}" if passage.end < len(result.document.text) else ""
    shown = _shown(sentences)
    rows: list[_Row] = []
    run: list[Sentence] = []
    for i, sentence in enumerate(sentences):
        if i not in shown:
            run.append(sentence)
            continue
        rows.extend([_Row(tuple(run))] if run else [])
        run = []
        rows.append(_Row((sentence,), before if i == 0 else "", after if i == len(sentences) - 1 else ""))
    rows.extend([_Row(tuple(run))] if run else [])
    return rows if rows else [_Row((), before, after)]


def _shown(sentences: Sequence[Sentence]) -> set[int]:
    """All places of few sentences; of many, those that weigh most and enough to speak of."""
    if len(sentences) <= _MANY:
        return set(range(len(sentences)))
    by_effect = sorted(range(len(sentences)), key=lambda i: -abs(sentences[i].effect))
    least = _SLIGHT * _full(sentences)
    return {i for i in by_effect[:_STRONGEST] if abs(sentences[i].effect) >= least}


def _full(sentences: Sequence[Sentence]) -> float:
    """The effect that fills a bar."""
    return max(_FULL, *(abs(s.effect) for s in sentences))


def _table(explanation: Explanation, rows: Sequence[_Row], words: Words, *, logit: bool, narrow: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("effect", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("", no_wrap=True)
        table.add_column("without", justify="right", no_wrap=True)
    table.add_column("sentence", ratio=1)
    full = _full(explanation.sentences)
    for row in rows:
        first = row.sentences[0]
        if len(row.sentences) > 1:
            blank = [Text()] * (1 if narrow else 3)
            table.add_row(*blank, Text(_told_together(row.sentences), "dim italic"))
            continue
        share = first.effect / full
        style = _style(share, strongest=first is explanation.strongest)
        figures: list[RenderableType] = [Text(f"{first.effect:+.2f}", style)]
        if not narrow:
            figures += [EffectBar(share), Text(_number(first.score_without, logit=logit))]
        table.add_row(*figures, Excerpt(row.lead + first.text + row.tail, _LINES, style, words=words))
    return table


def _told_together(sentences: Sequence[Sentence]) -> str:
    effects = [s.effect for s in sentences]
    return f"({sum(s.count for s in sentences)} more sentences, {min(effects):+.2f} to {max(effects):+.2f})"


def _style(share: float, *, strongest: bool) -> str:
    if abs(share) < _SLIGHT:
        return "dim"
    if strongest:
        return "bold green"
    return "red" if share < 0 else "green" if share >= 0.5 else ""


def _cost(explanation: Explanation) -> str:
    count, parts = sum(s.count for s in explanation.sentences), len(explanation.sentences)
    what = (
        f"{count} sentences" + (f", left out in {parts} groups" if parts < count else "") if parts else "one sentence: nothing to leave out"
    )
    return f"{what}; {explanation.pairs} pair{'' if explanation.pairs == 1 else 's'} judged in {explanation.milliseconds:.0f} ms"


def _number(score: float, *, logit: bool) -> str:
    return f"{score:.2f}" if logit else f"{score:.3f}"


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, _INDENT), expand=False)

"""What a search found, for a person: a table, and below it what was left out and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from .bars import Bar, share
from .console import visible
from .excerpt import Excerpt
from .highlight import question_words
from .searching import name_and_place

if TYPE_CHECKING:
    from ..pipeline import Hit, Pipeline, PipelineResult

__all__ = ["show_search", "timings_line"]

_NARROW = 70  # cells; below that the passage needs the room of the bars and of the stages
_LAST = ("fusion", "judge")  # the stage whose order is shown: the first of these that ran, else none of them


def show_search(console: Console, result: PipelineResult, pipeline: Pipeline, *, quiet: bool = False) -> None:
    """Print it; with `quiet`, nothing below the table."""
    if len(result):
        console.print(_table(console, result))
    elif result.retrieval.candidates:
        console.print(Text("no passage is left"), style="yellow")
    else:
        console.print(Text("no passage was found"), style="yellow")
    if quiet:
        return
    console.print()
    for line in (*_left_out(result), *_costs(result, pipeline)):
        console.print(line, soft_wrap=False)


def timings_line(result: PipelineResult) -> str:
    """Each stage's milliseconds, in the order in which they ran."""
    return ", ".join(f"{visible(name)} {spent:.0f} ms" for name, spent in result.timings.items())


def _table(console: Console, result: PipelineResult) -> Table:
    narrow, judged = console.width < _NARROW, result.ranking is not None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    if judged and not narrow:
        table.add_column("", no_wrap=True)
    if not narrow:
        table.add_column("found", no_wrap=True, style="dim", max_width=20, overflow="ellipsis")
    table.add_column("passage", ratio=1)
    words = question_words(result.query)
    for at, hit in enumerate(result):
        cells: list[RenderableType] = [str(hit.rank), f"{hit.score:.3f}"]
        if judged and not narrow:
            cells.append(Bar(share(hit.score, logit=False)))
        if not narrow:
            cells.append(Text("\n".join(_stages(hit))))
        text = hit.document.text if hit.passage is None else hit.passage.text
        dim = "dim" if judged and share(hit.score, logit=False) < 0.5 else ""
        table.add_row(*cells, Group(_title(result, at), Excerpt(text, 3, style=dim, words=words)))
    return table


def _title(result: PipelineResult, at: int) -> Text:
    name, place = name_and_place(result, at)
    return Text.assemble((visible(place), "cyan"), (f"  {visible(name)}" if name else "", "bold"), overflow="ellipsis", no_wrap=True)


def _stages(hit: Hit) -> list[str]:
    """Where each stage but the last had it: "bm25 4"."""
    last = next((name for name in _LAST if name in hit.ranks), "")
    return [f"{visible(name)} {rank}" for name, rank in hit.ranks.items() if name != last]


def _left_out(result: PipelineResult) -> Iterator[Text]:
    rules = Counter(hit.rule for hit in result.dropped)
    if rules:
        yield Text("dropped " + ", ".join(f"{count} by {rule}" for rule, count in rules.items()), style="yellow")
    if result.refused:
        yield Text(f"refused {len(result.refused)}, the first: {visible(result.refused[0].message)}", style="yellow")
    for warning in result.warnings:
        yield Text(f"note: {visible(warning)}", style="yellow")


def _costs(result: PipelineResult, pipeline: Pipeline) -> Iterator[Text]:
    count, ranking = len(result.retrieval.candidates), result.ranking
    judged = "" if ranking is None else f", {ranking.usage.pairs:,} pairs judged"
    yield Text(f"{count:,} candidate{'' if count == 1 else 's'}{judged} · {timings_line(result)}", style="dim")
    if ranking is not None and pipeline.reranker is not None:
        traits = pipeline.reranker.traits
        runs = f"{traits.backend} {traits.device} {traits.precision}"
        fusion = pipeline.config.fusion
        joined = "" if fusion is None else f" · fusion {fusion}"
        named = f"{visible(pipeline.retriever.name)} · {visible(ranking.model)}"
        yield Text(f"{named} · {runs} · {ranking.score_type} score{joined}", style="dim")

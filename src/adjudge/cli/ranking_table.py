"""A ranking for a person: a table, and below it what was left out and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..types import Document, Explanation, Ranked, Ranking
from .bars import Bar, share
from .console import visible
from .excerpt import Excerpt
from .explain_view import LEGEND, explained
from .highlight import question_words

if TYPE_CHECKING:
    from ..reranker import Reranker

__all__ = ["show_ranking"]

_NARROW = 60  # cells; below that the passage needs the room of the bars
_SHOWN = 5  # refusals told one by one


def show_ranking(
    console: Console,
    ranking: Ranking,
    places: Sequence[str],
    judge: Reranker,
    *,
    explanations: Sequence[Explanation] = (),
    quiet: bool = False,
) -> None:
    """Print it, and below it `explanations` of the best results; with `quiet`, nothing else."""
    if len(ranking):
        console.print(_table(console, ranking, places))
    else:
        console.print(Text("no document is left"), style="yellow")
    _show_explanations(console, ranking, places, explanations)
    if quiet:
        return
    console.print()
    for line in (*_left_out(ranking, places), *_costs(ranking, judge)):
        console.print(line, soft_wrap=False)


def _show_explanations(console: Console, ranking: Ranking, places: Sequence[str], explanations: Sequence[Explanation]) -> None:
    for rank, (result, explanation) in enumerate(zip(ranking, explanations, strict=False), start=1):
        console.print()
        title = Text.assemble((f"{rank}".ljust(3), "bold"), _label(result.index, result.document, places))
        for part in explained(title, result, explanation, logit=ranking.score_type == "logit", console=console):
            console.print(part)
    if any(explanation.sentences for explanation in explanations):
        console.print()
        console.print(Text(LEGEND, "dim"))


def _table(console: Console, ranking: Ranking, places: Sequence[str]) -> Table:
    logit, narrow = ranking.score_type == "logit", console.width < _NARROW
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("logit" if logit else "score", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("", no_wrap=True)
    table.add_column("document", max_width=12 if narrow else 28, overflow="fold")
    shared = len({r.judge for r in ranking}) > 1 and not narrow
    if shared:
        table.add_column("judge", max_width=20, overflow="ellipsis", no_wrap=True, style="dim")
    table.add_column("passage", ratio=1)
    words = question_words(ranking.query)
    marks = any(r.windows > 1 or r.truncated for r in ranking)
    if marks:
        table.add_column("read", no_wrap=True, style="dim", justify="right")
    for rank, r in enumerate(ranking, start=1):
        cells = [str(rank), f"{r.score:.2f}" if logit else f"{r.score:.3f}"]
        bar = [] if narrow else [Bar(share(r.score, logit=logit))]
        begin = "… " if r.passage.start > 0 and not console.options.ascii_only else ""
        passage = Excerpt(begin + r.passage.text, style="" if share(r.score, logit=logit) >= 0.5 else "dim", words=words)
        judge = [visible(r.judge.rpartition("/")[2])] if shared else []
        table.add_row(*cells, *bar, _label(r.index, r.document, places), *judge, passage, *([_mark(r)] if marks else []))
    return table


def _label(index: int, document: Document, places: Sequence[str]) -> Text:
    """What tells the documents apart: the id, else where it stood, else its position."""
    return Text(visible(document.id or places[index] or str(index)), style="cyan")


def _mark(result: Ranked) -> str:
    if result.truncated:
        return f"{result.tokens - result.tokens_unseen} of {result.tokens}"
    return f"{result.windows} windows" if result.windows > 1 else ""


def _left_out(ranking: Ranking, places: Sequence[str]) -> Iterator[Text]:
    rules = Counter(d.rule for d in ranking.dropped)
    if rules:
        yield Text("dropped " + ", ".join(f"{count} by {rule}" for rule, count in rules.items()), style="yellow")
    for refused in ranking.refused[:_SHOWN]:
        place = places[refused.index]
        yield Text(f"refused {place or refused.index}: {visible(refused.message)}", style="yellow")
    if len(ranking.refused) > _SHOWN:
        yield Text(f"refused {len(ranking.refused) - _SHOWN} more; --json lists them all", style="yellow")
    for warning in ranking.warnings:
        yield Text(f"note: {visible(warning)}", style="yellow")


def _costs(ranking: Ranking, judge: Reranker) -> Iterator[Text]:
    usage, timings, traits = ranking.usage, ranking.timings, judge.traits
    counts = ", ".join((_count(usage.documents, "document"), _count(usage.pairs, "pair"), _count(usage.tokens, "token")))
    steps = {"load": judge.load_ms, "tokenise": timings.tokenise_ms, "forward": timings.forward_ms, "total": timings.total_ms}
    yield Text(f"{counts} · {', '.join(f'{name} {ms:.0f} ms' for name, ms in steps.items())}", style="dim")
    revision = f" ({visible(ranking.revision)[:12]})" if ranking.revision else ""
    yield Text(
        f"{visible(ranking.model)}{revision} · {traits.backend} {traits.device} {traits.precision} · {ranking.score_type} score",
        style="dim",
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

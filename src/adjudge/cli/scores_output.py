"""Scores of pairs: as a table for a person, as an object for a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .pairs import Pair

if TYPE_CHECKING:
    from rich.console import Console

    from ..reranker import Reranker

__all__ = ["Scored", "scores_object", "show_scores"]


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair, its position and its score."""

    index: int
    pair: Pair
    score: float

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        pair = self.pair
        source = {"source": pair.place} if pair.place else {}
        return {"index": self.index, "score": self.score, "id": pair.id, "query": pair.query, "passage": pair.passage, **source}


def scores_object(scored: Sequence[Scored], judge: Reranker, *, normalize: bool) -> dict[str, Any]:
    """All scores, with what the numbers mean and what made them."""
    from ..engine.scores import score_type
    from .ranking_text import runtime

    return {
        "results": [one.fields() for one in scored],
        "score_type": score_type(judge.model.spec.head, judge.model.config, judge.model.calibration, normalize=normalize),
        "model": judge.model.name,
        "revision": judge.model.revision,
        "runtime": runtime(judge),
    }


def show_scores(console: Console, scored: Sequence[Scored], *, logit: bool) -> None:
    """Print a table, in the order of the pairs."""
    from rich.table import Table

    from .bars import Bar, share
    from .excerpt import Excerpt

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("logit" if logit else "score", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("query", ratio=2)
    table.add_column("passage", ratio=3)
    for one in scored:
        number = f"{one.score:.2f}" if logit else f"{one.score:.3f}"
        table.add_row(number, Bar(share(one.score, logit=logit)), Excerpt(one.pair.query), Excerpt(one.pair.passage))
    console.print(table)

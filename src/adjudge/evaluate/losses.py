"""Queries that got worse, as a person can read them: both lists side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .dataset import Dataset
from .orders import Ordered
from .result import Loss, ShownDocument

__all__ = ["worst_losses"]

SHOWN = 3  # documents of each list
TEXT = 400  # characters of each


def worst_losses(
    data: Dataset, before: Mapping[str, Ordered], after: Mapping[str, Ordered], *, values: Mapping[str, tuple[float, float]], most: int
) -> tuple[Loss, ...]:
    """At most `most` queries whose measure fell, the deepest fall first. `values`: (before, after) of each query."""
    fallen = sorted((now - then, query) for query, (then, now) in values.items() if now < then)
    return tuple(
        Loss(
            query=query,
            text=data.queries[query].text,
            language=data.queries[query].language,
            before=values[query][0],
            after=values[query][1],
            top_before=_shown(data, query, before[query], after[query].documents),
            top_after=_shown(data, query, after[query], before[query].documents),
        )
        for _, query in fallen[:most]
    )


def _shown(data: Dataset, query: str, ordered: Ordered, other: Sequence[str]) -> tuple[ShownDocument, ...]:
    relevant, places = data.relevant(query), {document: rank for rank, document in enumerate(other, 1)}
    return tuple(
        ShownDocument(
            id=document,
            text=_beginning(data.documents.get(document, "")),
            grade=data.grades[query].get(document),
            relevant=document in relevant,
            rank=rank,
            other_rank=places.get(document),
            score=score,
        )
        for rank, (document, score) in enumerate(zip(ordered.documents[:SHOWN], ordered.scores, strict=False), 1)
    )


def _beginning(text: str) -> str:
    flat = " ".join(text[: 4 * TEXT].split())
    return flat if len(flat) <= TEXT else f"{flat[: TEXT - 1]}…"

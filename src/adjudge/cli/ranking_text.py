"""A ranking for programs: JSON, JSON lines, or tab-separated lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..types import Ranking
from .console import visible
from .json_text import to_json

if TYPE_CHECKING:
    from ..reranker import Reranker

__all__ = ["ranking_object", "result_objects", "runtime", "tab_lines"]


def runtime(judge: Reranker) -> dict[str, Any]:
    """What ran the model."""
    traits = judge.traits
    return {
        "backend": traits.backend,
        "device": traits.device,
        "precision": traits.precision,
        "max_length": judge.max_length,
        "load_ms": judge.load_ms,
        "notes": list(traits.notes),
    }


def ranking_object(ranking: Ranking, places: Sequence[str], judge: Reranker) -> dict[str, Any]:
    """Everything of a ranking, with the place of each document and what ran the model."""
    whole = asdict(ranking)
    for part in ("results", "dropped", "refused"):
        whole[part] = [_placed(one, places) for one in whole[part]]
    return whole | {"runtime": runtime(judge)}


def result_objects(ranking: Ranking, places: Sequence[str]) -> Iterator[str]:
    """One JSON object a result, best first."""
    for rank, result in enumerate(ranking, start=1):
        yield to_json({"rank": rank, **_placed(asdict(result), places)})


def tab_lines(ranking: Ranking) -> Iterator[str]:
    """rank, score, position in the input, id (or nothing) and text, with tabs between; the text on one line."""
    for rank, r in enumerate(ranking, start=1):
        yield "\t".join((str(rank), f"{r.score:.6f}", str(r.index), visible(r.document.id or ""), visible(r.document.text)))


def _placed(one: dict[str, Any], places: Sequence[str]) -> dict[str, Any]:
    place = places[one["index"]]
    return one | {"source": place} if place else one

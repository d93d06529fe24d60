"""What a search found, for programs: JSON, JSON lines, or tab-separated lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..pipeline.fusing import parse_fusion
from .console import visible
from .json_text import to_json
from .ranking_text import runtime
from .searching import name_and_place

if TYPE_CHECKING:
    from ..pipeline import Pipeline, PipelineResult

__all__ = ["hit_objects", "search_object", "tab_lines"]


def search_object(result: PipelineResult, pipeline: Pipeline) -> dict[str, Any]:
    """Everything of a search: results, what was dropped and refused and why, the scores and ranks of every stage, and the clock."""
    ranking, judge, fusion = result.ranking, pipeline.reranker, parse_fusion(pipeline.config.fusion)
    return {
        "query": result.query,
        "results": [asdict(hit) for hit in result.results],
        "dropped": [asdict(hit) for hit in result.dropped],
        "refused": [asdict(refused) for refused in result.refused],
        "warnings": list(result.warnings),
        "retriever": pipeline.retriever.name,
        "candidates": len(result.retrieval.candidates),
        "fusion": None if fusion is None else asdict(fusion),
        "model": None if ranking is None else ranking.model,
        "revision": None if ranking is None else ranking.revision,
        "score_type": None if ranking is None else ranking.score_type,
        "usage": None if ranking is None else asdict(ranking.usage),
        "timings": dict(result.timings),
        "runtime": None if judge is None else runtime(judge),
    }


def hit_objects(result: PipelineResult) -> Iterator[str]:
    """One JSON object a result, best first."""
    for hit in result:
        yield to_json(asdict(hit))


def tab_lines(result: PipelineResult) -> Iterator[str]:
    """rank, score, file (or id), id (or nothing) and text, with tabs between; the text on one line."""
    for at, hit in enumerate(result):
        _, place = name_and_place(result, at)
        cells = (str(hit.rank), f"{hit.score:.6f}", visible(place), visible(hit.document.id or ""), visible(hit.document.text))
        yield "\t".join(cells)

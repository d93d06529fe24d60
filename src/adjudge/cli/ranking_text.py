"""A ranking for programs: JSON, JSON lines, or tab-separated lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..types import Explanation, Ranking
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


def ranking_object(ranking: Ranking, places: Sequence[str], judge: Reranker, explanations: Sequence[Explanation] = ()) -> dict[str, Any]:
    """Everything of a ranking, with the place of each document, explanations of the best results, and what ran the model."""
    whole = asdict(ranking)
    del whole["explainer"]
    for part in ("results", "dropped", "refused"):
        whole[part] = [_placed(one, places) for one in whole[part]]
    for result, explanation in zip(whole["results"], explanations, strict=False):
        result["explanation"] = _explanation(explanation)
    return whole | {"runtime": runtime(judge)}


def result_objects(ranking: Ranking, places: Sequence[str], explanations: Sequence[Explanation] = ()) -> Iterator[str]:
    """One JSON object a result, best first."""
    for rank, (result, explanation) in enumerate(zip_longest(ranking, explanations), start=1):
        explained = {} if explanation is None else {"explanation": _explanation(explanation)}
        yield to_json({"rank": rank, **_placed(asdict(result), places), **explained})


def tab_lines(ranking: Ranking, explanations: Sequence[Explanation] = ()) -> Iterator[str]:
    """rank, score, position in the input, id (or nothing) and text, with tabs between; the text on one line.

    An explained result is followed by its sentences: nothing, effect, first character, end and text.
    """
    for rank, (r, explanation) in enumerate(zip_longest(ranking, explanations), start=1):
        yield "\t".join((str(rank), f"{r.score:.6f}", str(r.index), visible(r.document.id or ""), visible(r.document.text)))
        for s in () if explanation is None else explanation.sentences:
            yield "\t".join(("", f"{s.effect:+.6f}", str(s.start), str(s.end), visible(s.text)))


def _explanation(explanation: Explanation) -> dict[str, Any]:
    """All of it but what stands in the ranking and the result already."""
    return {name: value for name, value in asdict(explanation).items() if name not in ("query", "index", "passage")}


def _placed(one: dict[str, Any], places: Sequence[str]) -> dict[str, Any]:
    place = places[one["index"]]
    return one | {"source": place} if place else one

"""From raw answers to rankings: the order that each system gives, and the score and label of each candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dataset import Dataset
from .experiment import Raw, Timed
from .first_stage import Found
from .score_worth import UNJUDGED

__all__ = ["Ordered", "first_order", "reranked", "scored_labels"]


@dataclass(frozen=True, slots=True)
class Ordered:
    """One system's ranking of one query."""

    documents: tuple[str, ...]
    scores: tuple[float | None, ...]  # in the same order; None where the system gave none


def first_order(raw: Raw) -> dict[str, Ordered]:
    """What the first stage found, query by query."""
    return {query: Ordered(found.documents, found.scores) for query, found in raw.first.found.items()}


def reranked(data: Dataset, raw: Raw, system: str) -> dict[str, Ordered]:
    """What a reranker made of it, by logit or else by score; ties, and behind them what it did not judge, as the first stage had them."""
    return {query: _reordered(data, found, raw.judged[system].get(query)) for query, found in raw.first.found.items()}


def scored_labels(data: Dataset, raw: Raw, system: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """((n,) scores, (n,) labels) of all candidates that the reranker scored; labels are 1, 0 or UNJUDGED."""
    scores, labels = [], []
    for query, timed in raw.judged[system].items():
        relevant, judged = data.relevant(query), data.grades[query]
        for document, score in zip(_with_text(data, raw.first.found[query]), timed.scores, strict=True):
            if score is not None:
                scores.append(score)
                labels.append(1.0 if document in relevant else 0.0 if document in judged else UNJUDGED)
    return np.array(scores, np.float64), np.array(labels, np.float64)


def _reordered(data: Dataset, found: Found, timed: Timed | None) -> Ordered:
    if timed is None:
        return Ordered(found.documents, (None,) * len(found.documents))
    given = _with_text(data, found)
    deciding = timed.scores if timed.logits is None else timed.logits
    scores: Mapping[str, float | None] = dict(zip(given, timed.scores, strict=True))
    keys = {document: key for document, key in zip(given, deciding, strict=True) if key is not None}
    judged = sorted(keys, key=lambda document: -keys[document])
    documents = (*judged, *(document for document in found.documents if document not in keys))
    return Ordered(documents, tuple(scores.get(document) for document in documents))


def _with_text(data: Dataset, found: Found) -> list[str]:
    """What rerankers were given of it."""
    return [document for document in found.documents if document in data.documents]

"""The first stages that a tuning compares: the pipeline's own, its parts, its parts with other weights, and those of the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import ConfigError
from ..retrieval.base import Retrieval, Retriever, Where
from ..retrieval.fusion import Weighted
from ..retrieval.hybrid import HybridRetriever

__all__ = ["FirstStage", "Remembering", "first_stages"]


@dataclass(frozen=True, slots=True)
class FirstStage:
    """One of those that are compared."""

    label: str
    retriever: Retriever  # what is asked while tuning
    chosen: Callable[[], Retriever]  # what a pipeline gets that is tuned to it


class Remembering:
    """A retriever that finds the last question's documents once, however many mixtures of it are tried. Not for threads."""

    def __init__(self, retriever: Retriever) -> None:
        """`retriever`: whose it is to close stays so."""
        self._retriever = retriever
        self._last: Retrieval | None = None
        self._depth = 0

    @property
    def name(self) -> str:
        """That of the retriever."""
        return self._retriever.name

    def retrieve(self, query: str, k: int = 100, *, where: Where | None = None) -> Retrieval:
        """What the retriever finds, or found a moment ago."""
        if where is not None:
            return self._retriever.retrieve(query, k, where=where)
        if self._last is None or self._last.query != query or self._depth != k:
            self._last, self._depth = self._retriever.retrieve(query, k), k
        return self._last

    def close(self) -> None:
        """Forget."""
        self._last = None


def first_stages(own: Retriever, others: Sequence[Retriever], weights: Sequence[float], depth: int) -> list[FirstStage]:
    """`own` first. `weights`: of the first part, where `own` is a hybrid of two. `depth`: documents that each part is asked for.

    Raises ConfigError where two have one name, for then their trials could not be told apart.
    """
    stages = [FirstStage(own.name, own, partial(_itself, own)), *_mixtures(own, weights, depth)]
    stages += [FirstStage(other.name, other, partial(_itself, other)) for other in others]
    labels = [stage.label for stage in stages]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise ConfigError(f"two first stages are called {twice!r}; give each its own name, so that the trials can be told apart")
    return stages


def _mixtures(own: Retriever, weights: Sequence[float], depth: int) -> list[FirstStage]:
    if not isinstance(own, HybridRetriever) or len(own.retrievers) != 2:
        return []
    parts = own.retrievers
    remembered = [Remembering(part) for part in parts]
    first, second = (part.name for part in parts)
    stages = [FirstStage(f"{part.name} alone", kept, partial(_itself, part)) for part, kept in zip(parts, remembered, strict=True)]
    for weight in weights:
        fusion = Weighted({first: weight, second: round(1 - weight, 6)})
        label = f"{own.name} of {first} {weight:g} and {second} {1 - weight:g}"
        tried = HybridRetriever(remembered, fusion, depth=depth, name=own.name)
        # The scores are scaled by all that a part found, so the mixture that is used later must ask as deep as the one that was tried.
        stages.append(FirstStage(label, tried, partial(HybridRetriever, parts, fusion, depth=depth, name=own.name)))
    return stages


def _itself(retriever: Retriever) -> Retriever:
    return retriever

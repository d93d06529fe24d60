"""Scores of queries, drawn from distributions that are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adjudge.monitor import Origin, Reference, Tally, make_reference

__all__ = ["ORIGIN", "drawn", "reference_of", "tallied"]

ORIGIN = Origin(model="judge", revision="r1", score_type="sigmoid", data=("drawn",), created=1_700_000_000)


def drawn(queries: int, *, seed: int, shift: float = 0.0, alike: float = 0.3, documents: int = 20) -> NDArray[np.float64]:
    """(queries, documents) probabilities. `alike`: the share of the variance that lies between queries; one document in each answers."""
    chance = np.random.default_rng(seed)
    logits = 2 * (np.sqrt(alike) * chance.normal(size=(queries, 1)) + np.sqrt(1 - alike) * chance.normal(size=(queries, documents))) - 2
    logits[:, 0] += 4
    return np.asarray(1 / (1 + np.exp(-(logits + shift))))


def reference_of(scores: NDArray[np.float64], origin: Origin = ORIGIN) -> Reference:
    """A reference of these queries."""
    return make_reference(scores.tolist(), origin)


def tallied(scores: NDArray[np.float64]) -> Tally:
    """All queries in one, without a loop over them."""
    tally = Tally("sigmoid")
    tally.sketches["score"].add(scores)
    tally.sketches["top_score"].add(scores.max(axis=1))
    tally.sketches["spread"].add(np.sort(scores, axis=1)[:, -10:].std(axis=1))
    tally.queries = len(scores)
    tally.squares = len(scores) * scores.shape[1] ** 2
    return tally

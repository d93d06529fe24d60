"""Data to calibrate on: logits and labels drawn from a known judge, and rows that word overlap can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drawn", "drawn", "slow_precision_recall", "word_rows"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row for each pair."""

    logits: NDArray[np.float64]
    relevant: NDArray[np.float64]
    queries: list[str]


def drawn(pairs: int, *, temperature: float = 2.0, bias: float = -0.7, spread: float = 3.0, seed: int = 1) -> Drawn:
    """Labels that are 1 with the probability sigmoid(logit / temperature + bias); ten pairs a query."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, spread, pairs)
    relevant = (draw.random(pairs) < 1 / (1 + np.exp(-(logits / temperature + bias)))).astype(float)
    return Drawn(logits, relevant, [f"query {n // 10}" for n in range(pairs)])


def slow_precision_recall(score: float, scores: NDArray[np.float64], relevant: NDArray[np.float64]) -> tuple[float, float]:
    """By counting, pair by pair."""
    kept = [label for said, label in zip(scores, relevant, strict=True) if said >= score]
    return sum(kept) / len(kept), sum(kept) / sum(relevant)


def word_rows(queries: int) -> list[dict[str, Any]]:
    """Triples: words of the query in the answer, words of another query in the counterexamples."""
    words = [f"w{n}{letter}" for n in range(queries) for letter in "abcd"]
    rows = []
    for n in range(queries):
        a, b, c, d = words[4 * n : 4 * n + 4]
        near = words[(4 * n + 5) % len(words)]
        rows.append(
            {"query": f"{a} {b} {c} {d}", "positive": [f"{a} {b} {c}"], "negative": [f"{near} stone", f"{a} {near} {near}", "tree"]}
        )
    return rows

"""Mining again with the judge that training has come to: it vetoes what it takes for an answer and puts the hardest of the rest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ConfigError
from .negatives import Candidate, Mined, Question, Source

__all__ = ["sharpen"]

_BLOCK = 64
"""Questions scored together: enough to fill batches, little to hold."""


def sharpen(
    mined: Mined,
    questions: Sequence[Question],
    corpus: Sequence[Source],
    *,
    score: Callable[[list[tuple[str, str]]], Sequence[float]],
    depth: int = 12,
    margin: float = 0.0,
) -> Mined:
    """The first `depth` candidates of each question by falling logit, those out that come within `margin` of the best positive or above it.

    `score` gives the logit of each (query, passage). Vetoed candidates are counted as refused; what lies below `depth` is dropped.
    """
    if depth < 1:
        raise ConfigError(f"depth={depth}: let the judge see at least one candidate")
    found: list[tuple[Candidate, ...]] = []
    out: list[frozenset[int]] = []
    vetoed = 0
    for first in range(0, len(questions), _BLOCK):
        block = list(zip(questions[first : first + _BLOCK], mined.candidates[first : first + _BLOCK], strict=True))
        pairs = [(q.text, corpus[i].text) for q, candidates in block for i in (*q.positives, *(c.index for c in candidates[:depth]))]
        logits = iter(score(pairs))
        for question, candidates in block:
            limit = max(next(logits) for _ in question.positives) - margin
            ranked = sorted(((next(logits), n, c) for n, c in enumerate(candidates[:depth])), key=lambda entry: (-entry[0], entry[1]))
            kept = tuple(candidate for logit, _, candidate in ranked if logit < limit)
            vetoed += len(ranked) - len(kept)
            found.append(kept)
            out.append(mined.refused[len(out)].union(candidate.index for logit, _, candidate in ranked if logit >= limit))
    before = mined.statistics
    statistics = replace(before, refused={**before.refused, "veto": vetoed}, kept=sum(map(len, found)), bare=sum(not f for f in found))
    return Mined(candidates=tuple(found), statistics=statistics, refused=tuple(out))

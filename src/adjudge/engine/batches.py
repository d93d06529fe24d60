"""Which pairs are computed together: longest first, under a budget of tokens as they are really computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..backends.base import Traits

__all__ = ["even_budget", "padded_length", "plan_batches", "shortest_beside"]

SMALLEST_SHARE = 512
"""Tokens below which splitting a small request over the streams costs more than it gains."""

BUDGET_STEP = 256
"""Budgets are rounded up to this, so that requests of about one size make batches of the same shapes, which backends remember."""


def even_budget(tokens: int, budget: int, parallel: int) -> int:
    """A budget of at most `budget` under which `tokens` make batches of one size, as many for each of `parallel` streams."""
    rounds = max(1, -(-tokens // (budget * parallel)))
    share = max(SMALLEST_SHARE, -(-tokens // (rounds * parallel)))
    return min(budget, -(-share // BUDGET_STEP) * BUDGET_STEP)


def padded_length(length: int, step: int, longest: int) -> int:
    """`length` rounded up to a multiple of `step` (of twice that beyond eight steps), but not above `longest`; a step of 1 pads nothing."""
    if step == 1:
        return length
    step = step if length <= 8 * step else 2 * step
    return max(length, min(longest, -(-length // step) * step))


def shortest_beside(longest: int, traits: Traits) -> int:
    """How long a row must be to be computed beside one of `longest` tokens: shorter ones are cheaper in a batch of their own."""
    return 0 if traits.padding_free or traits.forward_tokens is None else longest - traits.forward_tokens


def plan_batches(
    lengths: Sequence[int],
    *,
    max_tokens: int,
    max_rows: int | None = None,
    padding_free: bool = False,
    shortest: Callable[[int], int] = lambda longest: 0,
) -> list[list[int]]:
    """Split positions 0..n-1 into batches; every position appears once.

    A batch costs rows x longest where padding is computed, the sum of lengths where it is free, and stays within `max_tokens`;
    a single pair above the budget makes a batch of its own. Longest first: a batch that does not fit in memory shows at once.
    `shortest`: rows below `shortest(longest of the batch)` begin another.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches: list[list[int]] = []
    current: list[int] = []
    cost = longest = 0
    for i in order:
        longest = longest if current else lengths[i]
        grown = cost + lengths[i] if padding_free else longest * (len(current) + 1)
        full = grown > max_tokens or (max_rows is not None and len(current) >= max_rows)
        if current and (full or lengths[i] < shortest(longest)):
            batches.append(current)
            current, longest = [], lengths[i]
            grown = lengths[i]
        current.append(i)
        cost = grown
    if current:
        batches.append(current)
    return batches

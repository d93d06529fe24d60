"""The report's drawings: each a pure function from a part of an Evaluation to SVG."""

from __future__ import annotations

__all__ = ["COMPACT", "colour"]

COMPACT = 500.0
"""A drawing narrower than this, in pixels, is for a phone: names stand above what they name."""


def colour(position: int) -> str:
    """The class that colours a system by its position in the evaluation: grey for the first stage, then seven that can be told apart."""
    return "s0" if position == 0 else f"s{(position - 1) % 7 + 1}"

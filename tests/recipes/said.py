"""A judge for tests of the recipe that says what it is told to."""

from __future__ import annotations

__all__ = ["Said"]


class Said:
    """Gives the pairs that it is asked about these logits, in order."""

    def __init__(self, *logits: float) -> None:
        self._logits = logits

    def score(self, pairs: list[tuple[str, str]], *, normalize: bool) -> list[float]:
        assert not normalize
        assert len(pairs) == len(self._logits)
        return list(self._logits)

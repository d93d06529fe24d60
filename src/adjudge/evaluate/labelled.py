"""Labelled pairs as values, and how they are to be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError

__all__ = ["BadRow", "Labelled", "LabelledPairs", "ReadConfig"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A query, a passage, and whether the passage answers it."""

    query: str
    passage: str
    relevant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that could not be used."""

    path: Path
    line: int  # from 1
    reason: str

    def __str__(self) -> str:
        """path:line: reason."""
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPairs:
    """What was read: no pair twice, none with both labels."""

    pairs: tuple[Labelled, ...]
    bad: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out and why, a sentence each

    @property
    def queries(self) -> int:
        """How many different ones there are."""
        return len({pair.query for pair in self.pairs})

    @property
    def relevant(self) -> int:
        """How many pairs are relevant."""
        return sum(pair.relevant for pair in self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConfig:
    """How labelled pairs are read."""

    relevant_from: float | None = None  # the lowest label that counts as relevant; None: 1, in judgement groups (0 to 3) 2
    queries: int | None = None  # at most so many, drawn by their hash; None: all of a file, 500 of a BEIR folder
    candidates: int = 20  # of a BEIR folder: how many of BM25's hits for a query are taken
    split: str | None = None  # of a BEIR folder: which qrels/NAME.tsv; None: the only one

    def __post_init__(self) -> None:
        for name in ("queries", "candidates"):
            value = getattr(self, name)
            if (value is not None or name == "candidates") and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")
        least = self.relevant_from
        if least is not None and (isinstance(least, bool) or not isinstance(least, int | float) or not math.isfinite(least)):
            raise ConfigError(f"relevant_from must be a finite number, not {least!r}")

"""Runs as TREC has them: query Q0 document rank score tag, a line a document."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .lines import numbered_lines, text_of
from .problems import ProblemList

__all__ = ["RunLine", "looks_like_run", "read_run"]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A document that a run names for a query."""

    document: str
    score: float
    rank: int


def looks_like_run(name: str) -> bool:
    """Whether a retriever's name is rather that of a file."""
    return name.removesuffix(".gz").endswith((".trec", ".run", ".txt"))


def read_run(path: Path, problems: ProblemList) -> Mapping[str, tuple[RunLine, ...]]:
    """Documents of each query, best score first, as trec_eval takes them; where scores are equal, in the order of their ranks.

    Raises InputError, with the line, for what is no run.
    """
    found: dict[str, list[RunLine]] = {}
    for number, line in numbered_lines(path):
        query, parsed = _line(line, f"{path}:{number}")
        found.setdefault(query, []).append(parsed)
    if not found:
        raise InputError(f"{path} is empty")
    return {query: _ordered(query, lines, problems) for query, lines in found.items()}


def _ordered(query: str, lines: list[RunLine], problems: ProblemList) -> tuple[RunLine, ...]:
    best: dict[str, RunLine] = {}
    for line in sorted(lines, key=lambda line: (-line.score, line.rank)):
        if line.document in best:
            problems.add("run_duplicate", f"{query} {line.document}")
        else:
            best[line.document] = line
    return tuple(best.values())


def _line(line: bytes, place: str) -> tuple[str, RunLine]:
    try:
        cells = text_of(line).split()
    except InputError as exc:
        raise InputError(f"{place}: {exc}") from exc
    if len(cells) not in (5, 6):
        raise InputError(f"{place}: a line of a run is query Q0 document rank score tag, and this one has {len(cells)} words")
    try:
        rank, score = int(cells[3]), float(cells[4])
    except ValueError as exc:
        raise InputError(f"{place}: the rank {cells[3]!r} must be a whole number and the score {cells[4]!r} a number") from exc
    if not math.isfinite(score):
        raise InputError(f"{place}: the score {cells[4]!r} must be a finite number")
    return cells[0], RunLine(cells[2], score, rank)

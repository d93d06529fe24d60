"""A passage of a file: the unit that is embedded, stored, found and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..base import Scalar

__all__ = ["Chunk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A passage and where it stands."""

    id: str  # the same for the same text at the same place of the same source, in every run
    text: str
    source: str  # the file, as a POSIX path below the folder that was named; with "#3" behind it for the third row of a jsonl or csv file
    position: int  # the how-manieth passage of its source, from 0
    start: int = 0  # character offsets in the text that was read from the source
    end: int = 0
    headings: tuple[str, ...] = ()  # the path of headings above it, outermost first
    metadata: Mapping[str, Scalar] = field(default_factory=dict)  # the columns of its row; title, language, page where the format has them

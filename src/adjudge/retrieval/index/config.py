"""How an index is built: settings, checked when they are made; and the account of a build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ...errors import ConfigError
from ..reading import ReadConfig, Skipped, SplitConfig, WalkConfig
from .base import ANN_FROM

__all__ = ["BuildProgress", "BuildReport", "FileNote", "IndexConfig", "OnProgress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How an index is built."""

    walking: WalkConfig = field(default_factory=WalkConfig)  # which files
    reading: ReadConfig = field(default_factory=ReadConfig)  # how they are read
    splitting: SplitConfig = field(default_factory=SplitConfig)  # how they are cut
    rebuild: bool = False  # throw away what there is and make it anew
    prune: bool = False  # let a build take out more than half of the files that are indexed
    ann_from: int = ANN_FROM  # passages from which on vectors are searched approximately

    def __post_init__(self) -> None:
        for name, kind in (("walking", WalkConfig), ("reading", ReadConfig), ("splitting", SplitConfig)):
            if not isinstance(getattr(self, name), kind):
                raise ConfigError(f"{name} must be {kind.__name__}, not {getattr(self, name)!r}")
        for name in ("rebuild", "prune"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be True or False, not {getattr(self, name)!r}")
        if isinstance(self.ann_from, bool) or not isinstance(self.ann_from, int) or self.ann_from < 1:
            raise ConfigError(f"ann_from must be a whole number of 1 or more, not {self.ann_from!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress:
    """How far a build is."""

    files: int  # dealt with
    files_total: int
    passages: int  # embedded so far
    name: str  # the file at hand; "" at the end


OnProgress: TypeAlias = Callable[[BuildProgress], None]


@dataclass(frozen=True, slots=True)
class FileNote:
    """What was not as it should be in a file that was read all the same."""

    source: str  # the file, or the row of one
    message: str  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did."""

    added: int  # files that were not indexed before
    changed: int  # files that were read again
    unchanged: int  # files that were left alone
    removed: int  # files that are no longer there, or can no longer be read
    embedded: int  # passages that were embedded
    kept: int  # passages of changed files that are as they were
    passages: int  # in the index now
    truncated: int  # passages that are longer than the bi-encoder reads: their ends are in the full text only
    skipped: tuple[Skipped, ...]  # what was passed over, the first thousand
    skipped_count: int
    notes: tuple[FileNote, ...]  # of files read in this build, the first thousand: pages that cannot be read, letters lost in decoding
    notes_count: int
    stopped: bool  # before the end, because it was asked to; the same call goes on from there
    seconds: float
    embedding_seconds: float  # of these

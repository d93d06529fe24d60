"""Files in, passages out: walk() finds them, read_source() reads one, split() cuts what was read into chunks."""

from __future__ import annotations

from .chunk import Chunk
from .read import read_source
from .settings import ReadConfig, SplitConfig, WalkConfig
from .source import Block, FoundFile, Skipped, Source
from .split import split
from .walk import walk

__all__ = ["Block", "Chunk", "FoundFile", "ReadConfig", "Skipped", "Source", "SplitConfig", "WalkConfig", "read_source", "split", "walk"]

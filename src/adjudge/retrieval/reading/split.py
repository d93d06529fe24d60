"""A text into passages, by its structure: headings, paragraphs, list entries; code and tables whole where they fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from ..base import Scalar
from ..key_tokens import TokenCounter, estimate_tokens
from .chunk import Chunk
from .pack import Packing
from .pieces import Piece, cut_block
from .sections import Section, common, sections
from .settings import SplitConfig
from .source import Source

__all__ = ["split"]

MOST_COLUMNS = 1000
"""Characters of a table's first line that each of its passages has beside it; a longer one is stored once, in the text."""


def split(source: Source, config: SplitConfig | None = None, *, count: TokenCounter | None = None) -> list[Chunk]:
    """The passages of a source, in order, together all of its text but white space: chunk.text is source.text[start:end].

    None has more than max_tokens, unless a single character has. A passage begins at a heading, or, in sections that are too long, where
    a block begins, or a sentence. Rows of a table that go on in another passage have its first line as metadata "columns", if that has at
    most MOST_COLUMNS characters. `count`: the tokens of a text, as key_tokens.token_counter(reranker) gives it; None: estimate_tokens,
    which mostly counts a little too many.
    """
    config = SplitConfig() if config is None else config
    splitter = _Splitter(source, config, estimate_tokens if count is None else count)
    return [splitter.chunk(run, position) for position, run in enumerate(splitter.runs())]


class _Group:
    """A section, or several small ones after each other."""

    def __init__(self, level: int, pieces: list[Piece]) -> None:
        self.level, self.pieces = level, pieces
        self.tokens = sum(piece.tokens for piece in pieces)
        self.bare = all(piece.heading for piece in pieces)

    def add(self, other: _Group) -> None:
        """Append its pieces; the level stays that of the first section."""
        self.pieces += other.pieces
        self.tokens += other.tokens
        self.bare = self.bare and other.bare


class _Splitter:
    """What split() knows while it works."""

    def __init__(self, source: Source, config: SplitConfig, count: TokenCounter) -> None:
        self.source, self.config, self.count = source, config, count
        self.sections = list(sections(source.blocks))
        self.paths = [section.path for section in self.sections for _ in range(section.first, section.last)]

    def runs(self) -> Iterator[Sequence[Piece]]:
        """The pieces of each passage."""
        group: _Group | None = None
        for section in self.sections:
            above = group.tokens if group is not None and group.bare and section.level >= group.level else 0
            following = _Group(section.level, self._pieces(section, above))
            if group is not None and self._joins(group, following):
                group.add(following)
                continue
            if group is not None:
                yield from self._packed(group)
            group = following
        if group is not None:
            yield from self._packed(group)

    def chunk(self, run: Sequence[Piece], position: int) -> Chunk:
        """One passage."""
        start, end = run[0].start, run[-1].end
        text = self.source.text[start:end]
        content = [piece for piece in run if not piece.heading]
        return Chunk(
            id=_identity(self.source.name, start, text),
            text=text,
            source=self.source.name,
            position=position,
            start=start,
            end=end,
            headings=common([self.paths[piece.block] for piece in content or run]),
            metadata={**self.source.metadata, **self._facts(run)},
        )

    def _joins(self, group: _Group, following: _Group) -> bool:
        """Whether a small section goes into one passage with the next, which is beside or below it."""
        if following.level < group.level:
            return False
        small = group.tokens < self.config.min_tokens
        return group.bare or (small and group.tokens + following.tokens <= self.config.max_tokens)

    def _pieces(self, section: Section, above: int) -> list[Piece]:
        """`above`: tokens of headings that stand right above it. A paragraph that fits only without them is cut."""
        pieces: list[Piece] = []
        for index in range(section.first, section.last):
            block = self.source.blocks[index]
            room = self.config.max_tokens
            if block.kind == "prose" and above <= room // 2:  # an enormous heading stands alone
                room -= above
            pieces.extend(cut_block(self.source.text, block, room, self.count, index=index))
            above = above + pieces[-1].tokens if pieces[-1].heading else 0
        return pieces

    def _packed(self, group: _Group) -> Iterator[Sequence[Piece]]:
        """Passages; where the tokens of the whole are more than those of its pieces, it leaves the last ones to the next."""
        packing, first = Packing(group.pieces, self.config.max_tokens), 0
        while first < len(group.pieces):
            last = packing.end(first)
            while last - first > 1 and not self._fits(group.pieces[first].start, group.pieces[last - 1].end):
                last -= 1
            yield group.pieces[first:last]
            first = last

    def _fits(self, start: int, end: int) -> bool:
        return self.count(self.source.text[start:end]) <= self.config.max_tokens

    def _facts(self, run: Sequence[Piece]) -> Mapping[str, Scalar]:
        """The pages it is on, and the first line of the table whose further rows it goes on with."""
        first, last = (self.source.blocks[piece.block] for piece in (run[0], run[-1]))
        facts: dict[str, Scalar] = {}
        if first.page:
            facts["page"] = first.page
            if last.page > first.page:
                facts["last_page"] = last.page
        if first.kind == "table":
            line = self.source.text.find("\n", first.start, min(run[0].start, first.start + MOST_COLUMNS + 1))
            if line >= 0:
                facts["columns"] = self.source.text[first.start : line].strip()
        return facts


def _identity(source: str, start: int, text: str) -> str:
    return hashlib.sha256(f"{source}\0{start}\0{text}".encode()).hexdigest()[:32]

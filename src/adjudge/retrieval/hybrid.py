"""HybridRetriever: several first stages asked together."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from ..errors import ConfigError
from .base import Retriever, Where
from .corpus import Search, Stage, check_depth, identity
from .fusion import RRF, Fusion, check_fusion, fuse

__all__ = ["HybridRetriever"]


class HybridRetriever(Stage):
    """What several retrievers find, fused into one list. Words find names and numbers, vectors find meaning; together they miss less."""

    def __init__(self, retrievers: Sequence[Retriever], fusion: Fusion | None = None, *, depth: int = 100, name: str = "hybrid") -> None:
        """Ask each of `retrievers` for its `depth` best (or k, where that is more), and fuse the lists (None: RRF()).

        Takes the retrievers over: close() closes them. Raises ConfigError where two have one name, or the fusion names others.
        """
        names = [retriever.name for retriever in retrievers]
        if not names or len({*names, name}) <= len(names):
            raise ConfigError(f"give one retriever or more, each with a name of its own that is not {name!r}; these are named {names}")
        super().__init__(name, self._ask, close=self._close_all)
        self.retrievers = tuple(retrievers)
        self.fusion = RRF() if fusion is None else fusion
        self.depth = check_depth("depth", depth)
        check_fusion(self.fusion, names)

    def _ask(self, query: str, k: int, where: Where | None) -> Search:
        retrievals = {one.name: one.retrieve(query, max(k, self.depth), where=where) for one in self.retrievers}
        began = perf_counter()
        fused = fuse({name: found.candidates for name, found in retrievals.items()}, self.fusion, k=k, name=self.name)
        timings: dict[str, float] = {}
        for name, found in retrievals.items():
            for part, spent in found.timings.items():
                timings[f"{name}.{part}" if part in timings else part] = spent
        return Search(
            found=[(candidate.document, candidate.score) for candidate in fused],
            timings={**timings, "fuse": (perf_counter() - began) * 1e3},
            warnings=tuple(dict.fromkeys(warning for found in retrievals.values() for warning in found.warnings)),
            earlier={identity(candidate.document): candidate for candidate in fused},
        )

    def _close_all(self) -> None:
        for retriever in self.retrievers:
            retriever.close()

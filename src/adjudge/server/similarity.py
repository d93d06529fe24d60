"""How close a query and its documents lie by their vectors: what a first stage would have gone by, beside the judge's word."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..config import Options
from ..engine.documents import accept_documents
from ..errors import AdjudgeError, CallError
from ..types import DocumentLike

if TYPE_CHECKING:
    from ..retrieval.dense import Embedder

__all__ = ["Similarities"]

logger = logging.getLogger("adjudge.server")


class Similarities:
    """Cosines by the shipped bi-encoder, which is loaded when somebody first asks. Safe to use from many threads."""

    def __init__(self, *, threads: int | None = None) -> None:
        """`threads`: CPU threads of the bi-encoder; None: one for each core."""
        self._options: Options = {} if threads is None else {"threads": threads}
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None
        self._off = False  # it could not be loaded, or was closed

    def of(self, query: str, documents: Sequence[DocumentLike]) -> tuple[float | None, ...]:
        """One for each document, -1..1; None for what holds no text, and for all where there is no bi-encoder. Long texts are cut.

        Raises AbandonedError or DeadlineError where nobody waits any more.
        """
        found: list[float | None] = [None] * len(documents)
        embedder = self._open()
        entries = accept_documents(documents).documents
        if embedder is None or not entries:
            return tuple(found)
        try:
            vector = embedder.embed([query], kind="query")[0]
            vectors = embedder.embed([document.text for _, document in entries], kind="document")
        except CallError:  # the caller's own end is none of the bi-encoder's
            raise
        except AdjudgeError as exc:
            logger.warning("there are no similarities for this request: %s", exc)
            return tuple(found)
        for (index, _), value in zip(entries, vectors @ vector, strict=True):
            found[index] = min(1.0, max(-1.0, float(value)))
        return tuple(found)

    def close(self) -> None:
        """Free the bi-encoder. Safe to call twice."""
        with self._lock:
            self._off = True
            if self._embedder is not None:
                self._embedder.close()

    def _open(self) -> Embedder | None:
        with self._lock:
            if self._embedder is None and not self._off:
                from ..retrieval.dense import Embedder

                try:
                    self._embedder = Embedder(**self._options)
                except (AdjudgeError, OSError) as exc:
                    self._off = True
                    logger.warning("there are no similarities: the bi-encoder could not be loaded: %s", exc)
            return None if self._off else self._embedder

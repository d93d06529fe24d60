"""KeyPassages: before judging, a long document is reduced to its most telling passages, by rules and cheap scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..engine.documents import accept_documents, accept_query
from ..errors import ConfigError, InputError
from ..types import DocumentLike
from .dense import Embedder
from .key_choice import Room, beginning, choose, merged
from .key_config import KeyPassageConfig
from .key_scores import Scores, score_units
from .key_selection import Range, Selection, make_selection, original_ranges, reduced_document
from .key_terms import Question, read_question
from .key_tokens import Counter, token_counter
from .key_units import Unit, cut_units, whole_character
from .key_vectors import UnitVectors

__all__ = ["KeyPassageConfig", "KeyPassages", "Selection", "original_ranges"]

LONGEST_UNIT = 320
"""Characters of a unit at most: longer sentences are cut at a comma. Less where the budget is small."""

SHARE, SAMPLE = 0.75, 1000
"""A unit takes about three quarters of the budget at most, judged by how many tokens the first thousand characters have."""

LONG = 16
"""A document of more than so many characters a token of the budget is not counted to see whether it fits."""

VECTOR_SHARE = 0.4
"""How much the bi-encoder has to say, where it is asked; the terms have the rest."""


class KeyPassages:
    """Reduces documents to the passages that tell most about a question, at most `max_tokens` (256) tokens each.

    Rules and counts only: terms of the question, numbers, names, position, neighbours, diversity. The same input gives the same output;
    the time grows linearly with the text. Safe to share between threads. With `vectors` it holds a model: use it as a context manager.
    """

    def __init__(self, config: KeyPassageConfig | None = None, *, counter: Counter = None, embedder: Embedder | None = None) -> None:
        """`counter`: what counts tokens: the Reranker that will judge (exact), a function of a text, or None for a quick estimate.

        `embedder`: for config.vectors; None loads the bundled one, which close() frees. One that is given stays its owner's to close.
        Raises ConfigError for settings that contradict each other.
        """
        self.config = KeyPassageConfig() if config is None else config
        if not isinstance(self.config, KeyPassageConfig):
            raise ConfigError(f"config must be a KeyPassageConfig, not {config!r}")
        if embedder is not None and not self.config.vectors:
            raise ConfigError("an embedder was given, but vectors are off; ask for them with KeyPassageConfig(vectors=True)")
        self._count = token_counter(counter)
        self._separator = self._count(self.config.separator)
        if not isinstance(self._separator, int) or self._separator < 0:
            raise ConfigError(f"counter must return a whole number of tokens, but for {self.config.separator!r} gave {self._separator!r}")
        self._own = Embedder() if self.config.vectors and embedder is None else None
        source = self._own if embedder is None else embedder
        self._vectors = None if source is None else UnitVectors(source, remembered=self.config.remembered)

    def select(self, query: str, document: str) -> Selection:
        """The passages of `document` to judge by `query`. A document that fits into max_tokens is kept whole.

        Raises InputError for a query that is empty or no text. A document without any text has no passages.
        """
        if not isinstance(document, str):
            raise InputError(f"the document must be a string, not {type(document).__name__}; reduce() takes Documents and mappings")
        selection = self._select(accept_query(query), read_question(query), document)
        met = self._met([selection]) or not selection.passages
        return selection if met else self._whole(document, selection.matched)

    def reduce(self, query: str, documents: Iterable[DocumentLike]) -> list[DocumentLike]:
        """The documents in their order, the long ones as new Documents with a shorter text, for Reranker.rank.

        Their metadata holds the way back: original_ranges(result) says which characters of the original a result's passage is.
        What cannot be read (None, bytes, only white space) is passed on as it is, for rank() to refuse with its reason.
        """
        query, given = accept_query(query), _listed(documents)
        accepted, question = accept_documents(given), read_question(query)
        selections = [self._select(query, question, document.text) for _, document in accepted.documents]
        reduced: list[DocumentLike] = list(given)
        if self._met(selections):
            for (index, document), selection in zip(accepted.documents, selections, strict=True):
                if not selection.whole:
                    reduced[index] = reduced_document(document, selection, separator=self.config.separator)
        return reduced

    def close(self) -> None:
        """Free the bi-encoder, where this object loaded it. Safe to call twice."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"KeyPassages({self.config!r})"

    def _select(self, query: str, question: Question, text: str) -> Selection:
        if not text.strip():
            return self._selection(text, [], 0.0)
        units = cut_units(text, longest=self._longest(text))
        scores = score_units(text, units, question)
        if self._fits(text):
            return self._whole(text, _matched(scores, range(len(units))))
        room = Room(tokens=self.config.max_tokens, separator=self._separator, count=self._count, diversity=self.config.diversity)
        values = scores.values if self._vectors is None else _mixed(scores, self._vectors.similarities(query, text, units))
        chosen = beginning(text, units, room) if scores.blind and self._vectors is None else choose(text, units, values, room)
        while chosen:
            selection = self._selection(text, _stripped(text, merged(units, chosen)), _matched(scores, chosen))
            if 0 < selection.tokens <= self.config.max_tokens:
                return selection
            chosen.pop()
        return self._hard(text, units, values, scores)

    def _met(self, selections: Sequence[Selection]) -> bool:
        return any(s.matched >= self.config.least_matched for s in selections)

    def _whole(self, text: str, matched: float) -> Selection:
        return self._selection(text, [(0, len(text))], matched)

    def _longest(self, text: str) -> int:
        sample = text.lstrip()[:SAMPLE]
        fitting = SHARE * self.config.max_tokens * len(sample) / max(1, self._count(sample))
        return min(LONGEST_UNIT, max(16, int(fitting)))

    def _fits(self, text: str) -> bool:
        return len(text) <= LONG * self.config.max_tokens and self._count(text) <= self.config.max_tokens

    def _hard(self, text: str, units: list[Unit], values: NDArray[np.float32], scores: Scores) -> Selection:
        """The beginning of the best unit, where not one unit fits as a whole."""
        best = int(values.argmax())
        start, low, high = units[best].start, units[best].start, units[best].end
        while low < high:
            middle = (low + high + 1) // 2
            if self._count(text[start:middle]) <= self.config.max_tokens:
                low = middle
            else:
                high = middle - 1
        end = whole_character(text, low, least=start)
        return self._selection(text, _stripped(text, [(start, end)]), _matched(scores, [best]))

    def _selection(self, text: str, ranges: list[Range], matched: float) -> Selection:
        separator = self.config.separator
        tokens = self._count(separator.join(text[start:end] for start, end in ranges)) if ranges else 0
        return make_selection(text, ranges, separator=separator, tokens=tokens, matched=matched)


def _mixed(scores: Scores, similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Both opinions, each as a share of its best in this document."""
    most = float(scores.values.max())
    terms = scores.values / most if most > 0 and not scores.blind else scores.values
    mixed: NDArray[np.float32] = (1 - VECTOR_SHARE) * terms + VECTOR_SHARE * similarities
    return mixed


def _matched(scores: Scores, chosen: Iterable[int]) -> float:
    """Share of the question's weight whose terms occur in the chosen units."""
    return min(1.0, float(scores.weights[(scores.found[list(chosen)] > 0).any(axis=0)].sum()))


def _stripped(text: str, ranges: Iterable[Range]) -> list[Range]:
    """The ranges without the white space at their ends, those of nothing else left out."""
    found: list[Range] = []
    for start, end in ranges:
        part = text[start:end]
        first = start + len(part) - len(part.lstrip())
        if part.strip():
            found.append((first, first + len(part.strip())))
    return found


def _listed(documents: Iterable[DocumentLike]) -> Iterable[DocumentLike]:
    """The documents, read once; what is no list at all is left for accept_documents to refuse."""
    single = isinstance(documents, (str, bytes, Mapping)) or not isinstance(documents, Iterable)
    return documents if single else list(documents)

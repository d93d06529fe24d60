"""The values that pass between stages and out to the caller: frozen, slotted, no behaviour beyond looking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, overload

from .errors import ConfigError

__all__ = [
    "Document",
    "DocumentLike",
    "Dropped",
    "Explains",
    "Explanation",
    "Passage",
    "Ranked",
    "Ranking",
    "Refused",
    "ScoreType",
    "Sentence",
    "Timings",
    "Usage",
]

ScoreType: TypeAlias = Literal["calibrated", "sigmoid", "softmax", "logit"]
"""How `score` came from the logit. "calibrated" means: sigmoid after the model's own fitted temperature and bias."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be judged, with whatever the caller wants back beside it."""

    text: str
    id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


DocumentLike: TypeAlias = str | Document | Mapping[str, Any]
"""A string, a Document, or a mapping with "text" (and perhaps "id" and "metadata"; other keys become metadata)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a document that decided its score: document.text[start:end]."""

    text: str
    start: int  # character offsets in the document's text
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One document that was judged."""

    index: int  # position in the caller's list
    document: Document
    score: float  # 0..1 unless score_type is "logit"
    logit: float  # what decides the order
    passage: Passage
    truncated: bool = False  # True: the model did not see the whole text
    windows: int = 1  # how many windows the document was judged in
    tokens: int = 0  # tokens of the document, the query's not counted
    tokens_unseen: int = 0  # of these, not judged because truncation was asked for
    unseen: tuple[tuple[int, int], ...] = ()  # the characters of these, as half-open ranges of the document's text
    judge: str = ""  # the model that gave this score: two may share the work
    aspects: Mapping[str, float] = field(default_factory=dict)  # probabilities of the model's auxiliary heads, of the passage's window


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """One document that was judged and fell under the threshold or behind top_n."""

    index: int
    document: Document
    score: float
    logit: float
    rule: str  # "top_n=5", "absolute:0.3 (cut-off 0.300)"
    judge: str = ""  # the model that gave this score


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One document that was not judged; the others were."""

    index: int
    reason: Literal["empty", "not_text", "bad_mapping"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a request cost."""

    documents: int = 0
    pairs: int = 0  # (query, window) pairs judged
    tokens: int = 0  # real tokens of all pairs, specials included
    padded_tokens: int = 0  # tokens computed, padding included
    batches: int = 0  # of the call that made the result (shared by all queries of one rank_many)
    truncated: int = 0  # documents that were cut
    computed: int = 0  # of the pairs, those that went through a model; the others were known (cache, or the same pair in one request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds of wall clock, for the call that made the result (shared by all queries of one rank_many)."""

    tokenise_ms: float = 0.0
    forward_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of an explained passage, and what its absence does."""

    text: str
    start: int  # character offsets in the document's text
    end: int
    score_without: float  # the passage's score when this sentence is left out
    logit_without: float
    effect: float  # logit of the whole passage less logit_without: above 0, the sentence speaks for the answer
    count: int = 1  # sentences that were left out together: more than one in a passage of very many


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What carried a score: the passage judged again with each sentence left out (occlusion)."""

    query: str
    index: int  # position in the caller's list
    passage: Passage
    score: float
    logit: float
    sentences: tuple[Sentence, ...]  # in the order of the text; empty where the passage is one sentence
    aspects: Mapping[str, float] = field(default_factory=dict)  # the auxiliary heads' probabilities, where the model has them
    pairs: int = 0  # what it cost: pairs judged
    milliseconds: float = 0.0

    @property
    def strongest(self) -> Sentence | None:
        """The sentence whose absence costs most, if any speaks for the answer."""
        best = max(self.sentences, key=lambda s: s.effect, default=None)
        return best if best is not None and best.effect > 0 else None


class Explains(Protocol):
    """Judges parts of a result's passage with the model that judged the whole."""

    def __call__(self, query: str, result: Ranked) -> Explanation:
        """The passage without each of its sentences."""
        ...

    def alone(self, query: str, result: Ranked, sentences: Sequence[Sentence]) -> list[float]:
        """The logit of each sentence by itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Sequence[Ranked]):
    """The answer to rank(): what is kept, best first, and an account of everything else."""

    query: str
    results: tuple[Ranked, ...]
    dropped: tuple[Dropped, ...] = ()
    refused: tuple[Refused, ...] = ()
    warnings: tuple[str, ...] = ()
    score_type: ScoreType = "sigmoid"
    model: str = ""
    revision: str = ""
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    explainer: Explains | None = field(default=None, repr=False, compare=False)  # set by Reranker.rank

    def explain(self, position: int) -> Explanation:
        """Which sentences carried the result at `position` (0: the best). Judges its passage again, once for each sentence.

        Raises IndexError where there is no such result, ConfigError for a ranking that no loaded reranker made.
        """
        result = self.results[position]
        if self.explainer is None:
            raise ConfigError("this ranking does not know its reranker (it was built or loaded without one); rank again to explain")
        return self.explainer(self.query, result)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self.results)

    @overload
    def __getitem__(self, index: int) -> Ranked: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Ranked, ...]: ...
    def __getitem__(self, index: int | slice) -> Ranked | tuple[Ranked, ...]:
        return self.results[index]

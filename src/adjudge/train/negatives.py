"""Hard negatives: passages that a first stage puts near a question and that do not answer it.

Two finders propose (BM25 within the passage's language, a bi-encoder across all), filters throw out what may answer after all, and a seeded
draw takes a few of what is left. The filters are those of NV-Retriever (Moreira et al., 2024: a margin to the positive) and of translated
data (twins); the judge itself may veto and rank once it is trained. Memory: vectors of the corpus, and one block of questions at a time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backends.base import Floats
from ..errors import ConfigError, InputError
from ..retrieval.lexical import Lexical

__all__ = ["Candidate", "Mined", "NegativeConfig", "Question", "Source", "Statistics", "choose", "mine"]

_BLOCK = 256
"""Questions compared with the whole corpus at once: 256 x 100,000 float32 are 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage that may serve as a negative."""

    text: str
    lang: str
    group: str = ""  # near neighbours (one manual folder, one sheet) share it; "": none


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query and the passages known to answer it, as positions in the corpus."""

    text: str
    lang: str
    positives: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeConfig:
    """How many, how hard, and what is too close to be trusted. Similarities are cosines of the bi-encoder."""

    per_question: int = 6
    own_language: int = 3  # of these, in a question's own language where its answer is in another
    random: int = 1  # of these, anything of the answer's language: easy ones keep scores honest
    lexical_depth: int = 30  # how far down BM25's list
    dense_depth: int = 60  # how far down the bi-encoder's
    margin: float = 0.0  # a passage within this of the best positive's similarity, or above it, may answer: out
    twin: float = 0.95  # a passage this similar to a positive is its translation or near copy: out
    hardest: int = 12  # draw among so many of the hardest
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("per_question", "lexical_depth", "dense_depth", "hardest"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} must be at least 1")
        if self.own_language < 0 or self.random < 0 or self.random > self.per_question:
            raise ConfigError(f"own_language={self.own_language} and random={self.random} must lie between 0 and per_question")
        if not -1 <= self.margin <= 1 or not 0 < self.twin <= 1:
            raise ConfigError(f"margin={self.margin} must lie in -1..1 and twin={self.twin} in 0..1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage that a finder proposed and no filter refused."""

    index: int
    similarity: float  # to the question
    found: str  # "lexical", "dense", "neighbour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What was proposed, what each filter threw out, and what was left."""

    questions: int
    proposed: Mapping[str, int]  # by finder
    refused: Mapping[str, int]  # by filter: equal, twin, margin; veto, where a judge looked too (see sharpen.py)
    kept: int
    bare: int  # questions without a single candidate

    def __str__(self) -> str:
        """A few lines for a terminal or a log."""
        parts = [f"{self.questions} questions, {self.kept / max(1, self.questions):.1f} candidates each, {self.bare} without any"]
        parts += [f"proposed by {name}: {count}" for name, count in sorted(self.proposed.items())]
        return "\n".join(parts + [f"refused as {name}: {count}" for name, count in sorted(self.refused.items())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """Candidates of each question, most similar first, and the account."""

    candidates: tuple[tuple[Candidate, ...], ...]
    statistics: Statistics
    refused: tuple[frozenset[int], ...]  # of each question, what a filter threw out: it must not come back as a random one


def mine(
    questions: Sequence[Question], corpus: Sequence[Source], *, query_vectors: Floats, vectors: Floats, config: NegativeConfig
) -> Mined:
    """Candidates for every question. `query_vectors` (questions, size) and `vectors` (passages, size) have length 1.

    Raises InputError where the arrays do not fit the lists or a positive lies outside the corpus.
    """
    _check(questions, corpus, query_vectors, vectors)
    lexical = _lexical(questions, corpus, config)
    miner = _Miner(corpus, vectors, config)
    for first in range(0, len(questions), _BLOCK):
        similarity = query_vectors[first : first + _BLOCK] @ vectors.T
        for row, question in enumerate(questions[first : first + _BLOCK]):
            miner.look(question, similarity[row], lexical[first + row])
    statistics = Statistics(
        questions=len(questions),
        proposed=dict(miner.proposed),
        refused=dict(miner.refused),
        kept=sum(map(len, miner.kept)),
        bare=sum(not candidates for candidates in miner.kept),
    )
    return Mined(candidates=tuple(miner.kept), statistics=statistics, refused=tuple(miner.out))


def choose(
    mined: Mined,
    questions: Sequence[Question],
    corpus: Sequence[Source],
    config: NegativeConfig,
    *,
    veto: Callable[[int, int], bool] | None = None,
) -> list[tuple[int, ...]]:
    """Draw `per_question` negatives for each question, as positions in the corpus; fewer where there are too few.

    `veto(question, passage)` says True for a passage that a teacher takes for an answer.
    """
    chooser = _Chooser(corpus, config, veto)
    return [
        chooser.draw(number, question, candidates, out)
        for number, (question, candidates, out) in enumerate(zip(questions, mined.candidates, mined.refused, strict=True))
    ]


class _Chooser:
    """Draws a question's negatives."""

    def __init__(self, corpus: Sequence[Source], config: NegativeConfig, veto: Callable[[int, int], bool] | None) -> None:
        self._corpus, self._config = corpus, config
        self._veto = (lambda _question, _passage: False) if veto is None else veto
        self._by_language = _by_language(corpus)

    def draw(self, number: int, question: Question, candidates: Sequence[Candidate], out: frozenset[int]) -> tuple[int, ...]:
        """Hard ones in the question's own language where no answer is in it, then of the answer's, then random ones."""
        corpus, config = self._corpus, self._config
        draw = random.Random(f"{config.seed}:{number}")  # of its own, so that a question's negatives do not hang on its neighbours
        usable = list({corpus[c.index].text: c.index for c in reversed(candidates) if not self._veto(number, c.index)}.values())[::-1]
        answers = {corpus[p].lang for p in question.positives}
        own = [i for i in usable if corpus[i].lang == question.lang] if question.lang not in answers else []
        rest = [i for i in usable if corpus[i].lang in answers]
        hard = config.per_question - config.random
        taken = _sample(draw, own[: config.hardest], min(config.own_language, hard))
        taken += _sample(draw, rest[: config.hardest], hard - len(taken))
        pool = np.concatenate([self._by_language[language] for language in sorted(answers)])
        texts = {corpus[i].text for i in (*question.positives, *taken)}
        for _ in range(20 * config.per_question):
            if len(taken) >= config.per_question:
                break
            index = int(pool[draw.randrange(len(pool))])
            if corpus[index].text in texts or index in out or _same_group(corpus, index, question.positives) or self._veto(number, index):
                continue
            taken.append(index)
            texts.add(corpus[index].text)
        return tuple(taken)


def _by_language(corpus: Sequence[Source]) -> dict[str, NDArray[np.int64]]:
    found: dict[str, list[int]] = {}
    for index, source in enumerate(corpus):
        found.setdefault(source.lang, []).append(index)
    return {language: np.array(indices, np.int64) for language, indices in found.items()}


def _sample(draw: random.Random, items: Sequence[int], count: int) -> list[int]:
    return draw.sample(list(items), min(count, len(items)))


def _same_group(corpus: Sequence[Source], index: int, positives: Sequence[int]) -> bool:
    group = corpus[index].group
    return bool(group) and any(corpus[p].group == group for p in positives)


def _check(questions: Sequence[Question], corpus: Sequence[Source], query_vectors: Floats, vectors: Floats) -> None:
    if len(query_vectors) != len(questions) or len(vectors) != len(corpus):
        raise InputError(
            f"{len(questions)} questions and {len(corpus)} passages came with {len(query_vectors)} and {len(vectors)} vectors; "
            "give one for each"
        )
    if query_vectors.ndim != 2 or vectors.ndim != 2 or query_vectors.shape[1] != vectors.shape[1]:
        raise InputError(f"vectors of the shapes {query_vectors.shape} and {vectors.shape} cannot be compared; make them with one model")
    for question in questions:
        if not question.positives or not all(0 <= p < len(corpus) for p in question.positives):
            raise InputError(f"the question {question.text[:60]!r} names the positives {question.positives} of a corpus of {len(corpus)}")


def _lexical(questions: Sequence[Question], corpus: Sequence[Source], config: NegativeConfig) -> list[list[int]]:
    """BM25 per language: in a mixed index, the words of a small language would all be rare."""
    found: list[list[int]] = [[] for _ in questions]
    for language in sorted({source.lang for source in corpus}):
        own = [i for i, source in enumerate(corpus) if source.lang == language]
        index = Lexical([corpus[i].text for i in own])
        asking = [n for n, q in enumerate(questions) if language == q.lang or any(corpus[p].lang == language for p in q.positives)]
        for first in range(0, len(asking), _BLOCK):
            block = asking[first : first + _BLOCK]
            hits = index.search([questions[n].text for n in block], k=config.lexical_depth)
            for n, row in zip(block, hits.indices, strict=True):
                found[n].extend(own[i] for i in row if i >= 0)
    return found


class _Miner:
    """Proposes and filters, question by question, and keeps the account."""

    def __init__(self, corpus: Sequence[Source], vectors: Floats, config: NegativeConfig) -> None:
        self._corpus, self._vectors, self._config = corpus, vectors, config
        self._by_language = _by_language(corpus)
        self._neighbours: dict[tuple[str, str], list[int]] = {}
        for index, source in enumerate(corpus):
            if source.group:
                self._neighbours.setdefault((source.group, source.lang), []).append(index)
        self.proposed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.kept: list[tuple[Candidate, ...]] = []
        self.out: list[frozenset[int]] = []

    def look(self, question: Question, similarity: Floats, lexical: Sequence[int]) -> None:
        """One question: `similarity` (passages,) of everything to it, and what BM25 found."""
        proposals = dict.fromkeys(self._near_group(question), "neighbour")
        proposals |= dict.fromkeys(self._dense(question, similarity), "dense")
        proposals |= dict.fromkeys(lexical, "lexical")
        self.proposed.update(proposals.values())
        refused = self._refused(question, list(proposals), similarity)
        self.refused.update(refused.values())
        kept = [Candidate(index=i, similarity=float(similarity[i]), found=f) for i, f in proposals.items() if i not in refused]
        self.kept.append(tuple(sorted(kept, key=lambda c: (-c.similarity, c.index))))
        self.out.append(frozenset(refused))

    def _near_group(self, question: Question) -> Iterator[int]:
        for positive in question.positives:
            source = self._corpus[positive]
            yield from self._neighbours.get((source.group, source.lang), ())

    def _dense(self, question: Question, similarity: Floats) -> Iterator[int]:
        """The nearest in the answers' languages and in the question's own, each by itself: either would crowd out the other."""
        answers = {self._corpus[p].lang for p in question.positives} - {question.lang}
        pools = [self._by_language[language] for language in sorted(answers)]
        pools = [np.concatenate(pools)] if pools else []
        if question.lang in self._by_language:
            pools.append(self._by_language[question.lang])
        for pool in pools:
            near, depth = similarity[pool], min(self._config.dense_depth, len(pool))
            yield from pool[np.argpartition(-near, depth - 1)[:depth]].tolist()

    def _refused(self, question: Question, indices: Sequence[int], similarity: Floats) -> dict[int, str]:
        """Which of the proposals are out, and by which filter."""
        corpus, config, positives = self._corpus, self._config, list(question.positives)
        texts, answers = {corpus[p].text for p in positives}, {corpus[p].lang for p in positives}
        limit = float(similarity[positives].max()) - config.margin
        twins = (self._vectors[indices] @ self._vectors[positives].T).max(axis=1) if indices else np.zeros(0, np.float32)
        found: dict[int, str] = {}
        for index, twin in zip(indices, twins, strict=True):
            source = corpus[index]
            if index in positives or source.text in texts:
                found[index] = "equal"
            elif twin >= config.twin or (source.lang not in answers and _same_group(corpus, index, positives)):
                found[index] = "twin"
            # Across languages a bi-encoder puts everything of the question's own language first: there its margin says nothing.
            elif source.lang in answers and similarity[index] >= limit:
                found[index] = "margin"
        return found

"""Hard negatives: passages that a first stage puts near a question and that do not answer it.

Two finders propose (BM25 within the passage's language, a bi-encoder across all), filters throw out what may answer after all, and a seeded
draw takes a few of what is left. The filters are those of NV-Retriever (Moreira et al., 2024: a margin to the positive) and of translated
data (twins); the judge itself may veto and rank once it is trained. Memory: vectors of the corpus, and one block of questions at a time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

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
    refused: Mapping[str, int]  # by filter: equal, twin, margin, veto
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


@dataclass(slots=True)
class _Account:
    proposed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def mine(
    questions: Sequence[Question], corpus: Sequence[Source], *, query_vectors: Floats, vectors: Floats, config: NegativeConfig
) -> Mined:
    """Candidates for every question. `query_vectors` (questions, size) and `vectors` (passages, size) have length 1.

    Raises InputError where the arrays do not fit the lists or a positive lies outside the corpus.
    """
    _check(questions, corpus, query_vectors, vectors)
    lexical, account = _lexical(questions, corpus, config), _Account()
    neighbours = _neighbours(corpus)
    languages = np.array([source.lang for source in corpus])
    found: list[tuple[Candidate, ...]] = []
    for first in range(0, len(questions), _BLOCK):
        similarity = query_vectors[first : first + _BLOCK] @ vectors.T
        for row, question in enumerate(questions[first : first + _BLOCK]):
            proposals = dict.fromkeys(_near_group(question, corpus, neighbours), "neighbour")
            proposals |= dict.fromkeys(_dense(similarity[row], languages, question.lang, config.dense_depth), "dense")
            proposals |= dict.fromkeys(lexical[first + row], "lexical")
            account.proposed.update(proposals.values())
            kept = _filter(question, proposals, corpus, similarity[row], vectors, config, account)
            found.append(tuple(sorted(kept, key=lambda c: (-c.similarity, c.index))))
    statistics = Statistics(
        questions=len(questions),
        proposed=dict(account.proposed),
        refused=dict(account.refused),
        kept=sum(map(len, found)),
        bare=sum(not f for f in found),
    )
    return Mined(candidates=tuple(found), statistics=statistics)


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
    by_language: dict[str, list[int]] = {}
    for index, source in enumerate(corpus):
        by_language.setdefault(source.lang, []).append(index)
    return [
        _draw(number, question, mined.candidates[number], corpus, by_language, config, veto) for number, question in enumerate(questions)
    ]


def _draw(
    number: int,
    question: Question,
    candidates: Sequence[Candidate],
    corpus: Sequence[Source],
    by_language: Mapping[str, list[int]],
    config: NegativeConfig,
    veto: Callable[[int, int], bool] | None,
) -> tuple[int, ...]:
    draw = random.Random(f"{config.seed}:{number}")  # of its own, so that a question's negatives do not hang on its neighbours
    usable = [c.index for c in candidates if veto is None or not veto(number, c.index)]
    answers = {corpus[p].lang for p in question.positives}
    own = [i for i in usable if corpus[i].lang == question.lang] if question.lang not in answers else []
    rest = [i for i in usable if corpus[i].lang in answers]
    taken = _sample(draw, own[: config.hardest], min(config.own_language, config.per_question - config.random))
    taken += _sample(draw, [i for i in rest[: config.hardest] if i not in taken], config.per_question - config.random - len(taken))
    pool = [i for language in sorted(answers) for i in by_language[language]]
    texts = {corpus[i].text for i in (*question.positives, *taken)}
    for _ in range(20 * config.per_question):
        if len(taken) >= config.per_question:
            break
        index = pool[draw.randrange(len(pool))]
        if corpus[index].text not in texts and not _same_group(corpus, index, question.positives):
            taken.append(index)
            texts.add(corpus[index].text)
    return tuple(taken)


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


def _dense(similarity: Floats, languages: np.ndarray, lang: str, depth: int) -> Iterator[int]:
    """The nearest of all, and of the question's own language, which may be crowded out of the first list or crowd out the rest."""
    for chosen in (np.flatnonzero(languages != lang), np.flatnonzero(languages == lang)):
        if len(chosen):
            near = similarity[chosen]
            yield from chosen[np.argpartition(-near, min(depth, len(near)) - 1)[:depth]].tolist()


def _neighbours(corpus: Sequence[Source]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for index, source in enumerate(corpus):
        if source.group:
            found.setdefault((source.group, source.lang), []).append(index)
    return found


def _near_group(question: Question, corpus: Sequence[Source], neighbours: Mapping[tuple[str, str], list[int]]) -> Iterator[int]:
    for positive in question.positives:
        source = corpus[positive]
        yield from neighbours.get((source.group, source.lang), ())


def _filter(
    question: Question,
    proposals: Mapping[int, str],
    corpus: Sequence[Source],
    similarity: Floats,
    vectors: Floats,
    config: NegativeConfig,
    account: _Account,
) -> Iterator[Candidate]:
    positives = list(question.positives)
    texts = {corpus[p].text for p in positives}
    answers = {corpus[p].lang for p in positives}
    limit = float(similarity[positives].max()) - config.margin
    indices = list(proposals)
    twins = (vectors[indices] @ vectors[positives].T).max(axis=1) if indices else np.zeros(0, np.float32)
    for index, twin in zip(indices, twins, strict=True):
        source = corpus[index]
        if index in question.positives or source.text in texts:
            account.refused["equal"] += 1
        elif twin >= config.twin or (source.lang not in answers and _same_group(corpus, index, positives)):
            account.refused["twin"] += 1
        # Across languages a bi-encoder puts everything of the question's own language first: there its margin says nothing.
        elif source.lang in answers and similarity[index] >= limit:
            account.refused["margin"] += 1
        elif source.lang in answers or source.lang == question.lang:
            yield Candidate(index=index, similarity=float(similarity[index]), found=proposals[index])

"""What `adjudge demo` computes: each case read by vectors and by the judge, and which of the two saw through the trap."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.base import Traits
from ..config import Options
from ..reranker import Reranker
from ..retrieval.dense import Embedder
from ..types import Timings

__all__ = [
    "Case",
    "Demo",
    "DemoPassage",
    "Outcome",
    "Question",
    "Reading",
    "Runner",
    "Step",
    "Verdict",
    "load_cases",
    "places",
    "run_demo",
    "verdict",
]

CASES = Path(__file__).with_name("demo_cases.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One way to ask."""

    lang: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPassage:
    """A passage, and whether it answers: a person's judgement, written in the data file."""

    lang: str
    text: str
    answers: bool
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Questions of one meaning, and the passages that each of them is compared with."""

    id: str
    gloss: str  # the question in English, "" where it is English
    trap: str  # what tempts
    questions: tuple[Question, ...]
    passages: tuple[DemoPassage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What both said of one passage, and the place each gave it (1 is best)."""

    passage: DemoPassage
    similarity: float  # cosine of the bi-encoder
    before: int  # place by similarity
    score: float  # the judge's, 0..1
    logit: float
    after: int  # place by the judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How well one of the two did on a question."""

    first: bool  # the passage in the first place answers
    all_above: bool  # every passage that answers stands above every one that does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One question read against all passages of its case, which stay in the order of the case."""

    question: Question
    readings: tuple[Reading, ...]
    vectors: Verdict
    judge: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One of the two models and what runs it."""

    model: str
    revision: str
    traits: Traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Milliseconds of wall clock that one of the two took for all cases."""

    load_ms: float
    tokenise_ms: float
    forward_ms: float
    total_ms: float  # load, tokenise, forward and what lies between


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """Everything the command shows."""

    vectors: Runner
    judge: Runner
    cases: tuple[tuple[Case, tuple[Outcome, ...]], ...]
    vectors_step: Step
    judge_step: Step
    total_ms: float  # from the command's first line to the last score

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """One for each question of every case."""
        return tuple(outcome for _, outcomes in self.cases for outcome in outcomes)


def load_cases(path: Path = CASES) -> tuple[Case, ...]:
    """The cases as the data file has them."""
    return tuple(_case(raw) for raw in json.loads(path.read_text(encoding="utf-8")))


def run_demo(model: str, options: Options) -> Demo:
    """Load both models side by side and let them read every case. `model` and `options` choose the judge; vectors are the shipped ones'.

    Raises what Reranker() raises.
    """
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as pool, ExitStack() as opened:
        waiting = pool.submit(Embedder)
        opened.callback(lambda: waiting.result().close())
        judge = opened.enter_context(Reranker(model, **options))
        embedder = waiting.result()
        pairs = [(case, question) for case in load_cases() for question in case.questions]
        similarities, vectors_timings = _similarities(embedder, pairs)
        scores, judge_timings = _scores(judge, pairs)
        outcomes = [_outcome(*row) for row in zip(pairs, similarities, scores, strict=True)]
        return Demo(
            vectors=Runner(model=embedder.model.name, revision=embedder.model.revision, traits=embedder.traits),
            judge=Runner(model=judge.model.name, revision=judge.model.revision, traits=judge.traits),
            cases=_grouped(pairs, outcomes),
            vectors_step=_step(embedder.load_ms, vectors_timings),
            judge_step=_step(judge.load_ms, judge_timings),
            total_ms=(time.perf_counter() - began) * 1e3,
        )


def places(values: Sequence[float]) -> list[int]:
    """The place of each value, 1 for the largest; equal values keep their order."""
    order = sorted(range(len(values)), key=lambda i: -values[i])
    return [order.index(i) + 1 for i in range(len(values))]


def verdict(passages: Sequence[DemoPassage], ranks: Sequence[int]) -> Verdict:
    """What places are worth, by which passages answer. Both kinds of passage must be there."""
    answers = [rank for passage, rank in zip(passages, ranks, strict=True) if passage.answers]
    others = [rank for passage, rank in zip(passages, ranks, strict=True) if not passage.answers]
    return Verdict(first=min(answers) < min(others), all_above=max(answers) < min(others))


def _case(raw: Mapping[str, Any]) -> Case:
    return Case(
        id=raw["id"],
        gloss=raw["gloss"],
        trap=raw["trap"],
        questions=tuple(Question(**question) for question in raw["questions"]),
        passages=tuple(DemoPassage(**passage) for passage in raw["passages"]),
    )


def _similarities(embedder: Embedder, pairs: Sequence[tuple[Case, Question]]) -> tuple[list[list[float]], Timings]:
    passages = list(dict.fromkeys(passage.text for case, _ in pairs for passage in case.passages))
    questions = embedder.embed_detailed([question.text for _, question in pairs], kind="query")
    documents = embedder.embed_detailed(passages, kind="document")
    cosines = np.clip(questions.vectors @ documents.vectors.T, -1.0, 1.0)
    at = {text: i for i, text in enumerate(passages)}
    rows = [[float(cosines[i, at[passage.text]]) for passage in case.passages] for i, (case, _) in enumerate(pairs)]
    return rows, _sum(questions.timings, documents.timings)


def _scores(judge: Reranker, pairs: Sequence[tuple[Case, Question]]) -> tuple[list[list[tuple[float, float, int]]], Timings]:
    """(score, logit, place) of each passage of each question, and what the whole took."""
    rankings = judge.rank_many([question.text for _, question in pairs], [[p.text for p in case.passages] for case, _ in pairs])
    rows = []
    for ranking in rankings:
        placed = sorted((r.index, r.score, r.logit, place) for place, r in enumerate(ranking, start=1))
        rows.append([(score, logit, place) for _, score, logit, place in placed])
    return rows, rankings[0].timings


def _outcome(pair: tuple[Case, Question], similarities: Sequence[float], scores: Sequence[tuple[float, float, int]]) -> Outcome:
    case, question = pair
    before, after = places(similarities), [place for _, _, place in scores]
    readings = tuple(
        Reading(passage=passage, similarity=similarity, before=place, score=score, logit=logit, after=later)
        for passage, similarity, place, (score, logit, later) in zip(case.passages, similarities, before, scores, strict=True)
    )
    return Outcome(
        question=question,
        readings=readings,
        vectors=verdict(case.passages, before),
        judge=verdict(case.passages, after),
    )


def _grouped(pairs: Sequence[tuple[Case, Question]], outcomes: Sequence[Outcome]) -> tuple[tuple[Case, tuple[Outcome, ...]], ...]:
    cases: dict[str, tuple[Case, list[Outcome]]] = {}
    for (case, _), outcome in zip(pairs, outcomes, strict=True):
        cases.setdefault(case.id, (case, []))[1].append(outcome)
    return tuple((case, tuple(found)) for case, found in cases.values())


def _sum(a: Timings, b: Timings) -> Timings:
    return Timings(tokenise_ms=a.tokenise_ms + b.tokenise_ms, forward_ms=a.forward_ms + b.forward_ms, total_ms=a.total_ms + b.total_ms)


def _step(load_ms: float, timings: Timings) -> Step:
    return Step(
        load_ms=load_ms,
        tokenise_ms=timings.tokenise_ms,
        forward_ms=timings.forward_ms,
        total_ms=load_ms + timings.total_ms,
    )

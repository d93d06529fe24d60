"""Answers for the dialects to render: one written by hand, for golden bodies, and real ones by a judge, for everything else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from adjudge import Reranker
from adjudge.config import WindowConfig
from adjudge.server.asks import Answer, Ask, PairsAnswer, PairsAsk
from adjudge.server.protocols.choose import ROUTES, Route
from adjudge.server.protocols.dialect import Dialect, Reply
from adjudge.types import Document, Dropped, Explanation, Passage, Ranked, Ranking, Refused, Sentence, Timings, Usage

REQUEST_ID = "req-1"
QUERY = "what do pandas eat?"
TEXTS = ("Paris is in France.", "   ", "Pandas eat bamboo.", "Bamboo is a grass.")

_BEST = Ranked(
    index=2,
    document=Document(TEXTS[2], "p2", {"page": 7}),
    score=0.75,
    logit=1.0986,
    passage=Passage("Pandas eat bamboo.", 0, 18),
    tokens=6,
    judge="embedded",
    aspects={"coverage": 0.5},
)
_SECOND = Ranked(
    index=3,
    document=Document(TEXTS[3]),
    score=0.25,
    logit=-1.0986,
    passage=Passage("Bamboo", 0, 6),
    truncated=True,
    windows=2,
    tokens=9,
    tokens_unseen=4,
    judge="embedded",
)

RANKING = Ranking(
    query=QUERY,
    results=(_BEST, _SECOND),
    dropped=(Dropped(index=0, document=Document(TEXTS[0]), score=0.125, logit=-1.9459, rule="top_n=2", judge="embedded"),),
    refused=(Refused(index=1, reason="empty", message="document 1 is empty or only white space, so it answers nothing"),),
    score_type="sigmoid",
    model="embedded",
    revision="abc",
    usage=Usage(documents=4, pairs=4, tokens=40, padded_tokens=48, batches=1, truncated=1, computed=4),
    timings=Timings(tokenise_ms=0.5, forward_ms=2.0, total_ms=2.75),
)

EXPLANATION = Explanation(
    query=QUERY,
    index=2,
    passage=_BEST.passage,
    score=0.75,
    logit=1.0986,
    sentences=(Sentence(text="Pandas eat bamboo.", start=0, end=18, score_without=0.5, logit_without=0.0, effect=1.0986),),
    pairs=2,
    milliseconds=1.5,
)

ANSWER = Answer(
    ranking=RANKING, model="embedded", request_id=REQUEST_ID, created=1_700_000_000, queue_ms=0.25, total_ms=4.5, warnings=("said before",)
)
REFUSED = "not judged: document 1 is empty or only white space, so it answers nothing"


def answered(ask: Ask | PairsAsk, judge: Reranker) -> Answer | PairsAnswer:
    """What a service would make of the ask, by a real judge; max_tokens_per_doc and a budget are the service's matter."""
    model = ask.model if ask.model is not None else "embedded"
    if isinstance(ask, PairsAsk):
        scores = tuple(judge.score(ask.pairs, normalize=ask.normalize))
        kind = "sigmoid" if ask.normalize else "logit"
        return PairsAnswer(
            scores=scores, score_type=kind, tokens=7, model=model, request_id=REQUEST_ID, created=1_700_000_000, warnings=ask.warnings
        )
    ranking = judge.rank(
        ask.query,
        ask.documents,
        top_n=ask.top_n,
        threshold=ask.threshold,
        normalize=ask.normalize,
        windows=WindowConfig(**ask.windows),
    )
    explanations = tuple(ranking.explain(i) for i in range(min(ask.explain, len(ranking))))
    similarities = tuple(0.5 if i % 2 else None for i in range(len(ask.documents))) if ask.similarity else ()
    said = (*ask.warnings, *ranking.warnings)
    return Answer(
        ranking=ranking,
        model=model,
        request_id=REQUEST_ID,
        created=1_700_000_000,
        warnings=said,
        explanations=explanations,
        similarities=similarities,
    )


def served(dialect: Dialect, body: Mapping[str, Any], judge: Reranker) -> Reply:
    """From body to reply, as a server does it."""
    ask = dialect.read(body)
    return dialect.answer(answered(ask, judge), ask.echo)


def route(path: str) -> Route:
    """The route of a path."""
    return next(r for r in ROUTES if r.path == path)


def plain(reply: Reply) -> Any:
    """The body as a client parses it; fails where it is not plain, finite JSON. Headers must be ones that a server may send."""
    for name, value in reply.headers.items():
        assert name.isascii()
        assert all(" " <= c <= "~" for c in value), value
        assert len(value) < 5000
    return json.loads(json.dumps(reply.body, allow_nan=False))


def best_first(scores: list[float]) -> bool:
    """Whether they fall, ties allowed, and none is NaN."""
    return all(a >= b for a, b in zip(scores, scores[1:], strict=False)) and not any(math.isnan(s) for s in scores)

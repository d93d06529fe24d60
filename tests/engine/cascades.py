"""Two stand-ins for judges in one cascade, and a clock that stands still unless they work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from adjudge.backends.base import Batch, Floats
from adjudge.config import CascadeConfig
from adjudge.engine.cascade import Cascade
from adjudge.engine.documents import accept_documents
from adjudge.engine.ranking import RankOptions
from adjudge.models.calibration import Calibration
from adjudge.models.model import Model
from adjudge.types import Ranking
from tests.engine.stand_ins import Answers, MakeBackend, StandIn, engine_with

__all__ = ["MATCHES", "PLAIN", "QUERY", "Clock", "Slow", "cascade_of", "plain_order", "rank", "read_by"]

PLAIN = RankOptions(top_n=None, threshold=None, normalize=True)
FITTED = Calibration(temperature=1.0, bias=0.0, fitted=True)

MATCHES = ["bamboo", "bread and bamboo", "bread", "a panda eats bread", "pandas eat bamboo", "do pandas eat bamboo?", "iPhone", "caffeine"]
QUERY = "what do pandas eat? bamboo"


class Clock:
    """Time that passes when a Slow backend works, and never else: a busy machine changes no test."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lock = threading.Lock()

    def read(self) -> float:
        return self.now

    def pass_ms(self, milliseconds: float) -> None:
        with self.lock:
            self.now += milliseconds / 1e3


class Slow(StandIn):
    """Takes so many milliseconds for a call, and for every token in it."""

    def __init__(self, model: Model, clock: Clock, ms_per_token: float, fixed_ms: float = 0.0) -> None:
        super().__init__(model)
        self.clock = clock
        self.ms_per_token = ms_per_token
        self.fixed_ms = fixed_ms

    def forward(self, batch: Batch) -> Floats:
        self.clock.pass_ms(self.fixed_ms + self.ms_per_token * batch.tokens)
        return super().forward(batch)


@contextmanager
def cascade_of(
    model: Model, *, first: MakeBackend = StandIn, strong: MakeBackend | None = None, fitted: bool = True, **config: Any
) -> Iterator[Cascade]:
    """By default the strong judge says the contrary of the first."""
    named = [replace(model, name=name, calibration=FITTED if fitted else Calibration()) for name in ("small", "large")]
    make = strong if strong is not None else lambda m: Answers(m, lambda logits: -logits)
    first_engine, strong_engine = (engine_with(m, b) for m, b in zip(named, (first, make), strict=True))
    cascade = Cascade(first_engine, strong_engine, CascadeConfig(first="small", **config))
    try:
        yield cascade
    finally:
        cascade.close()


def rank(cascade: Cascade, documents: Any = MATCHES, options: RankOptions = PLAIN, **more: Any) -> Ranking:
    return cascade.rank([(QUERY, accept_documents(documents))], options, **more)[0]


def read_by(ranking: Ranking, judge: str) -> set[int]:
    return {r.index for r in (*ranking, *ranking.dropped) if r.judge == judge}


def plain_order(cascade: Cascade, documents: list[str]) -> list[int]:
    """By the first judge alone, computed anew."""
    verdicts = cascade.first.judge([(QUERY, d) for d in documents]).verdicts
    return sorted(range(len(documents)), key=lambda i: (-verdicts[i].logit, i))

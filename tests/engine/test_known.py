"""What need not be computed is not: the same pair twice in a request, and what a cache remembers."""

from __future__ import annotations

import numpy as np
import pytest

from adjudge.backends.base import Floats
from adjudge.config import EngineConfig, WindowConfig
from adjudge.engine.cache import MemoryCache
from adjudge.engine.engine import Engine, Judgement
from adjudge.engine.tokenise import Tokeniser
from adjudge.models.model import Model
from tests.engine.stand_ins import FailsAt, StandIn, engine_with
from tests.texts import DOCUMENTS, LONG, PAIRS, QUERIES

LONG_PAIR = (QUERIES[0], LONG * 3)


def logits(judgement: Judgement) -> list[float]:
    return [v.logit for v in judgement.verdicts]


def cached(model: Model, cache: MemoryCache) -> Engine:
    return Engine(model, StandIn(model), Tokeniser(model), EngineConfig(), cache=cache)


def rows_computed(engine: Engine) -> int:
    backend = engine.backend
    assert isinstance(backend, StandIn)
    return sum(rows for rows, _ in backend.shapes)


def test_the_same_document_twice_is_judged_once(words: Model) -> None:
    engine = engine_with(words)
    once = engine.judge(PAIRS)
    computed = rows_computed(engine)
    both = engine.judge([*PAIRS, *PAIRS])
    assert rows_computed(engine) == 2 * computed
    assert logits(both) == logits(once) * 2
    assert [v.computed for v in both.verdicts] == [v.computed for v in once.verdicts] + [0] * len(PAIRS)
    assert sum(v.padded_tokens for v in both.verdicts) == sum(v.padded_tokens for v in once.verdicts)
    assert [v.pair_tokens for v in both.verdicts] == [v.pair_tokens for v in once.verdicts] * 2


def test_windows_are_remembered_one_by_one(words: Model) -> None:
    cache = MemoryCache()
    first = cached(words, cache).judge([LONG_PAIR])
    engine = cached(words, cache)
    again = engine.judge([LONG_PAIR], windows=WindowConfig(aggregation="mean"))
    assert first.verdicts[0].windows > 1
    assert rows_computed(engine) == 0
    assert again.verdicts[0].computed == 0
    assert again.batches == 0


def test_a_cached_answer_is_the_answer(words: Model) -> None:
    cache = MemoryCache()
    plain = engine_with(words).judge(PAIRS)
    for _ in range(2):
        assert logits(cached(words, cache).judge(PAIRS)) == logits(plain)
    statistics = cache.statistics()
    assert statistics.hits == len(set(PAIRS))
    assert statistics.misses == len(set(PAIRS))


def test_half_known_half_new(words: Model) -> None:
    cache = MemoryCache()
    pairs = [(QUERIES[0], d) for d in DOCUMENTS]
    cached(words, cache).judge(pairs[::2])
    engine = cached(words, cache)
    judgement = engine.judge(pairs)
    assert logits(judgement) == logits(engine_with(words).judge(pairs))
    assert [v.computed for v in judgement.verdicts] == [i % 2 for i in range(len(pairs))]
    assert rows_computed(engine) == len(pairs[1::2])


def test_another_model_does_not_see_it(words: Model) -> None:
    from dataclasses import replace

    cache = MemoryCache()
    cached(words, cache).judge(PAIRS[:3])
    other = cached(replace(words, revision="2"), cache)
    other.judge(PAIRS[:3])
    assert rows_computed(other) == 3


def test_a_row_of_another_width_is_computed_again(words: Model) -> None:
    class Odd(MemoryCache):
        def get(self, keys: list[bytes]) -> list[Floats | None]:  # type: ignore[override]
            return [np.zeros(7, np.float32) for _ in keys]

    engine = cached(words, Odd())
    assert logits(engine.judge(PAIRS[:4])) == logits(engine_with(words).judge(PAIRS[:4]))


def test_progress_reaches_the_end_also_where_all_is_known(words: Model) -> None:
    cache = MemoryCache()
    cached(words, cache).judge(PAIRS)
    seen: list[tuple[int, int]] = []
    cached(words, cache).judge(PAIRS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(PAIRS), len(PAIRS))


def test_a_failed_batch_is_not_remembered(words: Model) -> None:
    cache = MemoryCache()
    failing = Engine(words, FailsAt(words, 1), Tokeniser(words), EngineConfig(), cache=cache)
    with pytest.raises(Exception, match="the device is gone"):
        failing.judge(PAIRS)
    assert logits(cached(words, cache).judge(PAIRS)) == logits(engine_with(words).judge(PAIRS))

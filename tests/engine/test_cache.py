"""Both kinds of cache keep what they were given, and nothing else; what a caller may ask for."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.engine.cache import CacheStatistics, MemoryCache, ScoreCache, open_cache
from adjudge.engine.cache_sqlite import SqliteCache
from adjudge.errors import ConfigError
from tests.engine.cache_rows import key, keys, known, put, row, rows

NUMBERS = st.lists(st.integers(0, 30), max_size=12)
STEPS = st.lists(st.tuples(st.booleans(), NUMBERS), max_size=25)


@pytest.fixture(params=["memory", "file"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ScoreCache]:
    made = MemoryCache() if request.param == "memory" else SqliteCache(tmp_path / "scores.sqlite")
    yield made
    assert made.statistics().faults == 0, made.statistics().last_fault
    made.close()


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_what_is_put_is_found(cache: ScoreCache, outputs: int) -> None:
    put(cache, range(700), outputs)
    assert known(cache, range(-5, 705), outputs) == set(range(700))


def test_rows_are_float32_to_the_last_bit(cache: ScoreCache) -> None:
    values = np.array([[1e-45], [3.4028235e38], [-0.0], [np.float32(0.1)]], np.float32)
    cache.put(keys(range(4)), values)
    found = np.stack([r for r in cache.get(keys(range(4))) if r is not None])
    assert found.tobytes() == values.tobytes()


def test_nothing_asked_nothing_said(cache: ScoreCache) -> None:
    cache.put([], np.empty((0, 1), np.float32))
    assert cache.get([]) == []
    assert (cache.statistics().hits, cache.statistics().misses, cache.statistics().hit_rate) == (0, 0, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_kept(cache: ScoreCache, bad: float) -> None:
    values = rows(range(3), 2)
    values[1, 1] = bad
    cache.put(keys(range(3)), values)
    assert known(cache, range(3), 2) == {0, 2}


def test_a_key_may_be_asked_for_twice(cache: ScoreCache) -> None:
    put(cache, [1, 2, 1])
    assert known(cache, [2, 1, 1, 3, 2]) == {1, 2}
    assert (cache.statistics().hits, cache.statistics().misses, cache.statistics().entries) == (4, 1, 2)
    assert cache.statistics().hit_rate == 0.8


def test_a_known_key_keeps_its_row(cache: ScoreCache) -> None:
    """Another process may have computed the same pair in another batch: the first answer stands."""
    put(cache, [1])
    cache.put(keys([1, 2]), np.array([[9.0], row(2)], np.float32))
    assert known(cache, [1, 2]) == {1, 2}
    assert cache.statistics().entries == 2


def test_rows_do_not_follow_the_array_they_came_from(cache: ScoreCache) -> None:
    values = rows([1, 2])
    cache.put(keys([1, 2]), values)
    values[:] = 9.0
    assert known(cache, [1, 2]) == {1, 2}


def test_keys_and_rows_must_be_as_many(cache: ScoreCache) -> None:
    with pytest.raises(ValueError, match="zip"):
        cache.put(keys([1]), rows([1, 2]))


def test_a_closed_cache_finds_and_keeps_nothing(cache: ScoreCache) -> None:
    put(cache, [1])
    cache.close()
    cache.close()
    put(cache, [2])
    assert known(cache, [1, 2]) == set()
    assert cache.statistics().entries == 0


@pytest.mark.parametrize("many", [8])
def test_threads_share_one(cache: ScoreCache, many: int) -> None:
    gate = threading.Barrier(many)

    def work(thread: int) -> int:
        gate.wait()
        for turn in range(8):
            put(cache, range(turn * 10 + thread, turn * 10 + thread + 20))
            assert known(cache, range(turn * 10 + thread, turn * 10 + thread + 20)) == set(
                range(turn * 10 + thread, turn * 10 + thread + 20)
            )
        return 8 * 20

    with ThreadPoolExecutor(many) as pool:
        asked = sum(pool.map(work, range(many)))
    found = cache.statistics()
    assert (found.hits, found.misses) == (asked, 0)
    assert found.entries == 70 + 20 + many - 1


@pytest.mark.parametrize("kind", [MemoryCache, "file"])
@settings(max_examples=25)
@given(steps=STEPS)
def test_a_roomy_cache_is_a_dictionary(
    kind: type[MemoryCache] | str, steps: list[tuple[bool, list[int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made: ScoreCache = MemoryCache() if kind is MemoryCache else SqliteCache(tmp_path_factory.mktemp("cache") / "x")
    model: set[int] = set()
    for writing, numbers in steps:
        if writing and numbers:
            put(made, numbers)
            model |= set(numbers)
        else:
            assert known(made, numbers) == model & set(numbers)
        assert made.statistics().entries == len(model)
    assert made.statistics().evicted == 0
    made.close()


@given(most=st.integers(1, 9), steps=STEPS)
def test_memory_gives_up_what_was_not_used_for_longest(most: int, steps: list[tuple[bool, list[int]]]) -> None:
    cache = MemoryCache(most)
    order: list[int] = []  # a model: the last used last
    for writing, numbers in steps:
        if writing and numbers:
            put(cache, numbers)
            for number in dict.fromkeys(numbers):
                order = [n for n in order if n != number] + [number]
            order = order[-most:]
        else:
            assert known(cache, numbers) == set(numbers) & set(order)
            for number in [n for n in numbers if n in order]:
                order = [n for n in order if n != number] + [number]
        found = cache.statistics()
        assert found.entries == len(order) <= most
    assert known(cache, range(31)) == set(order)


def test_memory_counts_what_it_takes() -> None:
    cache = MemoryCache(20_000)
    empty = cache.statistics().bytes
    for _ in range(30):
        cache.put([os.urandom(16) for _ in range(1000)], np.zeros((1000, 1), np.float32))
    full = cache.statistics()
    assert (full.entries, full.evicted, full.where) == (20_000, 10_000, "memory")
    own = sys.getsizeof(key(0)) + sys.getsizeof(row(0).tobytes())
    assert own < (full.bytes - empty) / 20_000 < 300  # about 200, says the docstring
    cache.close()
    assert cache.statistics().bytes <= empty


@pytest.mark.parametrize("value", [None, False])
def test_no_cache(value: None | bool) -> None:
    assert open_cache(value) is None


@pytest.mark.parametrize("value", [True, "memory"])
def test_a_cache_in_memory(value: bool | str) -> None:
    made = open_cache(value)
    assert isinstance(made, MemoryCache)
    put(made, range(10))
    assert known(made, range(10)) == set(range(10))


def test_a_number_is_a_bound() -> None:
    made = open_cache(3)
    assert isinstance(made, MemoryCache)
    put(made, range(10))
    assert known(made, range(10)) == {7, 8, 9}


@pytest.mark.parametrize("form", [str, Path])
def test_a_path_is_a_file(form: Callable[[Path], str | Path], tmp_path: Path) -> None:
    made = open_cache(form(tmp_path / "not there yet" / "scores.sqlite"))
    assert isinstance(made, SqliteCache)
    put(made, range(10))
    made.close()
    again = open_cache(form(tmp_path / "not there yet" / "scores.sqlite"))
    assert again is not None
    assert known(again, range(10)) == set(range(10))
    assert again.statistics().where == str(tmp_path / "not there yet" / "scores.sqlite")
    again.close()


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    made = open_cache("~/scores.sqlite")
    assert made is not None
    assert made.statistics().where == str(tmp_path / "scores.sqlite")
    made.close()


def test_a_path_stays_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = open_cache("scores.sqlite")
    assert made is not None
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    put(made, [1])
    made.close()
    assert (tmp_path / "scores.sqlite").is_file()


def test_a_cache_of_the_callers_own_is_taken_as_it_is() -> None:
    class Own:
        def get(self, keys: list[bytes]) -> list[None]:
            return [None] * len(keys)

        def put(self, keys: list[bytes], rows: object) -> None:
            pass

        def statistics(self) -> CacheStatistics:
            return CacheStatistics(where="own")

        def close(self) -> None:
            pass

    own = Own()
    assert open_cache(own) is own  # type: ignore[arg-type]
    memory = MemoryCache()
    assert open_cache(memory) is memory


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, "", "  ", ":memory:", "a\0b", "~no such user at all/x", b"path", [], {}, object(), MemoryCache]
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match="cache"):
        open_cache(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"max_bytes": 1000}, {"max_bytes": True}, {"max_bytes": 1e9}, {"wait_s": -1}, {"wait_s": math.nan}, {"wait_s": "1"}]
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SqliteCache(tmp_path / "x", **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []

"""The cache file: its bound, what makes room, what it costs to read, and what stays when the program ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.engine import cache_table
from adjudge.engine.cache_file import connect, prepare
from adjudge.engine.cache_sqlite import SqliteCache
from adjudge.engine.cache_table import read_rows, write_rows
from tests.engine.cache_rows import key, keys, known, put, row, rows

MIB = 2**20
NUMBERS = st.lists(st.integers(0, 60), max_size=12, unique=True)
STEPS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.sqlite"


@pytest.fixture
def table(path: Path) -> Iterator[sqlite3.Connection]:
    """An empty cache file without the cache around it."""
    with closing(connect(path, wait_s=1)) as connection:
        prepare(connection)
        yield connection


def ask(path: Path, question: str) -> list[tuple[object, ...]]:
    """What another program sees in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def write(connection: sqlite3.Connection, numbers: list[int], *, used: set[bytes], entries: int) -> int:
    """write_rows under a bound of so many entries of one number."""
    fresh = {key(n): row(n).tobytes() for n in numbers}
    return write_rows(connection, fresh, used=used, most_bytes=cache_table._FIRST_PAGES + 90 * entries)


def uses(connection: sqlite3.Connection) -> dict[bytes, int]:
    return dict(connection.execute("SELECT key, used FROM scores"))


def test_nothing_is_written_before_it_is_needed(path: Path) -> None:
    cache = SqliteCache(path)
    assert list(path.parent.iterdir()) == []
    assert cache.get([]) == []
    cache.close()
    assert list(path.parent.iterdir()) == []


def test_what_was_put_stays_when_the_program_ends(path: Path) -> None:
    first = SqliteCache(path)
    put(first, range(300), 3)
    first.close()
    again = SqliteCache(path)
    assert known(again, range(400), 3) == set(range(300))
    found = again.statistics()
    assert (found.entries, found.hits, found.misses, found.hit_rate) == (300, 300, 100, 0.75)
    again.close()
    assert {p.name for p in path.parent.iterdir()} == {path.name}  # the log is gone with its last reader


def test_without_close_nothing_is_lost_either(path: Path) -> None:
    first, second = SqliteCache(path), SqliteCache(path)
    put(first, range(300))
    assert known(second, range(300)) == set(range(300))
    put(second, range(300, 310))
    assert known(first, range(310)) == set(range(310))
    first.close()
    second.close()


def test_the_file_holds_no_text_and_says_whose_it_is(path: Path) -> None:
    cache = SqliteCache(path)
    put(cache, [1])
    assert ask(path, "PRAGMA application_id") == [(int.from_bytes(b"adjC", "big"),)]
    assert ask(path, "PRAGMA journal_mode") == [("wal",)]
    (held,) = ask(path, "SELECT * FROM scores")
    assert held == (key(1), held[1], 1)
    assert bytes(held[1])[4:] == row(1).tobytes()  # type: ignore[call-overload]
    cache.close()


def test_many_keys_at_once(path: Path) -> None:
    """More than SQLite takes as parameters of one statement."""
    cache = SqliteCache(path)
    many = [key(n) for n in range(40_000)]
    cache.put(many, np.arange(40_000, dtype=np.float32)[:, None])
    found = cache.get(many[::-1])
    assert [int(r[0]) for r in found if r is not None] == list(range(39_999, -1, -1))
    cache.close()


@pytest.mark.parametrize("outputs", [1, 6])
def test_the_file_stays_within_its_bound(path: Path, outputs: int) -> None:
    cache = SqliteCache(path, max_bytes=MIB)
    values = np.ones((500, outputs), np.float32)
    largest = count = 0
    while cache.statistics().evicted < 15_000:
        cache.put([key(count + n) for n in range(500)], values)
        count += 500
        largest = max(largest, path.stat().st_size)
    found = cache.statistics()
    assert 0.5 * MIB < largest <= MIB
    assert found.entries + found.evicted == count
    assert len(ask(path, "SELECT key FROM scores")) == found.entries
    assert path.stat().st_size <= found.bytes <= MIB + 8 * MIB  # with the log
    cache.close()


def test_one_write_larger_than_the_bound(path: Path) -> None:
    cache = SqliteCache(path, max_bytes=MIB)
    put(cache, range(10))
    cache.put([key(n) for n in range(30_000)], np.ones((30_000, 1), np.float32))
    assert 5_000 < cache.statistics().entries < 30_000
    cache.close()
    assert path.stat().st_size <= MIB


def test_a_lowered_bound_is_reached_little_by_little(path: Path) -> None:
    large = SqliteCache(path, max_bytes=8 * MIB)
    large.put([key(n) for n in range(40_000)], np.ones((40_000, 1), np.float32))
    large.close()
    assert path.stat().st_size > 2 * MIB
    small = SqliteCache(path, max_bytes=MIB)
    before = 40_000
    for turn in range(40):
        put(small, range(-turn * 10 - 10, -turn * 10))
        assert before - small.statistics().entries <= 5_000  # no request pays for all of it
        before = small.statistics().entries
    assert known(small, range(-400, 0)) == set(range(-400, 0))
    small.close()
    assert path.stat().st_size <= MIB


def test_what_is_used_stays(path: Path) -> None:
    """Four turnovers: entries that each request reads are there all the time, others go in the order they came."""
    cache = SqliteCache(path, max_bytes=MIB)
    put(cache, range(-20, 0))
    count = 0
    while cache.statistics().evicted < 40_000:
        cache.put([key(count + n) for n in range(1000)], np.ones((1000, 1), np.float32))
        count += 1000
        assert known(cache, range(-20, 0)) == set(range(-20, 0))
    left = {k for (k,) in ask(path, "SELECT key FROM scores")}
    here = [key(n) in left for n in range(count)]
    gone = count - sum(here)
    assert gone - here.index(True) < 1000  # in the order they came, but for those of the write where the line falls
    cache.close()


def test_a_use_is_written_down_without_any_put(path: Path) -> None:
    """A program that only reads marks what it reads, in few transactions."""
    cache = SqliteCache(path)
    for first in range(0, 3000, 500):
        put(cache, range(first, first + 500))
    reader = SqliteCache(path)
    assert len(known(reader, range(1200))) == 1200  # the older half is of ticks 1 to 3: numbers 0 to 1499
    marked = {used for (used,) in ask(path, "SELECT used FROM scores ORDER BY used")}
    assert marked == {3, 4, 5, 6, 7}
    assert len(known(reader, range(1200))) == 1200
    assert ask(path, "SELECT tick FROM state") == [(7,)]  # what was marked lately is not marked again
    known(reader, range(1400))
    reader.close()  # writes down the 200 that were left
    assert ask(path, "SELECT tick FROM state") == [(8,)]
    cache.close()


@settings(max_examples=40)
@given(entries=st.integers(4, 40), steps=STEPS)
def test_the_least_lately_used_make_room(entries: int, steps: list[tuple[list[int], list[int]]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as table:
        prepare(table)
        noted: set[bytes] = set()
        model: dict[bytes, int] = {}  # the tick of last use, known exactly
        for tick, (written, read) in enumerate(steps, start=1):
            before = uses(table)
            evicted = write(table, written, used=noted, entries=entries)
            renewed = {k: tick if k in noted else used for k, used in before.items()}
            after = uses(table)
            gone, stayed = renewed.keys() - after.keys(), renewed.keys() & after.keys()
            left = stayed - set(keys(written))  # the others may have gone and come again
            assert not gone or not left or max(renewed[k] for k in gone) <= min(renewed[k] for k in left)
            assert {after[k] for k in stayed} <= {tick, *(renewed[k] for k in stayed)}
            assert len(after) <= entries
            assert len(before.keys() - after.keys()) <= evicted
            assert table.execute("SELECT entries, bytes FROM state").fetchone() == (len(after), 90 * len(after))
            model = {k: model.get(k, tick) if k in stayed else tick for k in after}
            found, noted = read_rows(table, keys(read))
            assert found.keys() == after.keys() & set(keys(read))
            model |= dict.fromkeys(found, tick)
            oldest = min(after.values(), default=tick)
            # what is on record differs from the truth only among the younger half
            assert all(after[k] == model[k] or k in noted or after[k] >= (oldest + tick) / 2 for k in found)


def test_evicting_a_little_at_a_time(path: Path) -> None:
    """The cost of a full cache is spread over the writes: none evicts much more than it adds."""
    cache = SqliteCache(path, max_bytes=MIB)
    before = 0
    for turn in range(30):
        cache.put([key(turn * 1000 + n) for n in range(1000)], np.ones((1000, 1), np.float32))
        now = cache.statistics().evicted
        assert now - before <= 1000 + 32 * 1024 // 90 + 1
        before = now
    assert before > 10_000
    cache.close()


def test_rows_that_are_no_numbers_leave_no_trace(path: Path) -> None:
    cache = SqliteCache(path)
    cache.put(keys([1]), np.full((1, 1), np.nan, np.float32))
    assert not path.exists()
    cache.put(keys([1, 2]), np.concatenate([np.full((1, 1), np.inf, np.float32), rows([2])]))
    assert cache.statistics().entries == 1
    cache.close()

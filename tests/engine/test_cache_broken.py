"""The bad day of a cache file: whatever it is or becomes, a request gets its answer, and the log one line."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from adjudge.engine.cache_sqlite import SqliteCache
from tests.engine.cache_rows import key, known, put, row

Spoil = Callable[[Path], None]

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.sqlite"


@pytest.fixture
def full(path: Path) -> Path:
    """A good file of some pages."""
    cache = SqliteCache(path)
    put(cache, range(1000))
    cache.close()
    return path


def sql(*statements: str) -> Spoil:
    """Spoil a file as a program would that knows SQLite."""

    def spoil(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return spoil


def overwrite(start: float, length: int) -> Spoil:
    """Random bytes from a share of the file on."""

    def spoil(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(int(start * path.stat().st_size))
            file.write(os.urandom(length))

    return spoil


def cut(keep: float) -> Spoil:
    return lambda path: os.truncate(path, int(keep * path.stat().st_size) if keep < 1 else int(keep))


def turn_a_bit(path: Path) -> None:
    """In one number of one row: SQLite does not notice."""
    content = bytearray(path.read_bytes())
    at = content.index(row(7).tobytes(), content.index(key(7)))
    content[at] ^= 4
    path.write_bytes(content)


def swap_rows(path: Path) -> None:
    """Each row is whole, but stands under another key."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (other,) = connection.execute("SELECT row FROM scores WHERE key = ?", (key(8),)).fetchone()
        connection.execute("UPDATE scores SET row = ? WHERE key = ?", (other, key(7)))


def hide_the_index(path: Path) -> None:
    """The index leads to nothing: noticed when something is evicted, or never."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 1 WHERE name = 'scores_used'")


DAMAGED: dict[str, Spoil] = {
    "cut in half": cut(0.5),
    "cut to its header": cut(100),
    "cut to less": cut(30),
    "garbage behind the header": overwrite(0.02, 20_000),
    "garbage in the middle": overwrite(0.3, 30_000),
    "a bit turned": turn_a_bit,
    "rows swapped": swap_rows,
    "no table": sql("DROP TABLE scores"),
    "no index": sql("DROP INDEX scores_used"),
    "another table": sql("CREATE TABLE more (a)"),
    "a view that runs something": sql("CREATE VIEW v AS SELECT load_extension('x')"),
    "no state": sql("DELETE FROM state"),
    "a state of words": sql("UPDATE state SET tick = 'late'"),
    "a state below nothing": sql("UPDATE state SET bytes = -5"),
    "rows of text": sql("UPDATE scores SET row = 'abcdefgh'"),
    "rows of one byte": sql("UPDATE scores SET row = x'00'"),
    "rows of nothing": sql("UPDATE scores SET row = x''"),
    "uses of words": sql("UPDATE scores SET used = 'lately'"),
    "rows of broken text": sql("UPDATE scores SET row = CAST(x'ffff0001ffff0001' AS TEXT)"),
    "a number instead of a row": sql("UPDATE scores SET row = 5"),
    "a state beyond all bounds": sql("UPDATE state SET tick = 9223372036854775807"),
    "a lying index": hide_the_index,
}


def foreign_database(path: Path) -> None:
    sql("CREATE TABLE visits (url TEXT)", "INSERT INTO visits VALUES ('https://example.org')")(path)


def cache_of_another_version(path: Path) -> None:
    cache = SqliteCache(path)
    put(cache, range(10))
    cache.close()
    sql("PRAGMA user_version = 7")(path)


FOREIGN: dict[str, Spoil] = {
    "another program's database": foreign_database,
    "a text": lambda path: path.write_text("A document that is dear to somebody.\n" * 500, encoding="utf-8") and None,
    "bytes": lambda path: path.write_bytes(os.urandom(50_000)) and None,
    "a folder": lambda path: path.mkdir(),
    "an older or newer cache": cache_of_another_version,
}


def use(cache: SqliteCache, times: int = 5) -> None:
    """What requests do: look up, compute, remember. Every answer is right or unknown."""
    for turn in range(times):
        assert known(cache, range(0, 1000, 7)) <= set(range(1000))
        put(cache, range(2000 + turn * 10, 2010 + turn * 10))


def content_of(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.parent.iterdir() if p.is_file() and not p.name.endswith(("-shm", "-wal"))}


@pytest.mark.parametrize("spoil", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_set_aside_and_begun_anew(full: Path, spoil: Spoil, caplog: pytest.LogCaptureFixture) -> None:
    spoil(full)
    spoilt = full.read_bytes()
    cache = SqliteCache(full)
    known(cache, range(1000))  # every page is read
    use(cache)
    assert known(cache, range(2010, 2050)) == set(range(2010, 2050))  # the first put may have met the damage
    found = cache.statistics()
    assert found.faults == 1
    assert "damaged" in found.last_fault
    assert str(full) + ".corrupt" in found.last_fault
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    cache.close()
    aside = full.with_name(full.name + ".corrupt")
    assert {full.name, aside.name} <= set(content_of(full))
    assert aside.stat().st_size == len(spoilt)
    again = SqliteCache(full)
    assert known(again, range(2010, 2050)) == set(range(2010, 2050))
    again.close()


@pytest.mark.parametrize("seed", range(24))
def test_any_damage_costs_no_request_and_makes_no_number_wrong(full: Path, seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(full.read_bytes())
    for _ in range(chance.choice([1, 3, 200])):
        at = chance.randrange(len(content))
        length = chance.choice([1, 2, 8, 500])
        content[at : at + length] = chance.choice([bytes(length), b"\xff" * length, chance.randbytes(length)])
    full.write_bytes(content)
    cache = SqliteCache(full, max_bytes=2**20)
    known(cache, range(1000))  # fails on a number that is not the right one
    use(cache)
    cache.put([key(n) for n in range(10_000, 20_500)], np.ones((10_500, 1), np.float32))  # evicts
    use(cache, times=2)
    assert cache.statistics().faults <= 2
    cache.close()


@pytest.mark.parametrize("spoil", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_cache_is_left_alone(path: Path, spoil: Spoil, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody gave the wrong path: nothing of theirs is renamed, changed or deleted."""
    spoil(path)
    before = content_of(path)
    cache = SqliteCache(path)
    use(cache)
    found = cache.statistics()
    assert (found.entries, found.hits, found.faults) == (0, 0, 1)
    assert "left alone" in found.last_fault
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "path of its own" in caplog.text
    cache.close()
    assert content_of(path) == before
    assert {p.name.removesuffix("-shm").removesuffix("-wal") for p in path.parent.iterdir()} == {path.name}


def test_an_empty_file_is_a_new_cache(path: Path) -> None:
    path.touch()
    cache = SqliteCache(path)
    put(cache, [1])
    assert known(cache, [1]) == {1}
    assert cache.statistics().faults == 0
    cache.close()


def test_a_database_without_anything_in_it_is_a_new_cache(path: Path) -> None:
    sql("PRAGMA journal_mode = WAL", "CREATE TABLE t (a)", "DROP TABLE t")(path)
    cache = SqliteCache(path)
    put(cache, [1])
    assert known(cache, [1]) == {1}
    assert cache.statistics().faults == 0
    cache.close()


def test_a_cache_that_was_killed_while_it_was_laid_out_is_a_new_cache(path: Path) -> None:
    """The journal that brings the empty file back is still there."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE scores (key BLOB)")
        connection.execute("INSERT INTO scores VALUES (zeroblob(100000))")
        files = {p: p.read_bytes() for p in path.parent.iterdir()}
    path.unlink()
    for file, content in files.items():
        file.write_bytes(content)
    cache = SqliteCache(path)
    put(cache, [1])
    assert known(cache, [1]) == {1}
    cache.close()


DURING: dict[str, Spoil] = {
    "deleted": lambda path: path.unlink(),
    "deleted with its log": lambda path: [p.unlink() for p in path.parent.iterdir()] and None,
    "moved": lambda path: path.rename(path.with_name("elsewhere")) and None,
    "replaced by an empty file": lambda path: (path.unlink(), path.touch())[1],
    "replaced by another cache": lambda path: _another(path),
    "emptied": cut(0),
    "cut in half": cut(0.5),
    "overwritten": overwrite(0.0, 40_000),
    "overwritten in the middle": overwrite(0.3, 30_000),
}


def _another(path: Path) -> None:
    other = path.with_name("other.sqlite")
    cache = SqliteCache(other)
    put(cache, [1, 2])
    cache.close()
    os.replace(other, path)


@posix
@pytest.mark.parametrize("spoil", DURING.values(), ids=DURING)
def test_a_file_that_goes_while_it_is_in_use(full: Path, spoil: Spoil, caplog: pytest.LogCaptureFixture) -> None:
    """Two programs have it open; both go on, and at the end share a file again."""
    first, second = SqliteCache(full), SqliteCache(full)
    put(first, range(1000, 1500))
    put(second, range(1500, 2000))
    spoil(full)
    for _ in range(3):
        for cache in (first, second):
            known(cache, range(3000))
            put(cache, range(3000, 3500))
    put(first, [9001])
    put(second, [9002])
    assert known(first, [9001, 9002]) == known(second, [9001, 9002]) == {9001, 9002}
    assert all(cache.statistics().faults <= 4 for cache in (first, second))
    assert len(caplog.records) <= 4
    first.close()
    second.close()
    again = SqliteCache(full)
    assert known(again, [9001, 9002]) == {9001, 9002}
    assert again.statistics().faults == 0
    with closing(sqlite3.connect(full)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    again.close()


def test_a_file_that_was_ours_is_set_aside_even_where_nothing_tells_any_more(full: Path) -> None:
    cache = SqliteCache(full)
    assert known(cache, [1]) == {1}
    cache._disconnect()  # as before a fork
    overwrite(0.0, full.stat().st_size)(full)
    use(cache)
    assert full.with_name(full.name + ".corrupt").exists()
    assert known(cache, range(2010, 2050)) == set(range(2010, 2050))
    cache.close()


def test_an_old_log_beside_no_file_does_no_harm(full: Path) -> None:
    cache = SqliteCache(full)
    put(cache, range(1000, 2000))
    log = full.with_name(full.name + "-wal")
    content = log.read_bytes()
    cache.close()
    full.unlink()
    log.write_bytes(content)
    again = SqliteCache(full)
    assert known(again, range(2000)) == set()
    put(again, range(10))
    assert known(again, range(10)) == set(range(10))
    assert again.statistics().faults == 0
    again.close()


def test_damaged_files_do_not_pile_up_for_ever(full: Path) -> None:
    good = full.read_bytes()
    for turn in range(12):
        full.write_bytes(good)
        cut(0.5)(full)
        cache = SqliteCache(full)
        use(cache, times=2)
        assert cache.statistics().faults == 1, turn
        cache.close()
    names = {p.name.removeprefix(full.name) for p in full.parent.iterdir()}
    assert names == {"", ".corrupt", *(f".corrupt-{n}" for n in range(2, 10))}
    assert "look at the disk" in cache.statistics().last_fault

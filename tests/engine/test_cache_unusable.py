"""A cache file that cannot be used for now: locked, no permission, a full disk. A request goes on without it, and it is tried again."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adjudge.engine import cache_sqlite
from adjudge.engine.cache_sqlite import SqliteCache
from tests.engine.cache_rows import known, put
from tests.source import ROOT

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


def use(cache: SqliteCache, times: int = 5) -> None:
    """What requests do: look up, compute, remember. Every answer is right or unknown."""
    for turn in range(times):
        assert known(cache, range(0, 1000, 7)) <= set(range(1000))
        put(cache, range(2000 + turn * 10, 2010 + turn * 10))


@pytest.mark.parametrize("reading_too", [False, True])
def test_a_locked_file_costs_a_moment(full: Path, reading_too: bool, caplog: pytest.LogCaptureFixture) -> None:
    cache = SqliteCache(full, wait_s=0.05)
    if not reading_too:
        assert known(cache, range(10)) == set(range(10))
    with closing(sqlite3.connect(full, isolation_level=None)) as other:
        if reading_too:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE state SET tick = tick")
        began = time.perf_counter()
        for turn in range(50):
            put(cache, [5000 + turn])
            assert known(cache, range(10)) == (set() if reading_too else set(range(10)))
        assert time.perf_counter() - began < 5  # 0.05 s a second, and what a busy machine takes
        assert 1 <= cache.statistics().faults <= 6
        assert "locked" in cache.statistics().last_fault
        assert len(caplog.records) == 1
        other.execute("ROLLBACK")
    cache._readable_from = cache._writable_from = 0.0  # the moment is over
    put(cache, [1])
    assert known(cache, range(1000)) == set(range(1000))
    assert not full.with_name(full.name + ".corrupt").exists()
    cache.close()


def test_what_was_in_the_way_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    path.mkdir()
    cache = SqliteCache(path)
    use(cache)
    path.rmdir()
    use(cache)
    assert cache.statistics().faults == 1  # half a minute is not over
    assert not path.exists()
    later = time.monotonic() + 31
    monkeypatch.setattr(cache_sqlite, "time", _Clock(later))
    put(cache, range(10))
    assert known(cache, range(10)) == set(range(10))
    assert len(caplog.records) == 1
    cache.close()


class _Clock:
    def __init__(self, now: float) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now


def test_a_log_handler_may_use_the_cache(path: Path) -> None:
    path.mkdir()
    cache = SqliteCache(path)
    seen = []

    class Handler(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            seen.append(cache.statistics().faults)

    handler = Handler()
    logging.getLogger("adjudge").addHandler(handler)
    try:
        use(cache)
    finally:
        logging.getLogger("adjudge").removeHandler(handler)
    assert seen == [1]


PREAMBLE = """
import os, sys
from pathlib import Path
from adjudge.engine.cache_sqlite import SqliteCache
from tests.engine.cache_rows import known, put
path = Path(sys.argv[1])
"""

NO_PERMISSION = """
if os.geteuid() == 0:
    os.setuid(65534)
cache = SqliteCache(path)
for turn in range(5):
    assert known(cache, range(10)) <= set(range(10))
    put(cache, range(100, 110))
found = cache.statistics()
assert found.faults in (1, 2), found
assert "cannot be used" in found.last_fault, found
cache.close()
"""

DISK_FULL = """
import resource
cache = SqliteCache(path)
put(cache, range(100))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
for turn in range(300):
    put(cache, range(turn * 100 + 100, turn * 100 + 200))
    known(cache, range(0, 30_000, 50))
found = cache.statistics()
assert 1 <= found.faults <= 3, found
assert "cannot be used" in found.last_fault, found
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
cache._readable_from = cache._writable_from = 0.0
put(cache, range(50_000, 50_100))
assert known(cache, range(50_000, 50_100)) == set(range(50_000, 50_100))
assert known(cache, range(100)) == set(range(100))
cache.close()
"""


def run(script: str, path: Path) -> str:
    """The script in a process of its own; what it logged."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-c", PREAMBLE + script, str(path)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@posix
@pytest.mark.parametrize("what", ["file", "folder", "outside"])
def test_without_permission(what: str) -> None:
    """For root, who may do everything, the process becomes nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "scores.sqlite"
        if what != "outside":
            cache = SqliteCache(path)
            put(cache, range(10))
            cache.close()
            path.chmod(0o444 if what == "file" else 0o000)
        folder.chmod(0o555 if what != "outside" else 0o000)
        try:
            logged = run(NO_PERMISSION, path)
        finally:
            folder.chmod(0o755)
    assert logged.count("the score cache") in (1, 2)


@posix
def test_a_full_disk(path: Path) -> None:
    """The system refuses to let files grow, as a full disk does; when there is room again, the cache goes on."""
    logged = run(DISK_FULL, path)
    assert logged.count("the score cache") == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

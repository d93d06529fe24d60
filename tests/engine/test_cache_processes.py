"""One file, many processes: they share what they know, survive one another's death, and may fork."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from adjudge.engine.cache_sqlite import SqliteCache
from tests.engine.cache_rows import known, put, read_on, write_for_ever, write_some
from tests.source import ROOT

WAIT_S = 200


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.sqlite"


def start(work: Callable[..., None], *arguments: Any) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    """A process that shares nothing with this one, and where it answers."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*arguments, theirs))
    process.start()
    theirs.close()
    return process, ours


def answer(connection: Connection) -> Any:
    assert connection.poll(WAIT_S), "no answer"
    return connection.recv()


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_two_write_and_one_reads(path: Path) -> None:
    """They begin together, so all three lay the file out."""
    started = [start(read_on, path, range(2000)), start(write_some, path, 0, 1000), start(write_some, path, 1000, 1000)]
    assert [answer(connection) for _, connection in started] == ["", "", ""]  # the last fault of each
    for process, connection in started:
        process.join(WAIT_S)
        connection.close()
        assert process.exitcode == 0
    cache = SqliteCache(path)
    assert known(cache, range(2000)) == set(range(2000))
    assert cache.statistics().entries == 2000
    cache.close()
    assert whole(path)


def test_a_writer_that_is_killed(path: Path) -> None:
    """Twice, in the middle of whatever it is at; the other process reads and writes on as if nothing had been."""
    cache = SqliteCache(path, wait_s=60)
    put(cache, range(100))
    for first, transactions in ((1000, 3), (100_000, 12)):
        process, connection = start(write_for_ever, path, first)
        done = first
        for _ in range(transactions):
            done = answer(connection)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(WAIT_S)
        while connection.poll():  # what it had told before it died
            try:
                done = connection.recv()
            except EOFError:
                break
        connection.close()
        assert known(cache, range(first, done)) == set(range(first, done))
        put(cache, range(first - 50, first))
        assert known(cache, range(first - 50, first)) == set(range(first - 50, first))
    assert cache.statistics().faults == 0
    cache.close()
    again = SqliteCache(path)
    assert known(again, range(100)) == set(range(100))
    again.close()
    assert whole(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_forks(path: Path) -> None:
    """With the file open and a thread in the middle of a write; children that leave politely, suddenly, or killed."""
    script = "import sys; from pathlib import Path; from tests.engine.cache_rows import fork_and_use; fork_and_use(Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, str(path)]  # newer Pythons warn of forks beside threads
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=WAIT_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert whole(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_no_open_file_crosses_a_fork(path: Path) -> None:
    """Seen from the child: none of its file descriptors is the cache's."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom adjudge.engine.cache_sqlite import SqliteCache\n"
        "from tests.engine.cache_rows import put\npath = Path(sys.argv[1])\n"
        "def held():\n"
        "    files = {path, Path(f'{path}-wal'), Path(f'{path}-shm')}\n"
        "    ours = {(s.st_dev, s.st_ino) for s in (f.stat() for f in files if f.exists())}\n"
        "    found = 0\n"
        "    for number in range(3, 256):\n"
        "        try:\n"
        "            status = os.fstat(number)\n"
        "        except OSError:\n"
        "            continue\n"
        "        found += (status.st_dev, status.st_ino) in ours\n"
        "    return found\n"
        "cache = SqliteCache(path)\nput(cache, range(10))\nbefore = held()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    os._exit(held())\n"
        "print(before, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, str(path)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=WAIT_S, check=True)
    before, after = map(int, done.stdout.split())
    assert before >= 2
    assert after == 0

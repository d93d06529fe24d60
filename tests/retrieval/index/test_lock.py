"""One writer at a time: across processes, and after the holder was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adjudge.errors import IndexLockedError
from adjudge.retrieval.index.lock import WriterLock

HOLD = """
import sys, time
from pathlib import Path
from adjudge.retrieval.index.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]), what="it")
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "lock", what="it")
    with pytest.raises(IndexLockedError, match=f"it is being written to by process {os.getpid()} on .*, since "):
        WriterLock(tmp_path / "lock", what="it")
    lock.release()
    lock.release()
    WriterLock(tmp_path / "lock", what="it").release()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(IndexLockedError, match=f"process {other.pid} "):
            WriterLock(tmp_path / "lock", what="it")
        other.send_signal(signal.SIGKILL)
        other.wait()
        WriterLock(tmp_path / "lock", what="it").release()

"""A build that is killed, at any moment: what was committed is whole, and the next build ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adjudge.errors import IndexNotFoundError
from adjudge.retrieval.index import build_index, open_index
from tests.retrieval.index.hashing import Hashing

ROWS, FILES = 120, 12

BUILD = """
import sys, time
from adjudge.retrieval.index import build, build_index
from tests.retrieval.index.hashing import Hashing

build.PART_PASSAGES = 10
print("ready", flush=True)
report = build_index([sys.argv[1]], sys.argv[2], encoder=Hashing(), on_progress=lambda _: time.sleep(0.005))
print("ended", flush=True)
"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A file of rows, and single ones."""
    folder = tmp_path / "docs"
    folder.mkdir()
    write(folder, "old")
    return folder


def write(folder: Path, word: str) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps({"text": f"{word} row{i}"}) + "\n" for i in range(ROWS)), encoding="utf-8")
    for number in range(FILES):
        (folder / f"{number:02}.txt").write_text(f"{word} file{number}", encoding="utf-8")


def killed(folder: Path, index: Path, after: float) -> bool:
    """Build in another process, and kill it `after` seconds of work; whether it was still at it."""
    with subprocess.Popen([sys.executable, "-c", BUILD, str(folder), str(index)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        return process.stdout.readline() != "ended\n"


def require_whole(index: Path) -> None:
    """Every part that is listed has all its passages, and no passage is without a part."""
    try:
        opened = open_index(index)
    except IndexNotFoundError:
        return  # killed before the first commit
    opened.check()
    listed = sum(source.chunks for source in opened.sources().values())
    texts = [one.document.text for one in opened.by_words("old new", 1000)]
    assert opened.count() == listed == len(texts) == len({text.split()[1] for text in texts})
    opened.close()


def require_finished(index: Path, word: str) -> None:
    opened = open_index(index)
    texts = {one.document.text for one in opened.by_words("old new", 1000)}
    assert texts == {f"{word} row{i}" for i in range(ROWS)} | {f"{word} file{i}" for i in range(FILES)}
    opened.check()
    opened.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lance", "milvus"])
def test_a_build_may_be_killed_at_any_moment(docs: Path, tmp_path: Path, kind: str) -> None:
    index = tmp_path / ("index" if kind == "lance" else "index.db")
    drawn = random.Random(0)
    interrupted = 0
    for turn, word in enumerate(("old", "new")):
        write(docs, word)
        for _ in range(3):
            interrupted += killed(docs, index, drawn.uniform(0.05, 1.5 + turn))
            require_whole(index)
        build_index([docs], index, encoder=Hashing())
        require_finished(index, word)
    assert interrupted


def test_a_build_that_was_killed_goes_on(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert killed(docs, index, 0.4)
    require_whole(index)
    report = build_index([docs], index, encoder=Hashing())
    assert report.passages == ROWS + FILES
    require_finished(index, "old")

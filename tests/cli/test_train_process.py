"""`adjudge train` as a process of its own: a terminal, a real Ctrl-C, and the shipped model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.training import write_run
from tests.source import ROOT
from tests.tiny_models import Tiny

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-W", "error", "-m", "adjudge", "train"]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")
def test_a_terminal_gets_a_bar_and_a_table_and_ctrl_c_stops_it(tmp_path: Path, tiny_folder: Callable[[Tiny], Path]) -> None:
    import pty

    config = write_run(tmp_path, base=tiny_folder(Tiny(family="xlm-roberta")))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, config, "--steps", "100000"], stdin=theirs, stdout=theirs, stderr=theirs, env={**ONE_THREAD, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    while b"step 4 of 100000: nDCG@10" not in shown:
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 130
    text = shown.decode()
    for part in ("training", "/100000", "stopping after this step", "stopped; the same command goes on from the checkpoint", "Success@1"):
        assert part in text, text[-2000:]
    assert "Traceback" not in text
    done = subprocess.run([*COMMAND, config, "--steps", "6", "--json"], env=ONE_THREAD, capture_output=True, encoding="utf-8", check=True)
    assert "resumed" in done.stderr
    assert json.loads(done.stdout)["resumed_at"] >= 4


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_the_example_trains_the_shipped_model(tmp_path: Path) -> None:
    example = ROOT / "examples" / "training" / "train.toml"
    options = ["--steps", "2", "--output", tmp_path / "run", "--json", "--quiet"]
    done = subprocess.run([*COMMAND, example, *options], env=ONE_THREAD, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["ended"], told["steps"], told["dev_groups"]) == ("finished", 2, 8)
    rank = [
        sys.executable,
        "-m",
        "adjudge",
        "rank",
        "熊猫吃什么？",
        "大熊猫主要吃竹子。",
        "今天下雨。",
        "--model",
        told["folder"],
        "--json",
    ]
    ranking = json.loads(subprocess.run(rank, capture_output=True, encoding="utf-8", check=True).stdout)
    assert ranking["results"][0]["index"] == 0

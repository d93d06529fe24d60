"""The command as a process of its own: pipes, terminals, signals, encodings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from adjudge.cli.exit_codes import INTERRUPTED
from tests.source import ROOT

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")

COMMAND = [sys.executable, "-W", "error", "-m", "adjudge"]
QUERY, BREAD, PANDA = "熊猫吃什么？", "今天我去超市买了红富士苹果，很甜。", "大熊猫主要吃竹子。"


def run(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_the_shipped_model_ranks_what_is_piped_in() -> None:
    done = run("rank", QUERY, "--json", stdin=f"{BREAD}\n{PANDA}\n")
    shown = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [r["document"]["text"] for r in shown["results"]] == [PANDA, BREAD]
    assert (shown["model"], shown["runtime"]["backend"]) == ("embedded", "openvino")


def test_a_fault_is_one_line() -> None:
    done = run("rank", QUERY, PANDA, "--model", "./nothing/here")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (6, "", 1)


def test_debug_is_a_traceback() -> None:
    done = run("rank", QUERY, PANDA, "--model", "./nothing/here", ADJUDGE_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr


@posix
@pytest.mark.parametrize("form", ["", "--jsonl"])
def test_a_reader_may_leave_early(tmp_path: Path, form: str) -> None:
    """Enough lines that `head` closes the pipe long before the last is written."""
    lines = tmp_path / "lines.txt"
    lines.write_text(f"{PANDA} {BREAD * 20}\n" * 2000, encoding="utf-8")
    command = f"{sys.executable} -W error -m adjudge rank {QUERY} - --backend fake {form} < {lines} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, encoding="utf-8", timeout=120, check=True)
    first, status = done.stdout.splitlines()
    assert PANDA in first
    assert (status, done.stderr) == ("141", "")


@posix
def test_a_full_disk_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "rank", QUERY, PANDA, "--backend", "fake"],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("adjudge: error: ")
    assert "Traceback" not in done.stderr


@posix
def test_closed_streams() -> None:
    command = f"{sys.executable} -m adjudge rank {QUERY} {PANDA} --backend fake"
    assert subprocess.run(["bash", "-c", f"{command} <&- >&-"], timeout=120, check=False).returncode == 0
    assert subprocess.run(["bash", "-c", f"{command} 2>&-"], stdout=subprocess.DEVNULL, timeout=120, check=False).returncode == 0


@posix
def test_ctrl_c(tmp_path: Path) -> None:
    """It comes while the command reads a pipe that nobody writes to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [part for part in COMMAND if part not in ("-W", "error")]  # a file whose opening was interrupted is never closed
    process = subprocess.Popen([*command, "rank", QUERY, "--file", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    writer = _open_when_read(pipe)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:  # CPython loses an interrupt that falls into a destructor; a person presses again
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    os.close(writer)
    assert (process.returncode, out, err) == (130, b"", b"")


PRESS_EARLY = """
import os, signal, sys
class Press:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Press())
"""
"""Ctrl-C while the command is still importing what it needs."""


def _script() -> str:
    """What the installed command `adjudge` runs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, function = project["scripts"]["adjudge"].split(":")
    return f"from {module} import {function}; sys.exit({function}())"


@posix
@pytest.mark.parametrize("start", [_script(), "import runpy; runpy.run_module('adjudge', run_name='__main__')"], ids=["script", "module"])
def test_ctrl_c_before_the_command_has_begun(start: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESS_EARLY + start, "--version"], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")


@pytest.mark.parametrize("start", [_script(), "from adjudge.cli.main import main; sys.exit(main())"], ids=["script", "before-it"])
def test_every_entry_ends_with_the_commands_own_code(start: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; " + start, "rank"], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("adjudge: error: ")


def _open_when_read(pipe: Path) -> int:
    for _ in range(600):
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has opened the other end yet
            time.sleep(0.1)
    pytest.fail("the command never began to read")


@posix
def test_a_terminal_gets_a_table_and_a_pipe_does_not() -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [*COMMAND, "rank", QUERY, PANDA, BREAD, "--backend", "fake"],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    assert process.wait(timeout=60) == 0
    text = shown.decode()
    assert "\x1b[" in text
    assert "passage" in text
    assert PANDA in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text)
    assert "\t" not in text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""


def test_an_output_that_cannot_carry_chinese() -> None:
    done = run("rank", QUERY, PANDA, "--backend", "fake", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["query"] == QUERY
    done = run("rank", QUERY, PANDA, "--backend", "fake", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" * len(PANDA) in done.stdout


def test_bytes_in_an_argument_that_are_no_utf8() -> None:
    if os.name == "nt":
        pytest.skip("arguments are text there")
    done = subprocess.run([*COMMAND, "rank", b"caf\xe9", b"un caf\xe9", "--backend", "fake"], capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "un caf\ufffd".encode() in done.stdout


def test_completion() -> None:
    asked = {"_ADJUDGE_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    assert run(COMP_WORDS="adjudge rank --backend o", **asked).stdout.split() == ["openvino", "onnx"]
    assert "BAAI/bge-reranker-v2-m3" in run(COMP_WORDS="adjudge rank --model BAAI/bge", **asked).stdout.split()


def test_help_comes_quickly_because_nothing_heavy_is_loaded() -> None:
    heavy = ("torch", "openvino", "transformers", "onnxruntime", "tokenizers", "huggingface_hub", "numpy")
    code = f"import sys; from adjudge.cli.main import main; main(['--help']); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

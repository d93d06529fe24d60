"""Nothing happens at import."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable

from tests.source import PACKAGE

HEAVY = ("torch", "openvino", "transformers", "onnxruntime", "huggingface_hub", "tokenizers", "safetensors", "numpy", "typer", "rich")

SPY = """
import os, sys

class Spy(type(os.environ)):
    reads = []
    def __getitem__(self, key):
        self.note(key)
        return super().__getitem__(key)
    def __iter__(self):
        self.note("*")
        return super().__iter__()
    def note(self, key):
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename.startswith(PACKAGE):
                self.reads.append(key)
                return
            frame = frame.f_back

os.environ.__class__ = Spy
"""


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter, warnings being errors."""
    command = [sys.executable, "-W", "error", *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def test_import_loads_nothing_heavy() -> None:
    printed = run(f"import json, sys, adjudge; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))").stdout
    assert json.loads(printed) == []


def test_import_prints_nothing() -> None:
    done = run("import adjudge")
    assert (done.stdout, done.stderr) == ("", "")


def test_import_reads_no_environment() -> None:
    printed = run(f"PACKAGE = {str(PACKAGE)!r}\n{SPY}\nimport adjudge\nprint(Spy.reads)").stdout
    assert printed.strip() == "[]"


def test_the_environment_spy_sees_a_read() -> None:
    printed = run(f"PACKAGE = '<string>'\n{SPY}\nos.environ.get('A'); os.getenv('B'); 'C' in os.environ\nprint(Spy.reads)").stdout
    assert printed.strip() == "['A', 'B', 'C']"


def test_import_adds_no_logging_handler() -> None:
    printed = run("import logging, adjudge; print(logging.root.handlers, logging.getLogger('adjudge').handlers)").stdout
    assert printed.strip() == "[] []"


def test_import_takes_a_few_dozen_modules(record_testsuite_property: Callable[[str, object], None]) -> None:
    """What is asserted is what is loaded; the time, which depends on the machine, goes to the report (--junit-xml)."""
    times_ms, modules = [], 0
    for _ in range(5):
        lines = [line.split("|") for line in run("import adjudge", "-X", "importtime").stderr.splitlines() if "|" in line]
        ours = [name.strip() for _, _, name in lines if name.strip().split(".")[0] == "adjudge"]
        times_ms.append(next(int(total) / 1000 for _, total, name in lines if name.strip() == "adjudge"))
        modules = len(ours)
    record_testsuite_property("import_adjudge_ms", statistics.median(times_ms))
    assert 1 <= modules <= 8, "import adjudge loads more of its own modules than its face needs"

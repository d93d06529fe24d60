"""The examples run as they stand and print what the model says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adjudge import Reranker
from tests.source import ROOT

EXAMPLES = ROOT / "examples"

STEP = 0.05
"""Scores of one pair in different batches, in int8: the same up to rounding."""


def printed(script: Path) -> str:
    """What a script prints; warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_scores_of_two_pairs() -> None:
    lines = re.findall(r"^(0\.\d{3})  (.+)$", printed(EXAMPLES / "test.py"), re.MULTILINE)
    with Reranker() as judge:
        expected = judge.score([("苹果公司最新发布的手机有哪些功能？", passage) for _, passage in lines])
    assert len(lines) == 2
    assert [float(score) for score, _ in lines] == pytest.approx(expected, abs=STEP)


def test_the_trap_with_timings() -> None:
    output = printed(EXAMPLES / "test2.py")
    rows = re.findall(r"^ +(0\.\d{3})  (0\.\d{3})  (.+)$", output, re.MULTILINE)
    assert len(rows) == 7
    assert len(re.findall(r"tokenise [\d.]+ ms, forward [\d.]+ ms, total [\d.]+ ms", output)) == 3
    assert re.search(r"load: judge \d+ ms, bi-encoder \d+ ms", output)
    for block in output.split("\n\n")[:3]:
        scores = [float(score) for score in re.findall(r"^ +0\.\d{3}  (0\.\d{3})", block, re.MULTILINE)]
        assert scores == sorted(scores, reverse=True)
        assert scores


def test_every_example_is_tested_and_described() -> None:
    described = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"test.py", "test2.py"}
    assert "test.py" in described
    assert "test2.py" in described


def test_the_quickstart_runs_from_top_to_bottom(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 4
    script = tmp_path / "quickstart.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    output = printed(script)
    assert "document 2 is empty" in output
    assert "hold both keys for five seconds." in output

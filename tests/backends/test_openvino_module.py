"""Importing OpenVINO tells nobody, and starts no process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ORDINARY = """
import os, sys
os.register_at_fork(before=lambda: print("fork"))
from adjudge import Reranker
with Reranker() as judge:
    print("judged", len(judge.score([("a", "b")])))
from openvino.tools import ovc
print(type(ovc.telemetry).__module__, sorted(name for name in sys.modules if name.startswith("openvino_telemetry")))
"""
BEFORE = """
import openvino_telemetry.main as ours
from adjudge.backends.openvino_module import openvino_module
import sys
openvino_module()
print(sys.modules["openvino_telemetry.main"] is ours, sys.modules["openvino_telemetry"].main is ours)
"""


def run(code: str, home: Path) -> str:
    """What a program prints on a machine that is no CI: where CI is set, OpenVINO reports nothing anyway."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, "HOME": str(home)}, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_reported_and_nothing_forks(tmp_path: Path) -> None:
    assert run(ORDINARY, tmp_path).splitlines() == ["judged 1", "openvino.tools.ovc.telemetry_stub []"]


def test_a_program_that_uses_the_package_keeps_it(tmp_path: Path) -> None:
    pytest.importorskip("openvino_telemetry")
    assert run(BEFORE, tmp_path) == "True True"

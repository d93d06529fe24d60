"""A forked child with an inherited model: it may be closed and collected, the child ends, and the parent's goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Folders
from tests.references import export_onnx
from tests.tiny_models import Tiny

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

FORKS = """
import gc, os, signal, sys
from adjudge import Reranker

folder, backend, what = sys.argv[1:]
judge = Reranker(folder, backend=backend, threads=2)
judge.rank("a", ["b", "c"])
child = os.fork()
if child == 0:
    signal.alarm(20)
    if what == "close":
        judge.close()
    elif what == "collect":
        judge = None
        gc.collect()
    elif what == "load":
        judge = Reranker(folder, backend=backend, threads=2)
        judge.rank("a", ["b", "c"])
        judge.close()
    if backend == "onnx":
        os._exit(0)  # as multiprocessing's children end; onnxruntime 1.31 hangs in a child's exit() once it is imported, model or not
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(judge.rank("a", ["b", "c"])))
judge.close()
"""


@pytest.fixture(scope="module")
def exported(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(tiny_model, tmp_path_factory.mktemp("forked") / "model")


def end_of_the_child(folder: Path, backend: str, what: str) -> list[str]:
    """The child's exit status, a negative one a signal's, and how many documents the parent's model ranks afterwards."""
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(folder), backend, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("what", ["close", "collect", "load", "exit"])
def test_a_child_parts_with_an_openvino_model(tiny_model: Path, what: str) -> None:
    assert end_of_the_child(tiny_model, "openvino", what) == ["0", "2"]


@pytest.mark.parametrize("what", ["close", "collect", "load"])
def test_a_child_parts_with_an_onnx_model(exported: Path, what: str) -> None:
    assert end_of_the_child(exported, "onnx", what) == ["0", "2"]


@pytest.mark.parametrize("what", ["close", "collect", "exit"])
def test_a_child_parts_with_a_torch_model(tiny_folder: Folders, what: str) -> None:
    assert end_of_the_child(tiny_folder(Tiny(family="bert")), "torch", what) == ["0", "2"]

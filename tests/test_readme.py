"""The README's blocks run as they stand, and both languages show the same ones."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.source import ROOT

README = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
SHELLS = {"bash", "console", "sh", "shell"}

BLOCK = re.compile(r"^(?P<skip><!-- not run: [^\n]+ -->\n)?^```(?P<language>[\w+-]+)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
"""A fenced block. `<!-- not run: REASON -->` on the line above keeps one from being run (a download, an extra)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a README."""

    language: str
    code: str
    skipped: bool

    @property
    def commands(self) -> str:
        """The shell lines: in a console those after "$ " (the rest is output), else all."""
        if not self.code.startswith("$ "):
            return self.code
        return "\n".join(line[2:] for line in self.code.splitlines() if line.startswith("$ "))

    @property
    def runs(self) -> bool:
        """Whether the test runs it: Python, and commands that begin with adjudge."""
        return not self.skipped and (self.language == "python" or (self.language in SHELLS and self.commands.startswith("adjudge")))

    @property
    def meaning(self) -> str:
        """The code without its comments, which may be translated."""
        if self.language == "python":
            return ast.dump(ast.parse(self.code))
        return "\n".join(" ".join(shlex.split(line, comments=True)) for line in self.commands.splitlines())


def blocks(path: Path) -> list[Block]:
    """Every fenced block with a language, in order."""
    text = path.read_text(encoding="utf-8")
    return [Block(m["language"], m["code"], m["skip"] is not None) for m in BLOCK.finditer(text)]


def run(command: list[str], folder: Path) -> None:
    """Run a command with adjudge on the path; its output is shown when it fails."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=200, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_python_blocks_run(tmp_path: Path) -> None:
    """All of them one after another, as a reader would paste them."""
    code = "\n".join(block.code for block in blocks(README) if block.language == "python" and block.runs)
    assert code
    script = tmp_path / "readme.py"
    script.write_text(code, encoding="utf-8")
    run([sys.executable, "-W", "error", str(script)], tmp_path)


@pytest.mark.slow
def test_command_blocks_run(tmp_path: Path) -> None:
    commands = [block.commands for block in blocks(README) if block.language in SHELLS and block.runs]
    assert commands
    run(["bash", "-euo", "pipefail", "-c", "\n".join(commands)], tmp_path)


@pytest.mark.parametrize("path", [README, CHINESE], ids=lambda path: path.name)
def test_python_blocks_parse(path: Path) -> None:
    trees = [ast.parse(block.code) for block in blocks(path) if block.language == "python"]
    assert trees
    assert all(tree.body for tree in trees)


def test_both_languages_show_the_same_blocks() -> None:
    english, chinese = blocks(README), blocks(CHINESE)
    assert [b.language for b in english] == [b.language for b in chinese]
    assert [b.meaning for b in english] == [b.meaning for b in chinese]
    assert [b.skipped for b in english] == [b.skipped for b in chinese]


def test_links_to_files_lead_somewhere() -> None:
    for path in (README, CHINESE):
        links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8"))
        assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", [README, CHINESE], ids=lambda path: path.name)
def test_the_shipped_models_gains_are_those_that_were_measured(path: Path) -> None:
    edition = json.loads((ROOT / "src/adjudge/models/embedded/adjudge.json").read_text(encoding="utf-8"))["edition"]
    mean = json.loads((ROOT / f"benchmarks/results/embedded-edition-{edition}-more.json").read_text(encoding="utf-8"))["evaluation"]["mean"]
    (line,) = (line for line in path.read_text(encoding="utf-8").splitlines() if "nDCG@10" in line and "BM25" in line)
    told = [float(figure) for figure in re.findall(r"0\.\d\d\b", line)]
    assert told == [round(mean["judge on both"] - mean[other], 2) for other in ("bi-encoder", "BM25")]

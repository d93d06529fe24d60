"""docs/evaluate.md says what is: every library, every verdict, the exit code, and code that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adjudge.cli.exit_codes import GATE
from adjudge.evaluate.assemble import MeasureConfig
from adjudge.evaluate.measures import default_measures
from adjudge.evaluate.peers import ADAPTERS
from adjudge.evaluate.significance import EXACT_UP_TO
from adjudge.evaluate.verdict import LEAST_QUERIES
from tests.evaluate.beir_folder import write_beir
from tests.source import ROOT

PAGE = (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8")


def test_every_library_is_named() -> None:
    assert [name for name in ADAPTERS if name != "adjudge" and f"`{name}:" not in PAGE] == []


def test_numbers_are_those_of_the_code() -> None:
    assert f"exit code {GATE} " in PAGE
    assert f"`--least-gain` ({MeasureConfig().least_gain})" in PAGE
    assert f"there are {LEAST_QUERIES} queries or more" in PAGE
    assert f"at most {EXACT_UP_TO} queries differ" in PAGE
    assert [name for name in default_measures(100) if name not in PAGE] == []


def test_the_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    write_beir(tmp_path / "my-set", rivers=4)
    monkeypatch.chdir(tmp_path)
    exec(compile(block.replace('("embedded")', '("embedded", options={"backend": "fake"})'), "docs/evaluate.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Cannot tell with 4 queries: nDCG@10 ")

"""docs/cascade.md: its example runs as it stands, with a model at hand in the place of the hub's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adjudge.config import Options
from adjudge.engine.budget import LEAST_DOUBT
from adjudge.engine.cascade import DEFAULT_KEEP
from tests.source import ROOT
from tests.tiny_models import Tiny

PAGE = (ROOT / "docs" / "cascade.md").read_text(encoding="utf-8")
HUB = "BAAI/bge-reranker-v2-m3"


def test_the_example_runs(tiny_folder: Callable[[Tiny], Path], capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_folder(Tiny(family="xlm-roberta"))
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert code.count(f'"{HUB}"') == 1
    exec(compile(code.replace(f'"{HUB}"', repr(str(model))), "docs/cascade.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    judges = [line.split("  ")[1] for line in lines[:4]]
    assert judges == [str(model)] * 2 + ["embedded"] * 2
    assert "cannot be compared" in lines[4]


def test_it_names_the_options_and_their_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE)
    assert rows == ["first", "keep", "budget_ms"]
    assert set(rows) < set(Options.__annotations__)
    assert f"`None`: {DEFAULT_KEEP}, or" in PAGE
    assert LEAST_DOUBT == 0.1, "the page says nine tenths"

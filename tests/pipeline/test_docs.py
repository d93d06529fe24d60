"""docs/pipeline.md: its blocks run as they stand, and its tables name the options as they are."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from adjudge.pipeline import PipelineConfig, PipelineResult, TuneConfig
from tests.source import ROOT

PAGE = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")


def rows(title: str) -> dict[str, str]:
    """{first cell: second cell} of the table under this title cell; a cell with several names gives each."""
    table = PAGE.split(f"| {title} |", 1)[1].split("\n\n", 1)[0]
    found = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", table, re.MULTILINE)
    return {name: cell.strip() for names, cell in found for name in re.findall(r"`(\w+)`", names)}


@pytest.mark.slow
def test_the_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    exec(compile(code, "docs/pipeline.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.search(r"^1  0\.\d{3}  panda  \{'bm25'", printed, re.MULTILINE)
    assert "['home']" in printed or "['cat']" in printed
    assert "first stage: R@200 1.000" in printed
    assert "order: nDCG@3" in printed


def test_the_tables_are_the_fields() -> None:
    assert set(rows("option")) == {field.name for field in fields(PipelineConfig)}
    assert set(rows("`TuneConfig`")) == {field.name for field in fields(TuneConfig)}
    assert set(rows("field")) == {field.name for field in fields(PipelineResult)} - {"query"}


def test_the_defaults_are_those_of_the_code() -> None:
    shown = rows("option")
    for field in fields(PipelineConfig):
        assert shown[field.name] == (f"`{field.default}`" if field.default in (None, True) else str(field.default)), field.name
    tried = rows("`TuneConfig`")
    for name in ("candidates", "weights", "fusions"):
        default = next(field.default for field in fields(TuneConfig) if field.name == name)
        assert tried[name] == ", ".join(map(str, default))
    assert int(tried["queries"]) == TuneConfig().queries

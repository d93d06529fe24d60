"""docs/ask.md: its block runs as it stands, and its tables name what there is."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from adjudge import errors
from adjudge.answer import Answer, AnswerConfig, EndpointConfig
from tests.source import ROOT

PAGE = (ROOT / "docs" / "ask.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def names(title: str) -> set[str]:
    """What stands in backticks in the first cells of a table."""
    table = PAGE.split(f"| {title} |", 1)[1].split("\n\n", 1)[0]
    return {name for cell in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}


def test_the_block_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = BLOCK.findall(PAGE)
    assert [bool(skip) for skip, _ in blocks] == [False, True]
    exec(compile(blocks[0][1], "docs/ask.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Giant pandas eat almost nothing but bamboo. [1]"
    assert lines[1] == "[1] Giant panda, panda.md"
    assert lines[2].startswith("False The documents do not answer this question. none of 2 judged documents passes absolute:0.5")
    compile(blocks[1][1], "docs/ask.md", "exec")


def test_every_field_and_error_is_named() -> None:
    assert names("field of `Answer`") == {field.name for field in fields(Answer)} - {"query"} | {"cited"}
    kinds = {name for name in errors.__all__ if issubclass(getattr(errors, name), errors.EndpointError)}
    assert names("error") == kinds


def test_the_defaults_are_those_of_the_code() -> None:
    endpoint, config = EndpointConfig(base_url="http://h/v1", model="m"), AnswerConfig()
    assert f"`timeout_s` (`--timeout`, {endpoint.timeout_s:g} s)" in PAGE
    assert f"`total_s` ({endpoint.total_s:g} s)" in PAGE
    assert f"at most {config.max_characters:,} characters" in PAGE
    assert f"`sentences` ({config.sentences}) and `quoted_sources` ({config.quoted_sources})" in PAGE

"""docs/compat.md: its examples run, and the versions it names are those that were recorded."""

from __future__ import annotations

import pytest

from tests.integrations.test_compat_golden import ORIGINALS, golden
from tests.source import ROOT
from tests.test_readme import Block, blocks

PAGE = ROOT / "docs" / "compat.md"
EXAMPLES = [block for block in blocks(PAGE) if block.runs]


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.code.split()[3])
def test_examples_run(block: Block) -> None:
    names: dict[str, object] = {}
    exec(compile(block.code, str(PAGE), "exec"), names)
    assert names.get("best", "Pandas eat bamboo.") == "Pandas eat bamboo."
    for name in ("reranker", "model", "ranker"):
        if name in names:
            names[name].close()  # type: ignore[attr-defined]


def test_there_is_an_example_for_each() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("original", ORIGINALS)
def test_versions_are_those_that_were_asked(original: str) -> None:
    assert f"{original} {golden(original)['versions'][original]}" in " ".join(PAGE.read_text(encoding="utf-8").split())

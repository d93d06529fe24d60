"""docs/cache.md: what it shows runs, and what it says of settings and names is what the code says."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adjudge.engine.cache import CacheStatistics, MemoryCache, ScoreCache
from adjudge.engine.cache_sqlite import SqliteCache
from tests.source import ROOT
from tests.test_readme import blocks

PAGE = ROOT / "docs" / "cache.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_examples_run(tmp_path: Path) -> None:
    code = "\n".join(block.code for block in blocks(PAGE) if block.language == "python")
    script = tmp_path / "page.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, env=os.environ, capture_output=True, encoding="utf-8", timeout=250
    )
    assert (done.returncode, done.stderr) == (0, "")
    computed, statistics = done.stdout.splitlines()
    assert f"# {computed}" in code
    assert "entries=3" in statistics
    assert "hits=3, misses=3" in statistics
    assert [p.name for p in tmp_path.glob("scores*")] == ["scores.sqlite"]


@pytest.mark.parametrize(
    ("made", "parameter", "said"),
    [(MemoryCache, "max_entries", "100,000 entries"), (SqliteCache, "max_bytes", "256 MB"), (SqliteCache, "wait_s", "a tenth of a second")],
)
def test_defaults_are_as_said(made: type, parameter: str, said: str) -> None:
    value = inspect.signature(made).parameters[parameter].default
    assert value == {"100,000 entries": 100_000, "256 MB": 256 * 2**20, "a tenth of a second": 0.1}[said]
    assert said in TEXT


def test_names_are_as_said() -> None:
    methods = [name for name in vars(ScoreCache) if not name.startswith("_")]
    assert f": {', '.join(f'`{name}`' for name in methods)}." in TEXT
    for name in ("hit_rate", "last_fault", "hits", "misses", "evicted", "faults", "entries", "bytes"):
        assert hasattr(CacheStatistics(where="x"), name)
        assert name in TEXT

"""docs/recall.md: its lines run as they stand, with an index and a tiny bge-m3 at hand in the place of real ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adjudge.retrieval.index.build import build_index
from tests.conftest import Folders
from tests.retrieval.bge_m3 import build_m3, pickle_heads
from tests.source import ROOT
from tests.tiny_models import Tiny

PAGE = (ROOT / "docs" / "recall.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_runs(tiny_folder: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lancedb")
    monkeypatch.chdir(tmp_path)
    pickle_heads(build_m3(tiny_folder(Tiny(family="xlm-roberta")), tmp_path / "bge-m3"))
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "pandas.md").write_text("# Pandas\n\nGiant pandas eat bamboo.\n", encoding="utf-8")
    build_index([tmp_path / "text"], tmp_path / "my-index")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    capsys.readouterr()
    exec(compile(code, "docs/recall.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 pandas {'bm25': 1, 'dense': 1")
    assert lines[1].startswith("2 bread {'dense': 2")  # words of one language do not meet those of another, and cosines crowd together
    assert lines[2] == "['pandas', 'xiongmao'] True"
    assert lines[3:5] == ["pandas", "pandas"]
    assert lines[6].startswith("R@100 = 1.00, of 10 kept: 1.00")
    assert lines[7:9] == ["q1 missed []", "q2 missed []"]
    assert lines[9] == "1"

"""What is left out of judgement groups, and how kinds are counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adjudge.train.supervision import ASPECTS
from recipes.embedded.ablation import VARIANTS, above, rows_without
from recipes.embedded.common import write_rows
from tests.source import ROOT
from tests.tiny_own import build_own


def group(number: int) -> dict[str, Any]:
    """A judgement group of two intents."""
    passages = [
        {"text": f"both answers to {number}", "kind": "answer", "relevance": 3, "covered": [0, 1]},
        {"text": f"half an answer to {number}", "kind": "partial", "relevance": 2, "covered": [0]},
        {"text": f"the opposite of {number}", "kind": "contradiction", "relevance": 0, "covered": []},
        {"text": f"a neighbour of {number}", "kind": "near_term", "relevance": 0, "covered": []},
    ]
    return {"query": f"question {number}?", "lang": "en", "intents": ["how", "when"], "passages": passages}


@pytest.mark.parametrize("left_out", VARIANTS.values())
def test_labels_are_left_out_and_nothing_else(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    write_rows(tmp_path / "groups.jsonl", [group(1)])
    (row,) = rows_without(tmp_path / "groups.jsonl", left_out)
    whole = [
        {"coverage": 1.0, "contradiction": 0.0, "terminology": 1.0},
        {"coverage": 0.5, "contradiction": 0.0, "terminology": 1.0},
        {"coverage": 0.0, "contradiction": 1.0},
        {"coverage": 0.0, "contradiction": 0.0, "terminology": 0.0},
    ]
    assert [d["grade"] for d in row["documents"]] == pytest.approx([1, 2 / 3, 0, 0])
    kept = [{name: value for name, value in labels.items() if name not in left_out} for labels in whole]
    assert [{name: d[name] for name in ASPECTS if name in d} for d in row["documents"]] == kept


def test_answers_above_other_kinds() -> None:
    kinds = ["answer", "trap", "cross", "trap", "partial"]
    assert above([3.0, 2.0, 1.0, 0.0, 9.0], kinds) == {"trap": (3, 4), "partial": (0, 2)}


@pytest.mark.slow
def test_a_small_run(tmp_path: Path) -> None:
    build_own(tmp_path / "base")
    write_rows(tmp_path / "groups" / "judgements.jsonl.gz", [group(n) for n in range(8)])
    write_rows(tmp_path / "groups" / "judgements-held-out.jsonl.gz", [group(n) for n in range(8, 12)])
    changes = ["run.steps=2", "run.groups_per_step=4", "run.evaluate_every=2", "model.freeze_layers=0", "model.max_length=64"]
    command = [sys.executable, "-m", "recipes.embedded.ablation", str(tmp_path), str(tmp_path / "out.json"), "--variants", "all,relevance"]
    command += [part for change in changes for part in ("--set", change)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert list(found) == ["all", "relevance"]
    for variant in found.values():
        assert variant["groups"] == 4
        assert variant["kinds"]["contradiction"]["pairs"] == 4
        assert 0 <= variant["nDCG@10"] <= 1

"""A judge of fewer layers that a deeper one teaches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from adjudge import Reranker
from recipes.embedded.common import read_rows, write_rows
from recipes.embedded.shallow import keep_layers, taught
from tests.recipes.held import BEFORE, hold
from tests.source import ROOT
from tests.tiny_own import build_own


def lists(count: int) -> list[dict[str, Any]]:
    """Each with an answer in the middle of eight wrong ones."""
    found = []
    for number in range(count):
        documents = [{"text": f"a wrong text {n} of {number}", "grade": 0.0} for n in range(8)]
        documents.insert(4, {"text": f"the answer to {number}", "grade": 1.0})
        found.append({"query": f"question {number}?", "documents": documents, "source": "made"})
    return found


def test_the_layers_that_are_kept_are_those_of_the_deep_one(tmp_path: Path) -> None:
    deep = build_own(tmp_path / "deep")
    keep_layers(deep, tmp_path / "shallow", [1])
    before, after = load_file(deep / "judge.safetensors"), load_file(tmp_path / "shallow" / "judge.safetensors")
    name = "attention.self.query.weight"
    np.testing.assert_array_equal(after[f"encoder.layer.0.{name}"], before[f"encoder.layer.1.{name}"])
    assert not any("layer.1." in key for key in after)
    assert sorted(key for key in after if "layer" not in key) == sorted(key for key in before if "layer" not in key)


def test_a_shallow_folder_is_a_judge_without_a_bi_encoder(tmp_path: Path) -> None:
    keep_layers(build_own(tmp_path / "deep"), tmp_path / "shallow", [0])
    with Reranker(tmp_path / "shallow") as judge:
        assert judge.model.spec.layers == 1
        assert np.isfinite(judge.score([("a", "b"), ("c", "d")])).all()
    assert not (tmp_path / "shallow" / "encoder.safetensors").exists()


def test_files_of_an_earlier_run_are_replaced_as_a_whole(tmp_path: Path) -> None:
    held = hold(tmp_path / "shallow", "config.json", "adjudge.json")
    keep_layers(build_own(tmp_path / "deep"), tmp_path / "shallow", [0])
    assert [path.read_text(encoding="utf-8") for path in held] == [BEFORE, BEFORE]
    assert json.loads((tmp_path / "shallow" / "config.json").read_text(encoding="utf-8"))["num_hidden_layers"] == 1


@pytest.mark.parametrize("layers", [[], [2], [-1], [0, 5], [1, 1]])
def test_layers_that_the_judge_has_not(tmp_path: Path, layers: list[int]) -> None:
    with pytest.raises(SystemExit, match="has 2, so any of 0 to 1"):
        keep_layers(build_own(tmp_path / "deep"), tmp_path / "shallow", layers)


def test_the_teacher_scores_what_is_kept_of_a_list(tmp_path: Path) -> None:
    with Reranker(build_own(tmp_path / "deep")) as teacher:
        rows = list(taught(iter(lists(70)), teacher, passages=4, seed=1))
        assert len(rows) == 70
        row = rows[66]
        assert row["query"] == "question 66?"
        assert [document["grade"] for document in row["documents"]] == [1.0, 0.0, 0.0, 0.0]
        expected = teacher.score([(row["query"], document["text"]) for document in row["documents"]], normalize=False)
    np.testing.assert_allclose([document["score"] for document in row["documents"]], expected, atol=1e-3)


@pytest.mark.slow
def test_the_step_leaves_a_judge(tmp_path: Path) -> None:
    build_own(tmp_path / "deep")
    groups = tmp_path / "groups"
    write_rows(groups / "varied.jsonl.gz", lists(12))
    write_rows(groups / "held-out.jsonl.gz", lists(4))
    for name in ("judgements", "subjects", "short"):
        write_rows(groups / f"{name}-held-out.jsonl.gz", [])
    changes = ["run.steps=2", "run.groups_per_step=4", "run.evaluate_every=2"]
    command = [sys.executable, "-m", "recipes.embedded.shallow", str(tmp_path), "--judge", str(tmp_path / "deep"), "--layers", "0"]
    command += [part for change in changes for part in ("--set", change)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(read_rows(groups / "taught.jsonl.gz"))) == 12
    assert json.loads((tmp_path / "shallow" / "best" / "training.json").read_text(encoding="utf-8"))["steps"] == 2
    with Reranker(tmp_path / "shallow" / "best") as judge:
        assert judge.model.spec.layers == 1

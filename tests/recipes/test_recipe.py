"""The recipe from end to end on a few rows: mine, train, pack, calibrate, evaluate, report, each step as a user starts it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adjudge import Reranker
from recipes.embedded.common import settings, write_rows
from tests.source import ROOT
from tests.tiny_own import build_own

pytestmark = pytest.mark.slow

TOPICS = ["panda", "coffee", "tower", "river", "engine", "garden", "moon", "bread"]
SOURCES = tuple(settings()["mix"]["questions"])


def step(name: str, *arguments: object) -> str:
    """Run one step of the recipe as a program; its output."""
    command = [sys.executable, "-W", "error::UserWarning", "-m", f"recipes.embedded.{name}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_data(data: Path) -> None:
    rows = []
    for source in SOURCES:
        for number in range(40):
            topic = TOPICS[number % len(TOPICS)]
            answer = f"It is {number} metres long."
            rows.append(
                {
                    "query": f"How long is the {topic} number {number} of {source}?",
                    "positive": f"The {topic} of {source} stands in lot {number}. {answer} It was found in {1900 + number}.",
                    "answer": answer,
                    "query_lang": "en",
                    "passage_lang": "en",
                    "source": source,
                    "licence": "CC0",
                }
            )
    write_rows(data / "positives.jsonl.gz", rows)
    pairs = [{"a": f"The {t} is old.", "b": f"Old is the {t}.", "label": i % 2, "lang": "en"} for i, t in enumerate(TOPICS)]
    write_rows(data / "paraphrase-pairs.jsonl.gz", pairs)


def write_set(folder: Path) -> None:
    write_rows(folder / "corpus.jsonl.gz", [{"_id": f"d{i}", "text": f"About the {t} there is much to say."} for i, t in enumerate(TOPICS)])
    write_rows(folder / "queries.jsonl.gz", [{"_id": f"q{i}", "text": f"What of the {t}?"} for i, t in enumerate(TOPICS)])
    import gzip

    with gzip.open(folder / "qrels.tsv.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"q{i} d{i} 1\n" for i in range(len(TOPICS)))


def test_a_few_rows_become_a_judge(tmp_path: Path) -> None:
    data, work = tmp_path / "data", tmp_path / "work"
    work.mkdir()
    write_data(data)
    build_own(work / "base")
    assert "judgement groups to train on" in step("judgements", data, work)
    assert "short-held-out: " in step("subjects", work)
    assert "crossings-held-out: " in step("crossings", work)
    assert "plain-held-out: " in step("plain", work)
    assert "facts-held-out: " in step("facts", work)
    said = step("mine", data, work, "--dial", 0.01, "--model", work / "base")
    assert "questions to train on" in said
    assert "candidates each" in said
    small = ["--set", "run.groups_per_step=4", "--set", "model.freeze_layers=1", "--set", "run.steps=3", "--set", "run.evaluate_every=3"]
    step("train", work, *small)
    best = work / "run" / "best"
    assert json.loads((best / "training.json").read_text(encoding="utf-8"))["steps"] == 3
    for phase in ("second", "third"):
        step("train", work, "--phase", phase, *small)
        best = work / f"run-{phase}" / "best"
        assert json.loads((best / "training.json").read_text(encoding="utf-8"))["steps"] == 3
    step("average", work / "run-second" / "best", best, work / "judge")
    for name in (
        "across",
        "beside",
    ):  # nothing can be mined with a base that takes all passages for twins; these steps have tests of their own
        shutil.copy(work / "groups" / "subjects.jsonl.gz", work / "groups" / f"{name}.jsonl.gz")
    step("train", work, "--phase", "fourth", *small)
    step("average", work / "judge", work / "run-fourth" / "best", work / "judge-fourth", "--phase", "fourth")
    assert "faq-held-out: " in step("faq", work, "--judge", work / "judge", "--model", work / "base")
    step("train", work, "--phase", "fifth", *small)
    step("average", work / "judge", work / "run-fifth" / "best", work / "judge-fifth", "--phase", "fifth")
    step("train", work, "--phase", "sixth", *small)
    step("train", work, "--phase", "seventh", *small)
    for phase in ("eighth", "ninth"):
        step("train", work, "--phase", phase, *small)
    best = work / "judge-ninth"
    step("average", work / "judge-fifth", work / "run-ninth" / "best", best, "--phase", "ninth")
    step("pack", best, work / "packed")
    assert json.loads((work / "packed" / "adjudge.json").read_text(encoding="utf-8"))["edition"] == "5"
    step("calibrate", work, work / "packed")
    with Reranker(best, backend="torch", precision="f32") as exact, Reranker(work / "packed", backend="torch", precision="f32") as packed:
        pairs = [("What of the moon?", "About the moon there is much to say."), ("What of the moon?", "Bread is baked.")]
        assert packed.score(pairs, normalize=False) == pytest.approx(exact.score(pairs, normalize=False), abs=0.5)
        assert packed.score(pairs) != packed.score(pairs, normalize=False)
        assert packed.model.calibration.fitted
    assert "same_first" in step("int8_cost", work, work / "packed", best, work / "int8.json", "--lists", 5)
    write_set(tmp_path / "eval" / "some")
    out = work / "scores"
    common = ("--model", work / "packed", "--first-stage", work / "packed", "--sets", "some")
    step("evaluate", tmp_path / "eval", out, *common, "--queries", 5)
    again = step("evaluate", tmp_path / "eval", out, *common)
    assert "some: 3 queries" in again  # the five that were known are not scored again
    assert "| some | 8 |" in step("report", out, "--json", work / "report.json")
    assert json.loads((work / "report.json").read_text(encoding="utf-8"))["sets"]["some"]["queries"] == 8


def test_mining_again_with_a_judge_refuses_and_reorders(tmp_path: Path) -> None:
    data, work = tmp_path / "data", tmp_path / "work"
    write_data(data)
    build_own(work / "base")
    said = step("mine", data, work, "--dial", 0.005, "--model", work / "base", "--judge", work / "base")
    assert "with the judge:" in said
    assert "refused as veto" in said
    shutil.rmtree(work)

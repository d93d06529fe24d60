"""docs/thresholds.md and docs/calibration.md say what is: every string, every form of row, every limit, and code that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from adjudge import Reranker
from adjudge.engine import thresholds
from adjudge.engine.thresholds import SPELLINGS, Threshold, parse_threshold
from adjudge.evaluate.beir import QUERIES
from adjudge.evaluate.calibration import LEAST_OF_A_CLASS, RULES
from adjudge.evaluate.calibration_error import BINS
from adjudge.evaluate.labelled import ReadConfig
from adjudge.evaluate.rows import _FORMS, RELEVANT_FROM, RELEVANT_IN_JUDGEMENTS, parse_row
from adjudge.evaluate.separation import AUC_LEAST, F1_GAIN, LEAST_KEPT, ROWS
from adjudge.models.calibration import load_calibration
from tests.evaluate.drawn import word_rows
from tests.source import ROOT

THRESHOLDS = (ROOT / "docs" / "thresholds.md").read_text(encoding="utf-8")
CALIBRATION = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def rules() -> list[tuple[list[str], list[str]]]:
    """(strings, Python) of each row of the table of rules."""
    rows = [
        line.strip("|").split("|") for line in THRESHOLDS.split("## The rules")[1].split("\n## ")[0].splitlines() if line.startswith("| `")
    ]
    return [(re.findall(r"`([^`]+)`", row[0]), re.findall(r"`([^`]+)`", row[1])) for row in rows]


def test_every_rule_is_spelled_as_it_is_read() -> None:
    names: dict[str, Any] = {name: getattr(thresholds, name) for name in thresholds.__all__}
    shown: list[Threshold | None] = []
    for strings, python in rules():
        for text in strings:
            parse_threshold(text)
        values = [parse_threshold(eval(code, names)) for code in python]
        assert {str(parse_threshold(text)) for text in strings} == {str(value) for value in values}
        shown.extend(values)
    kinds = {type(threshold) for threshold in shown}
    assert kinds == {type(parse_threshold(text)) for text in SPELLINGS}, "every kind has its row"


def test_the_code_of_thresholds_runs(word_judge: Reranker, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for code in blocks(THRESHOLDS, "python"):
        exec(compile(code.replace("Reranker()", 'Reranker(backend="fake")'), "docs/thresholds.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "dropped" in printed
    assert "better than average (cut-off" in printed
    names["judge"].close()


def test_every_form_of_row_is_shown_and_read() -> None:
    rows = [json.loads(line) for block in blocks(CALIBRATION, "json") for line in block.splitlines()]
    assert {key for row in rows for key in row} >= set(_FORMS) - {"document"}
    pairs = [pair for row in rows for pair in parse_row(row)]
    assert {pair.relevant for pair in pairs} == {True, False}


def test_limits_stand_there_as_they_are() -> None:
    usual = ReadConfig()
    for said in (
        f"At least {LEAST_OF_A_CLASS} relevant and {LEAST_OF_A_CLASS} irrelevant pairs",
        f"put into {BINS} bins",
        f"{usual.candidates} best (`--candidates`)",
        f"{QUERIES} queries are drawn",
        f"A label or grade of {RELEVANT_FROM:g} or more counts as relevant",
        f"in judgement groups (`relevance` 0 to 3) {RELEVANT_IN_JUDGEMENTS:g} or more",
        f"AUC below {AUC_LEAST}",
        f"is not {F1_GAIN} above",
        f"at most {ROWS} rows",
        f"{LEAST_KEPT} kept pairs",
    ):
        assert " ".join(said.split()) in " ".join(CALIBRATION.split()), said


def test_the_report_on_the_page_has_the_rows_of_a_report() -> None:
    shown = next(block for block in blocks(CALIBRATION, "text") if "expected calibration error" in block)
    named = shown.split("not reached")[-1] if "not reached" in shown else ""
    for rule in ("keep all", "best F1", *map(str, RULES)):
        assert re.search(rf"^  {rule} ", shown, re.MULTILINE) or rule in named, rule


def test_the_code_of_calibration_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word_judge: Reranker) -> None:
    rows = word_rows(60)
    monkeypatch.chdir(tmp_path)
    path, target = tmp_path / "labelled.jsonl", tmp_path / "calibrated" / "calibration.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    names: dict[str, Any] = {"judge": word_judge, "path": path, "target": target}
    use, make = blocks(CALIBRATION, "python")
    exec(compile(make, "docs/calibration.md", "exec"), names)
    assert load_calibration(target).cutoffs
    names |= {"query": rows[3]["query"], "documents": [*rows[3]["positive"], *rows[3]["negative"]]}
    exec(compile(use.replace('Reranker("embedded", ', 'Reranker("embedded", backend="fake", '), "docs/calibration.md", "exec"), names)
    assert [result.document.text for result in names["ranking"]] == rows[3]["positive"]
    assert names["ranking"].score_type == "calibrated"
    assert names["ranking"].dropped[0].rule.startswith("precision:0.9 (cut-off 0.")
    names["judge"].close()

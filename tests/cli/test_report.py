"""`adjudge report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.cli.exit_codes import CONFIG, INPUT
from adjudge.evaluate.result import to_json
from tests.cli.conftest import Run
from tests.evaluate.report.sample import evaluation


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result.json"
    path.write_text(to_json(evaluation()), encoding="utf-8")
    return path


def test_beside_the_result(adjudge: Run, result: Path) -> None:
    ended = adjudge("report", result)
    page = result.with_suffix(".html")
    assert (ended.code, ended.out) == (0, "")
    assert page.name in ended.err
    assert "Reranking helps here" in ended.err
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_elsewhere(adjudge: Run, result: Path, tmp_path: Path) -> None:
    assert adjudge("report", result, "--out", tmp_path / "new" / "page.htm", "--quiet").err == ""
    assert (tmp_path / "new" / "page.htm").exists()
    assert not result.with_suffix(".html").exists()


def test_a_file_that_is_there_is_not_replaced_unasked(adjudge: Run, result: Path) -> None:
    page = result.with_suffix(".html")
    page.write_text("mine", encoding="utf-8")
    ended = adjudge("report", result)
    assert (ended.code, page.read_text(encoding="utf-8")) == (CONFIG, "mine")
    assert "--force" in ended.err
    assert adjudge("report", result, "--force").code == 0
    assert page.read_text(encoding="utf-8") != "mine"


def test_never_over_the_result_itself(adjudge: Run, result: Path) -> None:
    before = result.read_text(encoding="utf-8")
    assert adjudge("report", result, "--out", result, "--force").code == CONFIG
    assert result.read_text(encoding="utf-8") == before


def test_a_folder_is_no_file(adjudge: Run, result: Path, tmp_path: Path) -> None:
    ended = adjudge("report", result, "--out", tmp_path)
    assert (ended.code, "is a folder" in ended.err) == (CONFIG, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 99}'])
def test_what_is_no_evaluation(adjudge: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    ended = adjudge("report", path)
    assert ended.code == INPUT
    assert "other.json" in ended.err
    assert not path.with_suffix(".html").exists()


def test_a_result_that_is_missing(adjudge: Run, tmp_path: Path) -> None:
    assert adjudge("report", tmp_path / "none.json").code == INPUT

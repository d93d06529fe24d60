"""TREC runs are read as trec_eval reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.errors import InputError
from adjudge.evaluate.problems import ProblemList
from adjudge.evaluate.trec import looks_like_run, read_run


def test_the_score_decides_and_then_the_rank(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text("q1 Q0 a 3 0.5 t\nq1 Q0 b 1 0.1 t\nq1 Q0 c 2 0.5 t\nq2 Q0 a 1 9\nq1 Q0 a 9 0.2 t\n", encoding="utf-8")
    problems = ProblemList()
    run = read_run(path, problems)
    assert {query: [line.document for line in lines] for query, lines in run.items()} == {"q1": ["c", "a", "b"], "q2": ["a"]}
    assert [(problem.kind, problem.examples) for problem in problems.values()] == [("run_duplicate", ("q1 a",))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("q1 Q0 a\n", "this one has 3 words"),
        ("q1 Q0 a first 0.5 t\n", "the rank 'first' must be a whole number"),
        ("q1 Q0 a 1 nan t\n", "the score 'nan' must be a finite number"),
        ("q1 Q0 a 1 high t\n", "the score 'high'"),
    ],
)
def test_what_is_no_run(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.run").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_run(tmp_path / "a.run", ProblemList())


def test_names_of_runs() -> None:
    assert [looks_like_run(name) for name in ("a.trec", "b/c.run", "d.txt.gz", "bm25", "dense")] == [True, True, True, False, False]

"""`adjudge score`: pairs in, numbers out, in the same order."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge import Reranker
from adjudge.cli.pairs import Pair
from adjudge.cli.scores_output import Scored, show_scores
from tests.cli.conftest import Run

QUERY, BREAD, PANDA = "What do giant pandas eat?", "Bread is baked.", "Giant pandas eat bamboo."
ROWS = [{"query": QUERY, "passage": PANDA, "id": 1}, {"query": QUERY, "text": BREAD}, ["pandas", PANDA]]


@pytest.fixture
def expected(fake: tuple[str, ...]) -> list[float]:
    """What the library says of ROWS."""
    with Reranker(fake[1], backend="fake") as judge:
        return judge.score([(QUERY, PANDA), (QUERY, BREAD), ("pandas", PANDA)])


def lines(rows: list[object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_one_pair_of_arguments(score: Run, expected: list[float]) -> None:
    ended = score(QUERY, PANDA)
    assert (ended.code, ended.lines, ended.err) == (0, [f"{expected[0]:.6f}"], "")


@pytest.mark.parametrize("arguments", [(), ("-",), ("-f", "-")], ids=["alone", "argument", "file"])
def test_json_lines_from_standard_input(score: Run, expected: list[float], arguments: tuple[str, ...]) -> None:
    assert score(*arguments, stdin=lines(ROWS)).lines == [f"{value:.6f}" for value in expected]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "tsv"])
def test_files(score: Run, tmp_path: Path, expected: list[float], ending: str) -> None:
    path = tmp_path / f"pairs.{ending}"
    comma = "," if ending == "csv" else "\t"
    table = f"query{comma}text\n{QUERY}{comma}{PANDA}\n{QUERY}{comma}{BREAD}\npandas{comma}{PANDA}\n"
    path.write_bytes({"jsonl": lines(ROWS), "json": json.dumps(ROWS).encode()}.get(ending, table.encode()))
    assert score("--file", path).lines == [f"{value:.6f}" for value in expected]


def test_arguments_come_before_files(score: Run, tmp_path: Path, expected: list[float]) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(lines(ROWS[1:]))
    assert score(QUERY, PANDA, "--file", path).lines == [f"{value:.6f}" for value in expected]


def test_other_fields(score: Run, expected: list[float]) -> None:
    row = {"question": QUERY, "answer": PANDA, "query": "no", "passage": "no"}
    ended = score("-", "--query-field", "question", "--passage-field", "answer", stdin=lines([row]))
    assert ended.lines == [f"{expected[0]:.6f}"]


def test_json(score: Run, expected: list[float]) -> None:
    shown = json.loads(score("--json", stdin=lines(ROWS)).out)
    assert [r["score"] for r in shown["results"]] == expected
    assert shown["results"][0] == {"index": 0, "score": expected[0], "id": "1", "query": QUERY, "passage": PANDA, "source": "stdin:1"}
    assert (shown["score_type"], shown["runtime"]["backend"]) == ("sigmoid", "fake")
    assert json.loads(score("--json", "--no-normalize", stdin=lines(ROWS)).out)["score_type"] == "logit"


def test_json_lines(score: Run, expected: list[float]) -> None:
    ended = score("--jsonl", stdin=lines(ROWS))
    assert [json.loads(line)["score"] for line in ended.lines] == expected


def test_logits(score: Run) -> None:
    assert -4 <= float(score(QUERY, BREAD, "--no-normalize").out) < 0


def test_an_empty_passage_is_judged(score: Run) -> None:
    assert len(score(QUERY, "").lines) == 1


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ((QUERY,), None, "a query needs a passage"),
        ((), None, "there are no pairs: give QUERY and PASSAGE"),
        ((), b"", "there are no pairs in standard input"),
        ((), b'{"query": "x"}', "stdin:1 has no field 'text'; it has: query. Choose with --passage-field"),
        ((), b'{"passage": "x"}', "stdin:1 has no field 'query'; it has: passage. Choose with --query-field"),
        ((), b'{"query": "x", "passage": null}', "stdin:1: the field 'passage' must be a text, not NoneType"),
        ((), b'["a", "b"]\n["c"]', "stdin:2 is a JSON list"),
        ((), b'"text"', "stdin:1 is a JSON str"),
        (("-i", "lines"), b"a", "pairs cannot be read from lines"),
        (("-f", "pairs.unknown"), None, "cannot read pairs.unknown"),
    ],
)
def test_mistakes(score: Run, arguments: tuple[str, ...], stdin: bytes | None, message: str) -> None:
    ended = score(*arguments, stdin=stdin)
    assert (ended.code, ended.out, len(ended.notes)) == (3, "", 1)
    assert message in ended.err


def test_a_file_without_a_telling_name(score: Run, tmp_path: Path, expected: list[float]) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(lines(ROWS))
    assert "name it: --input-format jsonl" in score("-f", path).err
    assert len(score("-f", path, "-i", "jsonl").lines) == len(expected)


@pytest.mark.parametrize("width", [30, 80, 120])
def test_the_table_fits(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    pairs = [Pair("熊猫吃什么？" * 9, "大熊猫吃竹子。" * 30, None, ""), Pair(QUERY, PANDA * 9, None, "")]
    show_scores(console, [Scored(i, pair, value) for i, (pair, value) in enumerate(zip(pairs, (0.97, 0.02), strict=True))], logit=False)
    shown = console.file.getvalue().splitlines()
    assert max(map(cell_len, shown)) <= width
    assert "0.970" in shown[1]

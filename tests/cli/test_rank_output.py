"""Every way `adjudge rank` shows what it found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge import Document, Reranker, WindowConfig
from adjudge.cli.json_text import to_json
from adjudge.cli.ranking_table import show_ranking
from adjudge.types import Ranking
from tests.cli.conftest import Run
from tests.tiny_models import Tiny

QUERY = "What do giant pandas eat?"
BREAD, PANDA, LONG = "Bread is baked from flour.", "Giant pandas eat bamboo.", "Giant pandas eat bamboo. " * 100


@pytest.fixture(scope="module")
def judge(tiny_folder: Callable[[Tiny], Path]) -> Reranker:
    return Reranker(tiny_folder(Tiny(family="roberta")), backend="fake")


def picture(ranking: Ranking, judge: Reranker, *, places: Mapping[int, str] | None = None, **settings: Any) -> list[str]:
    console = Console(**{"file": io.StringIO(), "width": 80, **settings})
    where = [(places or {}).get(i, "") for i in range(20)]
    show_ranking(console, ranking, where, judge)
    return console.file.getvalue().splitlines()


def test_plain_lines(rank: Run) -> None:
    ended = rank(QUERY, BREAD, "Giant\tpandas\neat  bamboo.\x1b[31m")
    assert ended.err == ""
    assert [[row[0], *row[2:]] for row in ended.rows] == [["1", "1", "", "Giant pandas eat bamboo.\ufffd[31m"], ["2", "0", "", BREAD]]
    assert all(len(row[1].split(".")[1]) == 6 for row in ended.rows)


def test_json_holds_all_of_the_ranking(rank: Run, judge: Reranker) -> None:
    shown = json.loads(rank(QUERY, PANDA, "", BREAD, LONG, "--top-n", "1", "--threshold", "0.1", "--json").out)
    expected = asdict(judge.rank(QUERY, [PANDA, "", BREAD, LONG], top_n=1, threshold=0.1))
    del expected["explainer"]
    assert set(shown) == {*expected, "runtime"}
    for name in set(expected) - {"timings"}:
        assert shown[name] == json.loads(json.dumps(expected[name])), name
    assert set(shown["timings"]) == set(expected["timings"])
    assert shown["runtime"]["backend"] == "fake"
    assert shown["runtime"]["load_ms"] > 0


def test_json_lines_hold_one_result_each(rank: Run) -> None:
    ended = rank(QUERY, BREAD, PANDA, "", "--jsonl")
    results = [json.loads(line) for line in ended.lines]
    assert [(r["rank"], r["index"], r["document"]["text"]) for r in results] == [(1, 1, PANDA), (2, 0, BREAD)]
    assert ended.notes == ["adjudge: document 2 is empty or only white space, so it answers nothing"]


def test_what_was_cut_is_said(rank: Run) -> None:
    ended = rank(QUERY, LONG, PANDA, "--truncate")
    assert ended.notes == ["adjudge: 1 of 2 documents were cut, as asked: see truncated and tokens_unseen of each"]


def test_who_judged_is_shown_where_two_did(tiny_folder: Callable[[Tiny], Path]) -> None:
    small, large = tiny_folder(Tiny(family="roberta")), tiny_folder(Tiny(family="bert"))
    with Reranker(large, first=small, keep=1, backend="fake") as two:
        ranking, alone = two.rank(QUERY, [BREAD, PANDA]), two.rank(QUERY, [PANDA])
        shown, narrow = picture(ranking, two), picture(ranking, two, width=50)
        assert "judge" not in picture(alone, two)[0]
    assert "judge" in shown[0]
    assert "judge" not in narrow[0]
    assert [line.split()[4][:5] for line in shown[1:3]] == [large.name[:5], small.name[:5]]
    assert "cannot be compared" in " ".join(" ".join(shown).split()), "wherever the line breaks"


def test_raw_logits(rank: Run) -> None:
    shown = json.loads(rank(QUERY, PANDA, "--no-normalize", "--json").out)
    assert shown["score_type"] == "logit"
    assert shown["results"][0]["score"] == shown["results"][0]["logit"] < 0


def test_json_and_json_lines_exclude_each_other(rank: Run) -> None:
    ended = rank(QUERY, PANDA, "--json", "--jsonl")
    assert (ended.code, ended.out) == (2, "")


def test_nothing_is_left(rank: Run, judge: Reranker) -> None:
    ended = rank(QUERY, PANDA, "--top-n", "0")
    assert (ended.code, ended.out) == (0, "")
    assert json.loads(rank(QUERY, PANDA, "--top-n", "0", "--json").out)["results"] == []
    lines = picture(judge.rank(QUERY, [PANDA, BREAD, BREAD], top_n=1, threshold=0.9), judge)
    assert lines[:3] == ["no document is left", "", "dropped 3 by absolute:0.9 (cut-off 0.900)"]


def test_the_table_shows_results_and_says_what_is_missing(judge: Reranker) -> None:
    documents = [Document(PANDA, id="panda-en"), LONG, BREAD, "", 5, "熊猫吃竹子。"]
    ranking = judge.rank(QUERY, documents, threshold=0.01, top_n=3)  # type: ignore[list-item]
    text = "\n".join(picture(ranking, judge, places={1: "long.txt", 3: "empty.txt"}, width=100))
    for expected in ("score", "panda-en", "long.txt", "windows", "dropped 1 by top_n=3", "refused empty.txt: ", "refused 4: "):
        assert expected in text
    assert f"6 documents, {ranking.usage.pairs} pairs, {ranking.usage.tokens:,} tokens · load" in text
    assert " ".join(text.split()).endswith("fake cpu f32 · sigmoid score"), "wherever the line breaks"


def test_truncated_documents_are_marked_with_what_was_read(judge: Reranker) -> None:
    ranking = judge.rank(QUERY, [LONG], windows=WindowConfig(mode="truncate"))
    read = ranking[0].tokens - ranking[0].tokens_unseen
    assert f"{read} of {ranking[0].tokens}" in "\n".join(picture(ranking, judge))


def test_a_window_from_the_middle_begins_with_an_ellipsis(judge: Reranker) -> None:
    ranking = judge.rank(QUERY, ["Bread is baked from flour. " * 40 + PANDA])
    assert ranking[0].passage.start > 0
    assert "  … " in picture(ranking, judge)[1]


@pytest.mark.parametrize("width", [1, 20, 40, 59, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(judge: Reranker, width: int) -> None:
    documents = [Document("大熊猫主要吃竹子，" * 20, id="文" * 40), PANDA * 10, "👩‍👩‍👧" * 50, "x" * 500, "a\u0301" * 200]
    lines = picture(judge.rank("熊猫", documents, top_n=4), judge, width=width)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_columns_line_up_whatever_the_script(judge: Reranker, width: int) -> None:
    documents = [
        Document("大熊猫主要吃竹子。" * 9, id="中文"),
        Document(PANDA * 9, id="english"),
        Document("panda бамбук " * 9, id="русский"),
    ]
    lines = picture(judge.rank("panda", documents), judge, width=width)
    starts = set()
    for line in lines[1:7:2]:
        passage = next(part for part in ("大熊猫", "Giant", "panda б") if part in line)
        starts.add(cell_len(line[: line.index(passage)]))
    assert len(starts) == 1


def test_documents_cannot_write_to_the_terminal_or_in_markup(judge: Reranker) -> None:
    document = Document("\x1b]0;title\x07\x1b[2J[bold red]panda[/bold red]\u202eadnap", id="\x1b[5m[red]id")
    ranking = judge.rank("panda \x1b[1m", [document, Document("", id="\x1b")])
    text = "\n".join(picture(ranking, judge, width=160))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold red]panda[/bold red]\ufffdadnap" in text
    assert "\ufffd[5m[red]id" in text


def test_colours_only_where_they_are_wanted(judge: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    ranking = judge.rank(QUERY, [PANDA])
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m" in "\n".join(picture(judge.rank(PANDA, [PANDA]), judge, force_terminal=True, color_system="standard"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in "\n".join(picture(ranking, judge, force_terminal=True))


def test_an_output_without_these_characters_gets_others(judge: Reranker) -> None:
    class Ascii(io.StringIO):
        encoding = "ascii"

    lines = picture(judge.rank("Giant pandas", [PANDA * 20]), judge, file=Ascii())
    "\n".join(lines[:3]).encode("ascii")
    assert "###" in lines[1]
    assert lines[2].endswith("...")


def test_json_text_is_json_that_every_reader_takes() -> None:
    value = {
        "nan": float("nan"),
        "list": (1, [float("-inf")], {"x"}),
        "lone": "\ud83d",
        "path": Path("a"),
        "text": "熊猫🐼",
        3: True,
        "b": b"x",
    }
    text = to_json(value)
    text.encode("utf-8")
    assert json.loads(text) == {
        "nan": None,
        "list": [1, [None], ["x"]],
        "lone": "\ud83d",
        "path": "a",
        "text": "熊猫🐼",
        "3": True,
        "b": "b'x'",
    }
    assert "熊猫🐼" in text

"""`adjudge search` over a real index: what it prints, in every form, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge import Reranker
from adjudge.cli.exit_codes import BY_ERROR
from adjudge.cli.search_view import show_search
from adjudge.errors import ConfigError, IndexNotFoundError, InputError
from adjudge.pipeline import Pipeline
from adjudge.retrieval.bm25 import BM25Retriever
from adjudge.retrieval.index import open_index
from tests.cli.conftest import Run
from tests.cli.searching import QUERY, index_of

WORDS = ("--retriever", "bm25", "--backend", "fake")
"""Needs no encoder and no time."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lancedb")
    return index_of(tmp_path_factory.mktemp("searched"))


def picture(pipeline: Pipeline, query: str = QUERY, *, width: int = 100, quiet: bool = False, **changes: object) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show_search(console, pipeline.search(query, **changes), pipeline, quiet=quiet)  # type: ignore[arg-type]
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_plain_lines(adjudge: Run, index: Path) -> None:
    ended = adjudge("search", QUERY, "--index", index, *WORDS, "--top-n", "2")
    assert (ended.code, ended.err) == (0, "")
    assert [row[0] for row in ended.rows] == ["1", "2"]
    assert ended.rows[0][2] == "animals/panda.md"
    assert "bamboo" in ended.rows[0][4]
    assert "\x1b" not in ended.out


def test_the_whole_relay(adjudge: Run, index: Path) -> None:
    """Words and vectors, and the shipped judge."""
    shown = json.loads(adjudge("search", "大熊猫吃什么？", "--index", index, "--json", "--top-n", "2").out)
    assert shown["results"][0]["document"]["metadata"]["source"] == "zh/熊猫.txt"
    best = shown["results"][0]
    assert {"hybrid", "judge", "dense"} <= set(best["ranks"])
    assert best["scores"]["judge"] == best["score"]
    assert list(shown["timings"])[-3:] == ["retrieve", "judge", "total"]
    assert shown["candidates"] == len(shown["results"]) + len(shown["dropped"]) + len(shown["refused"])
    assert {hit["rule"] for hit in shown["dropped"]} == {"top_n=2"}
    assert shown["runtime"]["backend"] == "openvino"
    assert (shown["retriever"], shown["query"]) == ("hybrid", "大熊猫吃什么？")


def test_json_lines(adjudge: Run, index: Path) -> None:
    hits = [json.loads(line) for line in adjudge("search", QUERY, "--index", index, *WORDS, "--jsonl").lines]
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    assert hits[0]["document"]["metadata"]["source"] == "animals/panda.md"


def test_the_first_stage_alone(adjudge: Run, index: Path) -> None:
    shown = json.loads(adjudge("search", QUERY, "--index", index, "--retriever", "bm25", "--no-rerank", "--json").out)
    assert (shown["model"], shown["runtime"], shown["usage"]) == (None, None, None)
    assert set(shown["results"][0]["scores"]) == {"bm25"}


def test_filters(adjudge: Run, index: Path) -> None:
    ended = adjudge("search", "water and pandas", "--index", index, *WORDS, "--where", "source=food/tea.txt,food/bread.txt")
    assert {row[2] for row in ended.rows} <= {"food/tea.txt", "food/bread.txt"}
    assert ended.rows


def test_nothing_passes(adjudge: Run, index: Path) -> None:
    ended = adjudge("search", QUERY, "--index", index, *WORDS, "--threshold", "0.99")
    assert (ended.code, ended.out) == (0, "")


def test_the_order_of_both_stages(adjudge: Run, index: Path) -> None:
    """With a weight that leaves the judge no say, the order is the first stage's; the scores stay the judge's."""
    alone = adjudge("search", QUERY, "--index", index, *WORDS, "--no-rerank", "--retriever", "bm25", "--top-n", "3")
    ended = adjudge("search", QUERY, "--index", index, *WORDS, "--fusion", "1000000", "--top-n", "3", "--json")
    shown = json.loads(ended.out)
    assert [hit["document"]["id"] for hit in shown["results"]] == [row[3] for row in alone.rows]
    assert all(hit["score"] == hit["scores"]["judge"] and hit["rank"] == hit["ranks"]["fusion"] for hit in shown["results"])
    assert shown["fusion"] == {"weight": 1e6, "k": 20}
    assert json.loads(adjudge("search", QUERY, "--index", index, *WORDS, "--json").out)["fusion"] is None


def test_the_index_may_stand_in_the_environment(adjudge: Run, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJUDGE_INDEX", str(index))
    assert adjudge("search", QUERY, *WORDS).rows


def test_the_table(index: Path, word_judge: Reranker) -> None:
    opened = open_index(index)
    pipeline = Pipeline(BM25Retriever.from_index(opened), word_judge, top_n=1)
    lines = picture(pipeline)
    text = "\n".join(lines)
    for expected in ("score", "found", "animals/panda.md", "Giant panda", "bm25 1", "dropped ", " candidates, ", "judge "):
        assert expected in text
    assert "retrieve " in text
    assert all("dropped" not in line for line in picture(pipeline, quiet=True))
    both = "\n".join(picture(Pipeline(pipeline.retriever, word_judge, fusion=0.5)))
    assert "judge 1" in both
    assert "fusion 0.5" in both
    assert "fusion" not in text
    assert picture(pipeline, threshold=1.0)[0] == "no passage is left"
    assert picture(pipeline, "zzzz")[0] == "no passage was found"
    alone = picture(Pipeline(pipeline.retriever, None))
    assert not any("judge" in line for line in alone)
    opened.close()


@pytest.mark.parametrize("width", [20, 40, 69, 70, 120])
def test_no_line_is_wider_than_the_terminal(index: Path, word_judge: Reranker, width: int) -> None:
    opened = open_index(index)
    lines = picture(Pipeline(BM25Retriever.from_index(opened), word_judge), "pandas 大熊猫 eat text", width=width)
    assert max(map(cell_len, lines)) <= width
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    opened.close()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((QUERY,), 2, "--index"),
        ((" ", "--index", "x"), BY_ERROR[InputError], "the query is empty"),
        ((QUERY, "--index", "x", "--candidates", "0"), BY_ERROR[ConfigError], "candidates must be a whole number of 1 or more"),
        ((QUERY, "--index", "x", "--top-n", "-1"), BY_ERROR[ConfigError], "--top-n must be"),
        ((QUERY, "--index", "x", "--fusion", "-1"), BY_ERROR[ConfigError], "fusion: weight must be a finite number of 0 or more"),
        ((QUERY, "--index", "x", "--fusion", "0.5", "--no-rerank"), BY_ERROR[ConfigError], "--fusion joins"),
        ((QUERY, "--index", "x", "--threshold", "soso"), BY_ERROR[ConfigError], "'soso' is not known"),
        ((QUERY, "--index", "x", "--threshold", "0.5", "--no-rerank"), BY_ERROR[ConfigError], "--threshold needs the judge"),
        ((QUERY, "--index", "x", "--where", "year>>"), BY_ERROR[InputError], "filter"),
        ((QUERY, "--index", "x", "--retriever", "magic"), 2, "magic"),
        ((QUERY, "--index", "x", "--json", "--jsonl"), 2, "exclude each other"),
        ((QUERY, "--index", "no-such-folder"), BY_ERROR[IndexNotFoundError], "no-such-folder"),
    ],
)
def test_what_is_refused_before_any_model_is_loaded(
    adjudge: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, message: str
) -> None:
    def loaded(*_: object, **__: object) -> None:
        raise RuntimeError("a model was loaded")

    monkeypatch.delenv("ADJUDGE_INDEX", raising=False)
    monkeypatch.setattr("adjudge.cli.searching.open_reranker", loaded)
    monkeypatch.setattr("adjudge.retrieval.dense.Embedder", loaded)
    ended = adjudge("search", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in " ".join(ended.err.split())


def test_a_filter_that_nothing_meets_is_told(adjudge: Run, index: Path) -> None:
    ended = adjudge("search", QUERY, "--index", index, "--retriever", "bm25", "--backend", "fake", "--where", "lang=en")
    assert (ended.code, ended.out) == (0, "")
    assert "no passage meets --where lang=en" in ended.err

"""The curve's own arithmetic by hand, and one whole small run on two real models."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cascade
from benchmarks.cascade import questions_of
from benchmarks.cascade_picture import draw
from benchmarks.cascade_points import Point, Question, Seen, flops_a_token, mean_points, quality, summary
from benchmarks.passages import Passages
from tests.tiny_models import Tiny

QUESTIONS = [
    Question("q0", "?", {"a": "A", "b": "B", "c": "C"}, ("b",)),
    Question("q1", "?", {"a": "A"}, ("z",)),
]


def seen(order: str, *, read: int, milliseconds: float = 10.0) -> Seen:
    return Seen(tuple(order), tuple(reversed(order)), read, 100, 50 * read, milliseconds)


def test_quality_by_hand() -> None:
    assert quality([["a", "b", "c"], ["a"]], QUESTIONS) == {"nDCG@10": [pytest.approx(1 / math.log2(3)), 0.0], "Success@1": [0.0, 0.0]}
    assert quality([["b", "a", "c"], []], QUESTIONS) == {"nDCG@10": [1.0, 0.0], "Success@1": [1.0, 0.0]}


def test_a_row_of_the_curve() -> None:
    found = {
        Point(0): [seen("abc", read=0), seen("a", read=0)],
        Point(50): [seen("bac", read=3, milliseconds=30.0), seen("a", read=1, milliseconds=50.0)],
        Point(None, 40.0): [seen("cba", read=2, milliseconds=30.0), seen("a", read=0, milliseconds=50.0)],
    }
    rows = summary(found, QUESTIONS, (2e9, 10e9))
    assert [row["point"] for row in rows] == ["first alone", "keep 50", "40 ms"]
    assert [row["Success@1"] for row in rows] == [0.0, 0.5, 0.0]
    assert rows[1]["nDCG@10 strong first"] == pytest.approx(0.5 / math.log2(4)), "c a b"
    assert rows[0]["Success@1 less than the most"] == {"mean": 0.5, "standard_error": pytest.approx(0.5)}
    assert rows[1]["Success@1 less than the most"]["mean"] == 0.0
    assert [row["gigaflop"] for row in rows] == [200.0, 200.0 + 1000.0, 200.0 + 500.0]
    assert (rows[1]["ms"], rows[1]["ms_median"], rows[1]["read"]) == (40.0, 40.0, 2.0)
    assert [row.get("late") for row in rows] == [None, None, 0.5]
    mean = mean_points([rows, rows])
    assert mean[1]["gigaflop"] == 1200.0
    assert mean[0]["nDCG@10 less than the most"] == rows[0]["nDCG@10 less than the most"]["mean"]


def test_candidates_are_what_bm25_finds() -> None:
    passages = Passages(
        "set",
        {"q1": "red fox", "q2": "grey wolf", "q3": "whale", "q4": "never judged"},
        {"a": "the red fox", "b": "a grey wolf", "c": "a red wolf", "d": "   "},
        {"q1": ("a",), "q2": ("b",), "q3": ("d",)},
    )
    found = {question.id: question for question in questions_of(passages, 0, seed=1)}
    assert set(found) == {"q1", "q2"}, "nothing is found for the whale"
    assert list(found["q1"].candidates) == ["a", "c"]
    assert set(found["q2"].candidates) == {"b", "c"}
    assert found["q2"].relevant == ("b",)
    assert len(questions_of(passages, 1, seed=1)) == 1


def test_flops_of_a_token() -> None:
    class Spec:
        layers, hidden_size, intermediate_size = 2, 32, 64

    assert flops_a_token(Spec()) == 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64)  # type: ignore[arg-type]


def test_a_curve_without_budgets_is_drawn(tmp_path: Path) -> None:
    rows = summary({Point(0): [seen("abc", read=0)] * 2, Point(50): [seen("bac", read=3)] * 2}, QUESTIONS, (1e9, 4e9))
    assert draw(rows, tmp_path / "curve.png", title="two").read_bytes().startswith(b"\x89PNG")


def test_both_ends_are_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for keeps in ("3,50", "0,3"):
        monkeypatch.setattr(sys, "argv", ["x", "--data", str(tmp_path), "--first", "a", "--strong", "b", "--keeps", keeps])
        with pytest.raises(SystemExit, match="what is compared with"):
            cascade.main()


def test_a_whole_run(tiny_folder: Callable[[Tiny], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "rivers"
    folder.mkdir(parents=True)
    corpus = [{"_id": f"d{i}", "text": f"The river number {i} rises in valley {i * 7} and ends in lake {i * 3}."} for i in range(12)]
    queries = [{"_id": f"q{i}", "text": f"Where does river number {i} end?"} for i in range(4)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (folder / "qrels.tsv").write_text("".join(f"q{i}\td{i}\t1\n" for i in range(4)))
    first, strong = tiny_folder(Tiny(family="roberta")), tiny_folder(Tiny(family="bert", seed=3))
    arguments = ["--first", str(first), "--strong", str(strong), "--sets", "rivers", "--keeps", "0,3,50", "--budgets", "0.001,60000"]
    out = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["x", "--data", str(folder.parent), *arguments, "--precision", "f32", "--out", str(out)])
    cascade.main()
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    rows = {row["point"]: row for row in found["mean"]}
    assert found["sets"]["rivers"]["questions"] == 4
    assert {name: row["read"] for name, row in rows.items()} == {
        "first alone": 0,
        "keep 3": 3,
        "keep 50": 12,
        "0.001 ms": 0,
        "60000 ms": 12,
    }
    assert rows["0.001 ms"]["nDCG@10"] == rows["first alone"]["nDCG@10"]
    assert rows["60000 ms"]["nDCG@10"] == rows["keep 50"]["nDCG@10"]
    assert rows["first alone"]["strong_tokens"] == rows["keep 50"]["first_tokens"] == 0
    assert rows["60000 ms"]["strong_tokens"] == rows["keep 50"]["strong_tokens"] > rows["keep 3"]["strong_tokens"] > 0
    assert str(tmp_path) not in out.read_text(encoding="utf-8"), "folders are named, not their paths"
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")

"""The measurement of quoted answers: which rows are usable, by hand, and one small run from file to file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge import Reranker
from adjudge.engine.sentences import sentence_spans
from benchmarks.quotes import WAYS, Case, cases, main, overlap, run

FILLER = "Water is wet. Bread is baked. Iron rusts."
PASSAGE = f"{FILLER} Giant pandas eat bamboo."
ROWS = [
    {"query": "What do giant pandas eat?", "positive": PASSAGE, "answer": "bamboo", "passage_lang": "en"},
    {"query": "Was rostet?", "positive": f"{PASSAGE} ", "answer": "Iron", "passage_lang": "de"},
    {"query": "in two sentences", "positive": f"{PASSAGE} Bamboo is bamboo.", "answer": "amboo", "passage_lang": "en"},
    {"query": "too short", "positive": "Giant pandas eat bamboo.", "answer": "bamboo", "passage_lang": "en"},
]


def test_rows_whose_answer_stands_in_one_sentence() -> None:
    found = {case.query: case for case in cases(ROWS, 9, 0)}
    assert set(found) == {"What do giant pandas eat?", "Was rostet?"}
    start, end = found["What do giant pandas eat?"].answer
    assert PASSAGE[start:end] == "Giant pandas eat bamboo."
    assert [case.language for case in cases(ROWS, 1, 0)].count("en") == 1
    assert list(cases(ROWS, 9, 1)) == []


def test_ways_by_hand(word_judge: Reranker) -> None:
    """Only the last sentence shares words with the question, so what judges finds it and the first two are not it."""
    at = PASSAGE.index("Giant")
    found = run(word_judge, [Case("giant pandas eat bamboo", PASSAGE, (at, len(PASSAGE)), "en")] * 2)
    assert set(found) == set(WAYS)
    assert {name: (one["holds"][0], one["sentences"]) for name, one in found.items()} == {
        "first two sentences": (0.0, 2.0),
        "effect": (1.0, 1.0),
        "alone, two sentences": (1.0, 2.0),
        "as shipped": (1.0, 1.0),
    }
    assert found["as shipped"]["by_language"] == {"en": 1.0}


def test_from_file_to_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out.json"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    main([str(rows), "--out", str(out)])
    stored = json.loads(out.read_text(encoding="utf-8"))
    assert (stored["benchmark"], stored["passages"], stored["model"]) == ("quotes", 2, "embedded")
    assert stored["ways"]["as shipped"]["holds"][0] > 0
    assert "as shipped" in capsys.readouterr().out


def test_rows_that_cannot_be_used_are_said_before_any_work(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(ROWS[3]) + "\n" + json.dumps({"query": "no answer", "positive": PASSAGE}) + "\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="0 of 1 rows with an answer are usable"):
        main([str(rows)])


def test_a_quote_that_brings_the_next_sentence_counts_both() -> None:
    assert [overlap(PASSAGE, span, [(0, 30)]) for span in sentence_spans(PASSAGE)] == [True, True, False, False]
    assert overlap(PASSAGE + " \n ", (PASSAGE.index("Giant"), len(PASSAGE) + 3), [(len(PASSAGE), len(PASSAGE) + 3)]) is False

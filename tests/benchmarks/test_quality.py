"""The quality benchmark: a whole small run that goes on where it was, and its tables by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adjudge.evaluate import DatasetConfig, read_dataset
from benchmarks import quality, quality_tables
from tests.evaluate.beir_folder import write_beir
from tests.evaluate.small_data import write_run

TEXTS = {
    "en": ("What do pandas eat?", "Giant pandas eat almost nothing but bamboo.", "Bread is baked from flour and water."),
    "es": ("¿Qué comen los pandas?", "Los pandas gigantes comen casi solo bambú.", "El pan se hace con harina y agua."),
}


def write_set(folder: Path, language: str) -> None:
    """Two documents and one question in BEIR's layout."""
    query, right, wrong = TEXTS[language]
    folder.mkdir()
    rows = [{"_id": "right", "text": right}, {"_id": "wrong", "text": wrong}]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": query}) + "\n", encoding="utf-8")
    (folder / "qrels.tsv").write_text("q\tright\t1\n", encoding="utf-8")


@pytest.mark.slow
def test_a_run_is_written_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(quality, "LANGUAGES", ("en", "es"))
    monkeypatch.setattr(quality, "JUDGED_ONLY", ("xquad-en",))
    for language in TEXTS:
        write_set(tmp_path / f"xquad-{language}", language)
    arguments = ["--data", str(tmp_path), "--work", str(tmp_path / "work"), "--sets", "xquad-en", "--judge", "small=embedded"]
    quality.main([*arguments, "--out", str(tmp_path / "a.json")])
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(found["sets"][0]["systems"]) == ["BM25", "bi-encoder", "fusion", "small"]
    assert all(row["Success@1"][0] == 1 for row in found["sets"][0]["systems"].values()), "only what was judged is in the lists"
    assert found["sets"][0]["systems"]["small"]["query_ms"]["p50"] > 0
    assert [(row["asked"], row["held"]) for row in found["across"]] == [("en", "es"), ("es", "en")]
    assert len(found["traps"]) == 10
    monkeypatch.setattr(quality, "evaluate", None)  # nothing is evaluated twice
    quality.main([*arguments, "--out", str(tmp_path / "b.json")])
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["sets"] == found["sets"]
    capsys.readouterr()
    quality_tables.main([str(tmp_path / "a.json")])
    assert "| xquad-en | 1 |" in capsys.readouterr().out


def test_what_was_kept_is_taken_only_where_the_same_is_asked(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers", rivers=6)
    few, more = (read_dataset(folder, DatasetConfig(queries=count)) for count in (2, 5))
    kept = tmp_path / "kept.json"
    first = quality.measure(few, "bm25", (), 4, kept)
    assert quality.measure(few, "bm25", (), 4, kept) == first, "read, not done again"
    assert quality.measure(more, "bm25", (), 4, kept).data.queries == 5
    assert quality.measure(more, "bm25", (), 3, kept).settings.candidates == 3
    run = write_run(tmp_path / "r.trec", {"q0": ["end0"]})
    assert quality.measure(more, str(run), (), 3, kept).settings.retriever == "r.trec"
    (folder / "qrels.tsv").write_text((folder / "qrels.tsv").read_text() + "q0\trise0\t1\n")
    changed = read_dataset(folder, DatasetConfig(queries=5))
    assert quality.measure(changed, str(run), (), 3, kept).data.digest == changed.digest


@pytest.mark.parametrize(
    ("written", "model", "options"),
    [
        ("small=embedded", "embedded", {}),
        ("exact=/models/mine@f32", "/models/mine", {"precision": "f32"}),
        ("odd=/models/me@home", "/models/me@home", {}),
    ],
)
def test_a_judge_may_have_a_precision(written: str, model: str, options: dict[str, str]) -> None:
    judge = quality.read_judge(written)
    assert (judge.name, judge.model, judge.options) == (written.partition("=")[0], model, options)


def test_tables_hold_the_means() -> None:
    systems = {name: {"nDCG@10": [value, 0, 1]} for name, value in (("BM25", 0.5), ("small", 0.75))}
    for row in systems.values():
        row |= {m: row["nDCG@10"] for m in ("RR@10", "Success@1", "Success@3")} | {"query_ms": {"p50": 1200.0, "p95": 2.0}}  # type: ignore[dict-item]
    sets = [
        {"set": "a", "queries": 7, "systems": systems, "differences": {"small - BM25": [0.25, 0.1, 0.4]}},
        {"set": "b", "queries": 7, "systems": systems, "differences": {"small - BM25": [-0.05, -0.2, -0.01]}},
    ]
    text = quality_tables.set_tables({"sets": sets})
    assert "| a | 7 | 0.500 | **0.750** |" in text
    assert "| small - BM25 | +0.100 | 1 | 1 |" in text
    assert "| ms a query, median | 1,200 | 1,200 |" in text
    side = {"answer": 0.9, "worst_answer": 0.2, "other": 0.4}
    traps = quality_tables.traps_table({"judges": ["small"], "traps": [{"question": "Q?", "small": side}]})
    assert "| Q? | **0.90 / 0.40** |" in traps
    assert "| an answer first | 1 of 1 |" in traps
    assert "| every answer above the rest | 0 of 1 |" in traps

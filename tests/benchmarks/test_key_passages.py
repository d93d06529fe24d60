"""The study of key passages: what is measured of a query, figures by hand, and a run that is stopped and goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from adjudge import Reranker
from adjudge.retrieval.dense import Embedder
from benchmarks import key_passages as study
from benchmarks import long_set
from benchmarks.key_passages import REFERENCE, Outcome, across, judge, make_methods, summary
from benchmarks.long_set import LongQuery
from tests.benchmarks.long_data import SETS, write_sets

FILLER = "The harbour was quiet, and nobody came to see the boats that lay there. "
PASSAGE = "Giant pandas eat bamboo, about forty kilograms of it a day."


def long_query(source: str = "made-up", query: str = "What do giant pandas eat?") -> LongQuery:
    """Three documents of sixty paragraphs; the last has the answer near its end."""
    paragraphs = [[FILLER * 2 + f"Boat {i} of {n}." for i in range(60)] for n in range(3)]
    paragraphs[2][50] = PASSAGE
    documents = tuple("\n\n".join(p) for p in paragraphs)
    start = documents[2].index(PASSAGE)
    return LongQuery(query, "en", documents, 2, (start, start + len(PASSAGE)), start / len(documents[2]), source)


def outcome(rank: int, *, seconds: float = 1.0) -> Outcome:
    return Outcome(rank=rank, found=True, seconds=seconds, cpu_seconds=2 * seconds, reduce_seconds=0.0, tokens=100)


def test_every_method_ranks_the_same_query(word_judge: Reranker) -> None:
    with Embedder() as embedder:
        methods = make_methods(word_judge, embedder)
        found = {method.name: judge(word_judge, long_query(), method) for method in methods}
    assert next(iter(found)) == REFERENCE
    assert (found[REFERENCE].rank, found[REFERENCE].found) == (1, True)
    assert not found["truncated at 512"].found
    reduced = [o for name, o in found.items() if name.startswith("key passages")]
    assert len(reduced) == 3
    assert all(o.rank == 1 and o.found and 0 < o.reduce_seconds < o.seconds for o in reduced)
    assert all(o.tokens < found["truncated at 512"].tokens < found[REFERENCE].tokens for o in reduced)
    assert found[REFERENCE].reduce_seconds == 0


def test_figures_are_means_and_paired_differences() -> None:
    rows = [{REFERENCE: outcome(1), "other": outcome(3, seconds=0.25)}, {REFERENCE: outcome(2), "other": outcome(2, seconds=0.25)}]
    found = summary(rows, ["en", "zh"])
    other = found["methods"]["other"]
    assert found["queries"] == 2
    assert other["Success@1"] == 0
    assert other["nDCG@10"] == pytest.approx((0.5 + 0.63093) / 2, abs=1e-4)
    assert other["times_faster"] == pytest.approx(4.0)
    assert other["times_less_cpu"] == pytest.approx(4.0)
    assert other["less_reference"]["nDCG@10"]["mean"] == pytest.approx(-0.25)
    assert other["less_reference"]["nDCG@10"]["standard_error"] == pytest.approx(0.25)
    assert other["by_language"]["en"]["nDCG@10"] == pytest.approx(0.5)
    assert found["methods"][REFERENCE]["less_reference"]["Success@1"] == {"mean": 0.0, "standard_error": 0.0}
    assert summary([], []) == {"queries": 0, "methods": {}}
    assert outcome(11).measure("nDCG@10") == 0


def test_questions_are_asked_in_another_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"en": "What do giant pandas eat?", "ru": "Что едят большие панды?"}
    for lang, text in asked.items():
        folder = tmp_path / f"xquad-{lang}"
        folder.mkdir()
        (folder / "corpus.jsonl").write_text(json.dumps({"_id": "d", "text": "x"}) + "\n", encoding="utf-8")
        (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": text}) + "\n", encoding="utf-8")
        (folder / "qrels.tsv").write_text("q\td\t1\n", encoding="utf-8")
    monkeypatch.setattr(study, "SETS", {"en": ("xquad-en", "other-en"), "fr": ("other-fr",), "ru": ("xquad-ru",)})
    found = across([long_query("other-en"), long_query("xquad-en")], tmp_path)
    assert [query.query for query in found] == [asked["ru"]]
    assert found[0].documents == long_query().documents


def test_a_run_is_written_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    data, kept, out = write_sets(tmp_path / "data"), tmp_path / "kept.jsonl", tmp_path / "out.json"
    for module in (study, long_set):
        monkeypatch.setattr(module, "SETS", SETS)
    command = ["key_passages", "--data", str(data), "--queries", "1", "--backend", "fake", "--kept", str(kept), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    study.main()
    first = json.loads(out.read_text(encoding="utf-8"))
    assert first["same_language"]["queries"] == 2
    assert first["across_languages"] == {"queries": 0, "methods": {}}
    assert list(first["same_language"]["methods"]) == first["methods"]
    lines = kept.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 3
    kept.write_text("".join(lines[:2]) + lines[2][:20], encoding="utf-8")
    capsys.readouterr()
    study.main()
    assert capsys.readouterr().out.count(" rank ") == len(first["methods"])
    assert kept.read_text(encoding="utf-8").splitlines(keepends=True)[:2] == lines[:2]
    monkeypatch.setattr(sys, "argv", [*command, "--seed", "9"])
    with pytest.raises(SystemExit, match="other settings"):
        study.main()

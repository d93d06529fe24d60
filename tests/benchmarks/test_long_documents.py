"""The study of long documents: figures by hand, judging against the public call, and what is written."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge import Reranker
from adjudge.config import EngineConfig, WindowConfig
from adjudge.engine.cache import MemoryCache
from adjudge.engine.engine import Engine
from benchmarks import long_documents as study
from benchmarks import long_set
from benchmarks.long_documents import METHODS, Method, hard_cuts, is_plain, judge
from benchmarks.long_report import CHOOSE, REPORT, Outcome, Row, block, summary, write_block
from benchmarks.long_set import LongQuery
from tests.benchmarks.long_data import SETS, write_sets
from tests.source import ROOT

PAGE = ROOT / "docs" / "long-documents.md"
FILLER = "The harbour was quiet, and nobody came to see the boats that lay there. "


@pytest.fixture
def engine(word_judge: Reranker) -> Engine:
    """The word judge's engine with a cache of its own. Not closed: it shares the backend."""
    return Engine(word_judge.model, word_judge.backend, word_judge.engine.tokeniser, EngineConfig(), cache=MemoryCache(20_000))


def long_query(answer_at: int) -> LongQuery:
    """Four documents of thirty paragraphs; the last document has the answer in the paragraph `answer_at`."""
    passage = "Giant pandas eat bamboo, about forty kilograms of it a day."
    paragraphs = [[FILLER * 2 + f"Boat {i} of {n}." for i in range(30)] for n in range(4)]
    paragraphs[3][answer_at] = passage
    documents = tuple("\n\n".join(p) for p in paragraphs)
    start = documents[3].index(passage)
    span = (start, start + len(passage))
    return LongQuery("What do giant pandas eat?", "en", documents, 3, span, sum(span) / 2 / len(documents[3]), "made-up")


def test_every_way_is_compared() -> None:
    names = [method.name for method in METHODS]
    assert len(set(names)) == len(names)
    assert {m.windows.aggregation for m in METHODS} == {"max", "mean", "first", "top_k_mean", "importance"}
    assert {m.max_length for m in METHODS} == {512, 256, 128}
    assert {m.windows.overlap_tokens for m in METHODS} == {None, 0, 64}
    assert {m.windows.mode for m in METHODS} == {"windows", "truncate"}
    assert "max" in names, "the reference"


def test_what_stands_behind_is_found_by_windows_and_lost_by_truncation(engine: Engine) -> None:
    found = judge(engine, long_query(28), METHODS)
    assert (found["truncate"].rank, found["truncate"].hit) == (4, False)
    assert (found["first"].rank, found["first"].hit) == (4, False)
    for name in ("max", "top_k_mean", "max 128", "max overlap 0", "max overlap 64", "max hard cuts", "importance T=0.25"):
        assert (found[name].rank, found[name].hit) == (1, True), name
    early = judge(engine, long_query(0), METHODS)
    assert (early["truncate"].rank, early["truncate"].hit) == (1, True)
    assert early["truncate"].tokens < early["max"].tokens < early["max overlap 64"].tokens
    assert early["max"].tokens < early["max 128"].tokens, "the query is read once more for each window"


def test_methods_agree_with_the_public_call(engine: Engine, word_judge: Reranker) -> None:
    query = long_query(14)
    found = judge(engine, query, METHODS)
    for method in METHODS:
        if method.max_length == word_judge.max_length and not method.hard:
            ranking = word_judge.rank(query.query, query.documents, windows=method.windows)
            place = next(i for i, r in enumerate(ranking) if r.index == query.answer)
            passage = ranking[place].passage
            hit = passage.start < query.span[1] and query.span[0] < passage.end
            assert (found[method.name].rank, found[method.name].hit) == (place + 1, hit), method.name
            assert found[method.name].tokens == ranking.usage.tokens


def test_each_window_is_computed_once(word_judge: Reranker) -> None:
    cache = MemoryCache(20_000)
    engine = Engine(word_judge.model, word_judge.backend, word_judge.engine.tokeniser, EngineConfig(), cache=cache)
    joined = [m for m in METHODS if m.max_length == 512 and m.windows.overlap_tokens is None and m.windows.mode == "windows" and not m.hard]
    judge(engine, long_query(3), joined[:1])
    windows = cache.statistics().misses
    assert windows == cache.statistics().entries > 8
    judge(engine, long_query(3), joined)
    assert len(joined) > 6
    assert cache.statistics().misses == windows


def test_hard_cuts_are_windows_without_borders(engine: Engine) -> None:
    """A text without sentences has nothing to look for, so both ways cut alike, and the numbers must be the engine's own."""
    words = [f"boat{i} harbour" for i in range(900)]
    words[500] = "pandas bamboo eat"
    query = LongQuery("What do giant pandas eat?", "en", (" ".join(words), "short"), 0, (0, 1), 0.0, "made-up")
    plain = Method("plain", 512, WindowConfig(overlap_tokens=16), hard=True)
    verdicts = engine.judge([(query.query, d) for d in query.documents], windows=plain.windows, max_length=512).verdicts
    assert verdicts[0].windows > 5
    for found, verdict in zip(hard_cuts(engine, query, plain), verdicts, strict=True):
        assert found.logit == verdict.logit
        assert found.passage == (verdict.start, verdict.end)
        assert found.tokens == verdict.pair_tokens


def row(lang: str, third: int, half: str, **ranks: int) -> Row:
    return Row(lang, "set", third, half, {name: Outcome(rank, rank == 1, 100 * rank) for name, rank in ranks.items()})


ROWS = [
    row("en", 0, CHOOSE, max=1, mean=2, truncate=1),
    row("zh", 2, CHOOSE, max=4, mean=1, truncate=1),
    row("en", 0, REPORT, max=1, mean=4, truncate=2),
    row("zh", 1, REPORT, max=2, mean=2, truncate=8),
]


def test_figures_by_hand() -> None:
    found = summary(ROWS)
    report = found[REPORT]["methods"]
    assert found[REPORT]["queries"] == found[CHOOSE]["queries"] == 2
    assert (report["max"]["Success@1"], report["max"]["RR"], report["max"]["hit"], report["max"]["tokens"]) == (0.5, 0.75, 0.5, 150.0)
    assert report["mean"]["RR"] == 0.375
    assert report["mean"]["less_reference"]["RR"]["mean"] == -0.375
    assert report["truncate"]["by_language"]["zh"]["RR"] == 0.125
    assert report["truncate"]["by_third"] == {
        "beginning": pytest.approx(report["truncate"]["by_language"]["en"]),
        "middle": pytest.approx(report["truncate"]["by_language"]["zh"]),
    }
    assert report["max"]["less_reference"]["RR"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert found["chosen"] == "mean", "0.75 against 0.625 where one chooses, though not where one reports; truncation joins nothing"


def test_what_is_kept_comes_back() -> None:
    assert [Row.from_json(json.loads(json.dumps(r.as_json()))) for r in ROWS] == ROWS


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=30))
def test_the_interval_holds_the_mean(ranks: list[tuple[int, int]]) -> None:
    found = summary([row("en", 0, half, max=a, mean=b) for a, b in ranks for half in (CHOOSE, REPORT)])
    less = found[REPORT]["methods"]["mean"]["less_reference"]["RR"]
    assert less["low"] - 1e-9 <= less["mean"] <= less["high"] + 1e-9
    assert less["mean"] == pytest.approx(np.mean([1 / b - 1 / a for a, b in ranks]))


@pytest.mark.parametrize("benchmark", ["long-documents", "long-cost"])
def test_the_page_shows_what_is_stored(benchmark: str) -> None:
    stored = ROOT / "benchmarks" / "results" / f"{benchmark}.json"
    results = json.loads(stored.read_text(encoding="utf-8")) if stored.is_file() else None
    page = PAGE.read_text(encoding="utf-8")
    between = page.partition(f"<!-- {benchmark}: written by the benchmark -->\n")[2].partition(f"\n<!-- end of {benchmark} -->")[0]
    assert between == block(benchmark, results)
    assert between


def test_the_pages_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"[2-9] windows, \d{4} tokens", lines[0])
    assert re.fullmatch(r"True \d+ \(\(\d+, \d+\),\)", lines[-1])


def test_tables_are_written_between_the_marks(tmp_path: Path) -> None:
    page, stored = tmp_path / "page.md", tmp_path / "found.json"
    page.write_text("before\n<!-- long-documents: written by the benchmark -->\nold\n<!-- end of long-documents -->\nafter\n")
    assert write_block("long-documents", stored, page) == page
    assert "Not measured yet" in page.read_text()
    measured = {"documents": 8, "characters": {"min": 2000.0, "max": 20000.0}}
    about = {"set": measured, "model": "embedded", "runs_in": "fake", "measured": "2026-01-02T03:04:05Z"}
    stored.write_text(json.dumps({**about, **summary(ROWS)}))
    write_block("long-documents", stored, page)
    text = page.read_text()
    assert text.startswith("before\n<!-- long")
    assert text.endswith("\n<!-- end of long-documents -->\nafter\n")
    assert "old" not in text
    assert "2 queries (2 languages, 8 documents each, 2,000 to 20,000 characters), embedded in fake, measured 2026-01-02" in text
    assert "| `mean` | 0.000 | 0.375 | -0.375 [-0.750, +0.000] | 0.000 | 300 |" in text
    assert "| `truncate` | 0.500 | 0.125 | 0.500 | 0.125 |" in text
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="has no marks"):
        write_block("long-documents", stored, page)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of a run on made-up sets, with three methods."""
    monkeypatch.setattr(long_set, "SETS", SETS)
    monkeypatch.setattr(study, "METHODS", [m for m in METHODS if m.name in ("truncate", "max", "mean 256")])
    data = write_sets(tmp_path / "data")
    files = ["--kept", str(tmp_path / "build" / "kept.jsonl"), "--out", str(tmp_path / "found.json")]
    return ["study", "--data", str(data), "--backend", "fake", "--queries", "2", *files]


def test_a_whole_run_and_its_continuation(small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", small)
    study.main()
    whole = json.loads((tmp_path / "found.json").read_text())
    assert whole["set"]["sources"] == {"told": 1, "untold": 3}
    assert whole[REPORT]["queries"] == whole[CHOOSE]["queries"] == 2
    assert whole[REPORT]["methods"]["max"]["RR"] == 1.0, "the word that is asked for stands in one window alone"
    kept = tmp_path / "build" / "kept.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    assert len(lines) == 5
    kept.write_text("".join(lines[:3]) + lines[3][:40])  # as if stopped while it wrote
    judged: list[str] = []
    monkeypatch.setattr(study, "judge", lambda engine, query, methods: judged.append(query.query) or judge(engine, query, methods))
    study.main()
    assert len(judged) == 2
    again = json.loads((tmp_path / "found.json").read_text())
    assert {**again, "measured": ""} == {**whole, "measured": ""}
    monkeypatch.setattr(sys, "argv", [*small, "--seed", "2"])
    with pytest.raises(SystemExit, match="holds a run with other settings"):
        study.main()


@pytest.mark.parametrize(("given", "said"), [([], "--data DIR is needed"), (["--data", ".", "--queries", "1"], "at least 2")])
def test_what_cannot_be_measured_is_said(
    given: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ADJUDGE_BENCH_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["study", *given])
    with pytest.raises(SystemExit):
        study.main()
    assert said in capsys.readouterr().err


def test_plain_windows_leave_the_others_out(small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [*small, "--windows", "plain"])
    study.main()
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["methods"] == ["truncate", "max"]
    assert "other windows" not in block("long-documents", found)
    assert [m.name for m in METHODS if not is_plain(m)][-3:] == ["max overlap 0", "max overlap 64", "max hard cuts"]

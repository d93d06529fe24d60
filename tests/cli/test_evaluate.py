"""`adjudge evaluate`: what it says first, what it writes, and what it ends with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge.cli.evaluate_view import show_evaluation
from adjudge.errors import InputError
from adjudge.evaluate.assemble import MeasureConfig, assemble
from adjudge.evaluate.experiment import ExperimentConfig
from adjudge.evaluate.peers import RerankerSpec
from adjudge.evaluate.result import Cost, Evaluation, Latency, from_json, load_evaluation
from tests.cli.conftest import Ended, Run
from tests.cli.printed import figures, printed
from tests.evaluate.beir_folder import write_beir
from tests.evaluate.small_data import computed, dataset, write_run
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]

RIVERS = 24


@pytest.fixture
def quick(tiny_folder: Folders) -> str:
    return str(tiny_folder(Tiny(family="roberta")))


@pytest.fixture
def rivers(tmp_path: Path) -> Path:
    return write_beir(tmp_path / "rivers", rivers=RIVERS)


@pytest.fixture
def run(adjudge: Run, quick: str) -> Run:
    """`adjudge evaluate` with a model that judges by word overlap."""
    return lambda *arguments: adjudge("evaluate", *arguments, "--rerank", quick, "--backend", "fake", "--resamples", "200")


def one_line(ended: Ended, code: int) -> str:
    """The only line that a refusal says."""
    assert (ended.code, ended.out, len(ended.notes)) == (code, "", 1), ended
    return ended.err.strip().removeprefix("adjudge: error: ")


def right_run(path: Path) -> Path:
    """A first stage that is right, as far as that goes; word overlap prefers the passage that repeats the question."""
    return write_run(path, {f"q{n}": [f"end{n}", f"rise{n}"] for n in range(RIVERS)})


def wrong_run(path: Path) -> Path:
    """A first stage that puts something senseless before the answer, which word overlap puts right."""
    return write_run(path, {f"q{n}": [f"end{(n + 1) % RIVERS}", f"end{n}"] for n in range(RIVERS)})


def test_where_reranking_hurts_it_says_so_first_and_the_gate_is_shut(run: Run, rivers: Path, tmp_path: Path) -> None:
    first = right_run(tmp_path / "right.trec")
    ended = run(rivers, "--retriever", first)
    assert ended.code == 0
    assert ended.lines[0].startswith("Reranking hurts here: nDCG@10 1.000 -> 0.631 (-0.369, 95 % interval ")
    assert "worst losses" in ended.out
    shut = run(rivers, "--retriever", first, "--fail-under-gain", "0")
    assert shut.code == 13
    assert "--fail-under-gain 0: the gain in nDCG@10 is -0.36" in shut.err
    assert shut.lines[0].startswith("Reranking hurts here")


def test_where_it_helps_the_gate_is_open_as_far_as_the_gain_goes(run: Run, rivers: Path, tmp_path: Path) -> None:
    first = wrong_run(tmp_path / "wrong.trec")
    ended = run(rivers, "--retriever", first, "--fail-under-gain", "0.3")
    assert ended.code == 0, ended
    assert ended.lines[0].startswith("Reranking helps here: nDCG@10 0.63 -> 0.97 (+0.34, 95 % interval ")
    assert run(rivers, "--retriever", first, "--fail-under-gain", "0.4").code == 13


def test_a_gain_that_may_be_none_does_not_open_the_gate(run: Run, tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "few", rivers=5)
    first = write_run(
        tmp_path / "mixed.trec", {f"q{n}": ["end4", f"end{n}"] if n == 0 else [f"end{n}", f"end{(n + 1) % 5}"] for n in range(5)}
    )
    ended = run(folder, "--retriever", first, "--fail-under-gain", "0.01")
    assert ended.lines[0].startswith("Cannot tell with 5 queries: ")
    assert ended.code == 13
    assert "and may be none: its interval begins at +0.0000" in ended.err


def test_the_result_is_written_whole_and_the_journal_is_gone(run: Run, rivers: Path, tmp_path: Path, quick: str) -> None:
    out = tmp_path / "deep" / "r.json"
    ended = run(rivers, "--json", out, "--candidates", "7", "--measures", "RR@10, Success@3", "--seed", "3", "--worst", "2")
    assert (ended.code, f"wrote {out}" in ended.err) == (0, True)
    found = load_evaluation(out)
    assert (found.settings.candidates, found.settings.measures, found.settings.main) == (7, ("RR@10", "Success@3"), "RR@10")
    assert (found.settings.seed, found.settings.resamples, found.settings.rerankers) == (3, 200, (quick,))
    assert len(found.comparisons[0].worst_losses) <= 2
    assert found.verdict.sentence == ended.lines[0]
    assert [path.name for path in out.parent.iterdir()] == ["r.json"]
    assert found.machine.versions["adjudge"]


def test_a_dash_writes_it_to_standard_output(run: Run, rivers: Path, tmp_path: Path) -> None:
    ended = run(rivers, "--json", "-", "--queries", "4", "--candidates", "3")
    assert len(from_json(ended.out).queries) == from_json(ended.out).settings.queries == 4
    assert not list(tmp_path.glob("*journal*"))


def test_a_report(run: Run, rivers: Path, tmp_path: Path) -> None:
    ended = run(rivers, "--queries", "6", "--candidates", "3", "--report", tmp_path / "deep" / "r.html")
    assert ended.code == 0
    page = (tmp_path / "deep" / "r.html").read_text(encoding="utf-8")
    assert ended.lines[0].split(":")[0] in page


def test_ids_of_any_characters(adjudge: Run, tmp_path: Path) -> None:
    """Half a character killed the process, and two ids that differ after a NUL were one."""
    folder = tmp_path / "odd"
    folder.mkdir()
    ids = ["\ud800x", "a\0b", "a\0c"]
    rows = "".join(f"{json.dumps({'_id': one, 'text': f'thing {n}'})}\n" for n, one in enumerate(ids))
    for name in ("corpus.jsonl", "queries.jsonl"):
        (folder / name).write_text(rows, encoding="utf-8")
    (folder / "qrels.tsv").write_text("a\0b\ta\0b\t1\na\0c\ta\0c\t1\n", encoding="utf-8")
    out, page = tmp_path / "r.json", tmp_path / "r.html"
    ended = adjudge("evaluate", folder, "--json", out, "--report", page, "--resamples", "200")
    assert ended.code == 0, ended
    assert load_evaluation(out).first_stage.per_query["RR@10"] == (1.0, 1.0)
    assert page.exists()


def test_a_csv_file_and_two_rerankers_one_at_a_time(adjudge: Run, tmp_path: Path, tiny_folder: Folders) -> None:
    path = tmp_path / "pairs.csv"
    rows = [f"what is thing{n},thing{n} is here,1\nwhat is thing{n},nothing of that kind,0" for n in range(12)]
    path.write_text("query,passage,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    names = [str(tiny_folder(Tiny(family=family))) for family in ("roberta", "bert")]
    ended = adjudge(
        "evaluate", path, "--rerank", ",".join(names), "--backend", "fake", "--one-at-a-time", "--json", "-", "--resamples", "200"
    )
    found = from_json(ended.out)
    assert found.settings.rerankers == tuple(names)
    assert not found.settings.interleaved
    assert [(c.kind, c.system) for c in found.comparisons] == [("gain", names[0]), ("gain", names[1]), ("rival", names[1])]


def test_without_a_reranker_the_first_stage_is_measured(adjudge: Run, rivers: Path) -> None:
    ended = adjudge("evaluate", rivers)
    assert ended.code == 0
    assert ended.lines[0].startswith("No reranker was named; the first stage reaches nDCG@10 ")


def test_problems_of_the_data_are_listed(run: Run, tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "rivers", rivers=6, grades=["q1\tend1\t1", "nobody\tend1\t1", "q2\tgone\t1"])
    ended = run(folder, "--candidates", "3")
    for line in (
        "data: 1 judgement given before, for the same query and document (qrels.tsv:7)",
        "data: 1 query judged but not in the queries; each counts as zero (nobody)",
        "data: 1 document judged but not in the corpus; relevant ones count as missed (gone)",
    ):
        assert line in ended.lines
    quiet = run(folder, "--candidates", "3", "--quiet")
    assert "data: " not in quiet.out
    assert quiet.err == ""
    assert quiet.lines[0].split(",")[0] == ended.lines[0].split(",")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--fail-under-gain", "0.1"), 4, "--fail-under-gain needs a reranker"),
        (("--rerank", "a", "--fail-under-gain", "nan"), 4, "--fail-under-gain must be a finite number, not nan"),
        (("--rerank", "a", "--fail-under-gain", "-inf"), 4, "--fail-under-gain must be a finite number, not -inf"),
        (("--retriever", "google"), 4, "'google' is no first stage"),
        (("--candidates", "0"), 4, "candidates must be a whole number"),
        (("--measures", "nDGC@10"), 4, "'nDGC@10' is no measure"),
        (("--measures", ","), 4, "name one measure at least"),
        (("--rerank", ","), 4, "--rerank names no reranker"),
        (("--rerank", "a", "--rerank", "a"), 4, "'a' is named twice"),
        (("--rerank", "a,b", "--revision", "main"), 4, "--revision belongs to one model"),
        (("--rerank", "nowhere/at-all/three"), 6, "nowhere/at-all/three"),
        (("--peer-python", "python"), 4, "must be LIBRARY=PYTHON"),
        (("--peer-python", "http-tei=python"), 4, "must be LIBRARY=PYTHON"),
        (("--qrels", "gone.tsv"), 3, "gone.tsv cannot be read"),
        (("--json", "."), 4, "--json . is a folder"),
        (("--json", "x.html", "--report", "x.html"), 4, "name the same file"),
        (("--queries", "0"), 4, "queries must be a whole number of 1 or more, not 0"),
        (("--relevant-from", "0"), 4, "--relevant-from must be a whole number"),
        (("--resamples", "5"), 4, "resamples must be"),
        (("--least-gain", "0"), 4, "--least-gain must be"),
    ],
)
def test_refusals_come_in_one_line(adjudge: Run, rivers: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    assert message in one_line(adjudge("evaluate", rivers, *arguments), code)


def test_what_is_read_is_never_written_over(adjudge: Run, rivers: Path, tmp_path: Path) -> None:
    """By whichever name: what is read once would be lost for good."""
    rows = tmp_path / "rows.csv"
    rows.write_text("query,passage,label\nq,a river,1\nq,b,0\n", encoding="utf-8")
    first, qrels, other = right_run(tmp_path / "right.trec"), rivers / "qrels.tsv", tmp_path / "other.journal"
    other.write_bytes(qrels.read_bytes())
    (tmp_path / "link.csv").symlink_to(rows)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for arguments in (
        (rows, "--json", rows),
        (rows, "--report", rows),
        (tmp_path / "link.csv", "--json", rows),
        (rivers, "--json", rivers / "corpus.jsonl"),
        (rivers, "--report", rivers / "queries.jsonl"),
        (rivers, "--json", qrels),
        (rivers, "--retriever", first, "--report", first),
        (rivers, "--qrels", other, "--report", other),
        (rivers, "--qrels", other, "--json", tmp_path / "other", "--restart"),
    ):
        assert "which is read; name another file" in one_line(adjudge("evaluate", *arguments), 4), arguments
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_report_that_cannot_be_written_is_told_before_the_work(adjudge: Run, rivers: Path, tmp_path: Path) -> None:
    target = rivers / "qrels.tsv" / "report.html"
    assert f"{target} cannot be written: " in one_line(adjudge("evaluate", rivers, "--report", target, "--json", tmp_path / "r.json"), 4)
    assert not (tmp_path / "r.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["rivers"], "nothing was begun"


def test_the_verdict_is_said_before_the_report_is_written(
    adjudge: Run, rivers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that becomes full meanwhile: what was found is not lost."""

    def full(path: Path, evaluation: Evaluation) -> Path:
        raise InputError(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr("adjudge.evaluate.report.write_report", full)
    ended = adjudge("evaluate", rivers, "--report", tmp_path / "r.html")
    assert (ended.code, "No space left" in ended.err) == (3, True)
    assert ended.lines[0].startswith("No reranker was named; the first stage reaches nDCG@10 ")


def made(
    *, queries: int = 60, languages: bool = True, name: str = "BAAI/bge-reranker-v2-m3", measures: tuple[str, ...] | None = None
) -> Evaluation:
    said = {f"q{n}": "zh" if n % 2 else "en" for n in range(queries)} if languages else None
    data = dataset({f"q{n}": {"d0": 1, "d1": 0} for n in range(queries)}, languages=said)
    first = {f"q{n}": ["d1", "d0", "d2"] for n in range(queries)}
    scores = {q: [0.2, 0.9, 0.1] if at % 5 else [0.9, 0.1, 0.5] for at, q in enumerate(first)}
    raw = computed(data, first, {name: scores, "second": dict.fromkeys(first, [0.9, 0.1, 0.5])})
    specs = tuple(RerankerSpec(name=n, adapter="adjudge", model=n) for n in (name, "second"))
    return assemble(data, raw, ExperimentConfig(rerankers=specs), MeasureConfig(measures=measures, resamples=200))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_tables_keep_their_names_and_numbers_at_any_width(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    show_evaluation(console, made())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    tables = [line for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert all(cell_len(line) <= width for line in tables if "paired over" not in line and "nDCG@10 1" not in line)
    text = "\n".join(lines)
    titles = ("nDCG@10 by language",) if width >= 80 else ()  # in a narrow terminal it takes two lines
    for word in ("bm25", "second", *titles, "zh", "95 % interval", "ms a query", "worst losses"):
        assert word in text
    assert "…" not in "\n".join(tables)


MANY = ("nDCG@10", "nDCG@100", "RR@10", "Success@1", "Success@3", "AP", "R@10", "R@100", "R@1000")


def test_no_figure_and_no_title_is_cut_at_any_width() -> None:
    found = timed(made(name="somebody/reranker-of-a-long-name", measures=MANY))
    wide = printed(lambda console: show_evaluation(console, found, quiet=True), 300)
    titles = ("95 % interval", "wins", "ties", "losses", "ms a query", "95 % below", "ms a pair", "memory", "loaded in", "queries", "after")
    for width in range(40, 81):
        narrow = printed(lambda console: show_evaluation(console, found, quiet=True), width)
        assert not figures(wide) - figures(narrow), width
        assert [word for word in narrow.split() if word in MANY[1:]] == list(MANY[1:]), width
        assert [title for title in titles if title not in narrow] == [], width
        assert narrow.count("bm25") >= wide.count("bm25"), width


def timed(found: Evaluation) -> Evaluation:
    spread = Latency(p50=1234.5, p95=2345.6, mean=1300.0, count=60)
    cost = Cost(query_ms=spread, pair_ms=spread, pairs=600, load_ms=12_300.0, memory_mib=1789.0)
    return replace(found, systems=tuple(replace(system, cost=cost) for system in found.systems))


def test_escape_codes_in_texts_do_not_reach_the_terminal() -> None:
    console = Console(file=io.StringIO(), width=100)
    show_evaluation(console, made(name="bad\x1b[31mname\u202e"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_json_keeps_what_the_screen_leaves_out(run: Run, rivers: Path) -> None:
    shown = json.loads(run(rivers, "--json", "-", "--queries", "5", "--candidates", "4").out)
    (_, system) = shown["systems"]
    assert len(system["per_query"]["nDCG@10"]) == 5
    assert system["cost"]["query_ms"]["count"] == 5
    assert system["cost"]["pairs"] == 20
    assert system["cost"]["load_ms"] > 0
    assert sum(map(sum, (system["scores"]["distribution"][kind] for kind in ("relevant", "irrelevant", "unjudged")))) == 20

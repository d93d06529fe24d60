"""`adjudge monitor`: a reference from whatever there is, a report against it, and what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge.cli import monitor as monitor_module
from adjudge.cli.monitor_report import compare_with
from adjudge.cli.monitor_rows import ScoredQuery
from adjudge.cli.monitor_view import shares_line, show_reference, show_report
from adjudge.monitor import DriftConfig, load_reference, write_reference
from adjudge.server.protocols.choose import NATIVE
from tests.cli.conftest import Ended, Run, adjudge, fake
from tests.cli.printed import figures, printed
from tests.evaluate.beir_folder import write_beir
from tests.monitor.drawn_scores import drawn, reference_of
from tests.server.protocols.answers import ANSWER, RANKING, plain

__all__ = ["adjudge", "fake"]  # fixtures of the command line's own tests

QUERIES = 60


@pytest.fixture
def run(adjudge: Run) -> Run:
    return lambda *arguments, **more: adjudge("monitor", *arguments, **more)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    write_reference(tmp_path / "reference.json", reference_of(drawn(300, seed=1)))
    return tmp_path / "reference.json"


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def scored(queries: int, *, seed: int, shift: float = 0.0, **said: str) -> list[dict[str, Any]]:
    return [{"scores": row, **said} for row in drawn(queries, seed=seed, shift=shift).tolist()]


def questions(count: int) -> list[dict[str, Any]]:
    """Word overlap judges these: the first document holds more or fewer of the query's words."""
    words = ["river", "stone", "cloud", "lamp", "garden", "winter", "paper", "silver", "bridge", "music"]
    return [
        {
            "query": " ".join(words[: 2 + i % 7]),
            "documents": [" ".join(words[: i % 5]) + " bread", {"text": f"{words[i % 10]} and {words[i % 3]}"}, "nothing of it"],
        }
        for i in range(count)
    ]


def refusal(ended: Ended, code: int) -> str:
    assert (ended.code, ended.out) == (code, ""), ended
    return ended.notes[-1].removeprefix("adjudge: error: ")


def test_a_reference_of_questions_that_are_judged_now(run: Run, fake: tuple[str, ...], tmp_path: Path) -> None:
    data, target = write(tmp_path / "questions.jsonl", questions(QUERIES)), tmp_path / "deep" / "reference.json"
    ended = run("baseline", data, "--out", target, *fake)
    assert (ended.code, ended.err) == (0, "")
    assert "alarms above these, of the last 200 / 1,000 queries" in ended.out
    reference = load_reference(target)
    origin = reference.origin
    assert (origin.model, origin.runtime, origin.data) == (fake[1], "fake cpu f32", ("questions.jsonl",))
    assert (reference.queries, reference.quantities["score"].sketch.n) == (QUERIES, 3 * QUERIES)
    assert origin.created > 1_600_000_000


def test_the_same_questions_are_no_change_and_others_are(run: Run, fake: tuple[str, ...], tmp_path: Path) -> None:
    data, target = write(tmp_path / "questions.jsonl", questions(200)), tmp_path / "reference.json"
    assert run("baseline", data, "--out", target, *fake, "--json").code == 0
    backend = fake[2:]
    same = json.loads(run("report", data, "--baseline", target, *backend, "--json").out)
    assert (same["drifting"], same["queries"], same["differences"], same["model"]) == (False, 200, [], fake[1])
    assert all(one["psi"] == pytest.approx(0, abs=1e-9) for one in same["quantities"].values())
    off = write(tmp_path / "off.jsonl", [row | {"query": "quantum chromodynamics of the early universe"} for row in questions(200)])
    moved = json.loads(run("report", off, "--baseline", target, *backend, "--json").out)
    assert moved["drifting"]
    assert moved["quantities"]["top_score"]["exceeded"]
    assert moved["quantities"]["top_score"]["median"] < moved["quantities"]["top_score"]["reference_median"]


def answered_by_the_service(scores: list[float]) -> Any:
    """The whole body of POST /rerank; its `results` are for other clients, and hold no `score`."""
    (best, *_), (worse,) = RANKING.results, RANKING.dropped
    results = tuple(replace(best, index=n, score=score) for n, score in enumerate(scores[:5]))
    dropped = tuple(replace(worse, index=n, score=score) for n, score in enumerate(scores[5:], 5))
    answer = replace(ANSWER, ranking=replace(RANKING, results=results, dropped=dropped))
    return plain(NATIVE.answer(answer, {"return_documents": True, "return_similarity": False}))


def test_rankings_of_the_command_and_of_the_service_are_read(run: Run, tmp_path: Path) -> None:
    said = {"model": "embedded", "revision": "abc", "score_type": "sigmoid"}
    rows: list[dict[str, Any]] = []
    for i, row in enumerate(drawn(QUERIES, seed=1).tolist()):
        results = [{"index": n, "score": score} for n, score in enumerate(row)]
        printed = {"query": "q", "results": results[:5], "dropped": results[5:], **said}
        rows.append(printed if i % 2 else answered_by_the_service(row))
    whole = tmp_path / "rankings.json"
    whole.write_text(json.dumps(rows), encoding="utf-8")
    shown = json.loads(run("baseline", whole, "--out", tmp_path / "a.json", "--json").out)
    assert {name: shown[name] for name in said} == said
    assert load_reference(tmp_path / "a.json").quantities == reference_of(drawn(QUERIES, seed=1)).quantities
    one = tmp_path / "one.json"
    one.write_text(json.dumps(rows[0]), encoding="utf-8")
    assert json.loads(run("report", one, "--baseline", tmp_path / "a.json", "--json").out)["queries"] == 1


def test_a_folder_in_beirs_layout(run: Run, fake: tuple[str, ...], tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "set", rivers=60)
    ended = run("baseline", folder, "--out", tmp_path / "a.json", "--candidates", "5", *fake)
    assert (ended.code, ended.err) == (0, "")
    assert load_reference(tmp_path / "a.json").queries == 60
    said = refusal(run("baseline", folder, "--out", tmp_path / "b.json", "--queries", "20", *fake), 3)
    assert "needs the scores of 50 queries" in said


@pytest.mark.parametrize("name", ["scores.jsonl/r.json", "/proc/adjudge/r.json", "n" * 300])
def test_a_place_that_cannot_be_written_to_is_refused_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(monitor_module, "_scored", lambda *_, **__: pytest.fail("queries were read"))
    data = write(tmp_path / "scores.jsonl", scored(QUERIES, seed=1))
    said = refusal(run("baseline", data, "--out", tmp_path / name, "--model", "mine", "--score-type", "sigmoid"), 4)
    assert "cannot be written" in said
    assert list(tmp_path.iterdir()) == [data]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_the_reference_is_shown_though_writing_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adjudge.monitor.write_reference", full)
    data = write(tmp_path / "scores.jsonl", scored(QUERIES, seed=1))
    ended = run("baseline", data, "--out", tmp_path / "r.json", "--model", "mine", "--score-type", "sigmoid", *options)
    assert ended.code == 4
    assert ended.notes[-1].endswith("cannot be written: No space left on device")
    assert "median" in ended.out
    assert "written" not in ended.out, "there is no such file"


def test_bare_scores_need_a_model_and_a_score_type(run: Run, tmp_path: Path) -> None:
    data, target = write(tmp_path / "scores.jsonl", scored(QUERIES, seed=1)), tmp_path / "reference.json"
    assert "which model made the scores" in refusal(run("baseline", data, "--out", target), 3)
    assert "what its scores are" in refusal(run("baseline", data, "--out", target, "--model", "mine"), 3)
    assert not target.exists()
    ended = run("baseline", data, "--out", target, "--model", "mine", "--revision", "abc", "--score-type", "calibrated")
    assert (ended.code, ended.err) == (0, "")
    origin = load_reference(target).origin
    assert (origin.model, origin.revision, origin.score_type) == ("mine", "abc", "calibrated")
    assert run("baseline", data, "--out", target, "--model", "mine", "--score-type", "cosine").code == 2


def test_a_file_that_is_there_is_not_replaced(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "scores.jsonl", scored(QUERIES, seed=1, model="m", score_type="sigmoid"))
    target = write(tmp_path / "reference.json", ["mine"])
    assert "is there already; --force replaces it" in refusal(run("baseline", data, "--out", target), 4)
    assert target.read_text(encoding="utf-8") == "mine\n"
    assert "is a folder" in refusal(run("baseline", data, "--out", tmp_path), 4)
    assert run("baseline", data, "--out", target, "--force", "--quiet").code == 0
    assert load_reference(target).queries == QUERIES


def test_a_baseline_does_not_replace_what_it_is_made_of(run: Run, tmp_path: Path) -> None:
    data = write(tmp_path / "scores.jsonl", scored(QUERIES, seed=1, model="m", score_type="sigmoid"))
    before, link = data.read_bytes(), tmp_path / "link.json"
    link.symlink_to(data)
    for target in (data, link):
        assert f"--out {target} is {data}, which is read" in refusal(run("baseline", data, "--out", target, "--force"), 4)
    assert data.read_bytes() == before


def test_one_reference_is_of_one_judge(run: Run, tmp_path: Path) -> None:
    rows = [*scored(QUERIES, seed=1, model="a", score_type="sigmoid"), *scored(1, seed=2, model="b", score_type="sigmoid")]
    said = refusal(run("baseline", write(tmp_path / "s.jsonl", rows), "--out", tmp_path / "r.json"), 3)
    assert f"are of a and the sigmoid scores of {tmp_path}/s.jsonl:61 are of b" in said


@pytest.mark.parametrize("pipe", [True, False])
def test_the_report_tells_when_it_began(run: Run, stored: Path, tmp_path: Path, pipe: bool) -> None:
    rows = [*scored(500, seed=5), *scored(500, seed=6, shift=-2)]
    data = write(tmp_path / "log.jsonl", rows)
    ended = run("report", "-", "--baseline", stored, stdin=data.read_bytes()) if pipe else run("report", data, "--baseline", stored)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("moved  judge r1")
    assert "alarm from query 6" in ended.out
    assert "to the end" in ended.out


def test_no_change_is_said_in_so_many_words(run: Run, stored: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "log.jsonl", scored(600, seed=5))
    ended = run("report", data, "--baseline", stored)
    assert ended.lines[0].startswith("no change  judge r1  reference of 300 queries, 6,000 sigmoid scores, 2023-11-14")
    assert "no alarm in 9 looks" in ended.out
    shown = json.loads(run("report", data, "--baseline", stored, "--json").out)
    assert (shown["drifting"], shown["sliding"]["looks"], shown["sliding"]["alarms"]) == (False, 9, [])
    assert sum(shown["quantities"]["score"]["shares"]) == pytest.approx(1, abs=0.01)


def test_what_does_not_match_the_reference_is_said(run: Run, stored: Path, tmp_path: Path) -> None:
    other = scored(300, seed=5, model="other", score_type="sigmoid")
    ended = run(
        "report", write(tmp_path / "log.jsonl", [*other, *scored(7, seed=5, model="judge", score_type="logit")]), "--baseline", stored
    )
    assert ended.code == 0
    assert "note: the reference was made with model 'judge', and the scores come from 'other'" in ended.out
    assert "note: 7 queries with another score type left out" in ended.out
    only = write(tmp_path / "only.jsonl", scored(9, seed=1, score_type="logit"))
    assert "no query has sigmoid scores" in refusal(run("report", only, "--baseline", stored), 3)


def test_no_more_queries_than_asked_for(run: Run, stored: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "log.jsonl", scored(30, seed=5))
    assert json.loads(run("report", data, "--baseline", stored, "--queries", "20", "--json").out)["queries"] == 20
    assert "queries must be 1 or more, not 0" in refusal(run("report", data, "--baseline", stored, "--queries", "0"), 4)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "a row must be an object, not list"),
        ({"query": "q"}, "a row needs scores, results, or a query and its documents"),
        ({"query": " ", "documents": ["d"]}, "'query' must be a text"),
        ({"query": "q", "documents": "d"}, "'documents' must be a list"),
        ({"scores": [0.5, None]}, "a score must be a finite number, not None"),
        ({"scores": [True]}, "a score must be a finite number, not True"),
        ({"results": [0.5]}, "a result must be an object with a score"),
        ({"results": [{}]}, "a score must be a finite number"),
        ({"scores": [1.5]}, "are these really sigmoid scores"),
    ],
)
def test_a_bad_row_is_named_by_its_line(run: Run, stored: Path, tmp_path: Path, row: object, said: str) -> None:
    data = write(tmp_path / "log.jsonl", [*scored(3, seed=1), row])
    found = refusal(run("report", data, "--baseline", stored), 3)
    assert said in found
    assert f"{data}:4" in found
    if "really" not in said:
        assert json.loads(run("report", data, "--baseline", stored, "--skip-bad-rows", "--json").out)["queries"] == 3


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_refused(run: Run, stored: Path, tmp_path: Path, content: str) -> None:
    data = tmp_path / "log.jsonl"
    data.write_text(content, encoding="utf-8")
    assert "holds no queries" in refusal(run("report", data, "--baseline", stored), 3)
    assert "cannot be read" in refusal(run("report", tmp_path / "none.jsonl", "--baseline", stored), 3)
    assert "cannot be read" in refusal(run("report", tmp_path / "none.json", "--baseline", stored), 3)
    assert "reference" in refusal(run("report", data, "--baseline", data), 3)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_table_keeps_within_the_terminal(width: int) -> None:
    reference = reference_of(drawn(100, seed=1))
    queries = [
        ScoredQuery(place="x:1", scores=tuple(row), model="judge", revision="r1", score_type="sigmoid")
        for row in drawn(100, seed=2, shift=-2).tolist()
    ]
    console = Console(file=io.StringIO(), width=width)
    show_report(console, compare_with(reference, queries, DriftConfig(step_queries=25, short_queries=50, long_queries=100)), reference)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    table = [line for line in lines if line.startswith("  ")]
    assert max(map(cell_len, table)) <= width
    assert any("top score" in line for line in table)


def test_no_figure_of_a_reference_is_cut_at_any_width() -> None:
    reference = reference_of(drawn(100, seed=1))
    wide = printed(lambda console: show_reference(console, reference, Path("ref.json")), 300)
    for width in range(40, 81):
        narrow = printed(lambda console: show_reference(console, reference, Path("ref.json")), width)
        assert not figures(narrow) - figures(wide), width
        assert [title for title in ("median", "PSI alarms", "KS alarms") if title not in narrow] == [], width
        assert narrow.count(" / ") == wide.count(" / "), width
        assert "…" not in narrow, width


def test_shares_are_drawn_against_what_was_there() -> None:
    assert shares_line([0.1, 0.0, 0.3], [0.1, 0.1, 0.1], plain=False) == "▅▁█"
    assert shares_line([0.1, 0.0, 0.3], [0.1, 0.1, 0.1], plain=True) == "=_#"
    assert shares_line([0.5], [0.0], plain=False) == "█"

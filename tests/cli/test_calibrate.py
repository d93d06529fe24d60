"""`adjudge calibrate`: what it says, what it writes and what it refuses."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from adjudge.cli import calibrate as calibrate_module
from adjudge.cli.calibrate_report import Calibrated
from adjudge.cli.calibrate_view import ReliabilityBar, show_calibrated
from adjudge.evaluate.calibration import calibrate
from adjudge.evaluate.calibration_error import Bin
from adjudge.models.calibration import load_calibration
from adjudge.models.load import load_model
from tests.cli.conftest import Ended, Run
from tests.cli.printed import figures
from tests.evaluate.beir_folder import write_beir
from tests.evaluate.drawn import drawn, word_rows
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]

QUERIES = 60


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write(tmp_path / "rows.jsonl", word_rows(QUERIES))


@pytest.fixture
def run(adjudge: Run, fake: tuple[str, ...]) -> Run:
    """`adjudge calibrate` on the quick model."""
    return lambda *arguments: adjudge("calibrate", *arguments, *fake)


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def one_line(ended: Ended, code: int) -> str:
    """The only line that a refusal says."""
    assert (ended.code, ended.out, len(ended.notes)) == (code, "", 1), ended
    return ended.err.strip().removeprefix("adjudge: error: ")


def made(*, knows: bool = True, before: bool = False) -> Calibrated:
    pairs = drawn(3000, temperature=1.0, bias=-1.0)
    logits = pairs.logits if knows else -pairs.logits
    report = calibrate(logits, pairs.relevant, pairs.queries)
    names = ("mlqa-dev-en", "熊猫.jsonl")
    return Calibrated(report=report, model="models/mine", revision="", runtime="openvino cpu int8", calibrated_before=before, data=names)


def picture(found: Calibrated, width: int, **options: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show_calibrated(console, found, options.pop("target", None), None, **options)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


def test_it_reports_and_writes_nothing(run: Run, rows: Path, tmp_path: Path) -> None:
    ended = run(rows)
    assert (ended.code, ended.err) == (0, "")
    assert ended.lines[0].startswith("calibrated  ")
    text = ended.out
    for word in ("rows.jsonl", "expected calibration error", "before", "after", "best F1", "recall:0.9", "0.0-0.1", "nothing was written"):
        assert word in text
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_json_holds_all_of_it(run: Run, rows: Path) -> None:
    shown = json.loads(run(rows, "--json").out)
    assert (shown["separates"], shown["why_not"], shown["file"], shown["picture"]) == (True, "", None, None)
    assert shown["fitted_on"]["queries"] + shown["measured_on"]["queries"] == QUERIES
    assert shown["fitted_on"]["pairs"] + shown["measured_on"]["pairs"] == 4 * QUERIES
    assert shown["after"]["expected_error"] < shown["before"]["expected_error"]
    assert {row["rule"] for row in shown["recommended"]} >= {"keep all", "best F1", "precision:0.9", "recall:0.9"}
    assert shown["cutoffs"]
    assert shown["temperature"] > 0


def test_out_keeps_it_and_does_not_overwrite(run: Run, rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "kept"
    shown = json.loads(run(rows, "--out", folder, "--json").out)
    path = folder / "calibration.json"
    assert shown["file"] == str(path)
    kept = load_calibration(path)
    assert (kept.temperature, kept.bias, len(kept.cutoffs)) == (shown["temperature"], shown["bias"], len(shown["cutoffs"]))
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["data"], stored["runtime"], stored["separates"]) == (["rows.jsonl"], "fake cpu f32", True)
    path.write_text("mine", encoding="utf-8")
    assert "is there already; --force replaces it" in one_line(run(rows, "--out", folder), 4)
    assert path.read_text(encoding="utf-8") == "mine"
    ended = run(rows, "--out", folder, "--force")
    assert ended.code == 0
    assert load_calibration(path) == kept
    assert f"calibration={str(path)!r}" in ended.out


def test_write_keeps_it_beside_the_model(adjudge: Run, rows: Path, tiny_folder: Folders, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder(Tiny(family="roberta")), tmp_path / "model")
    options = ("--model", folder, "--backend", "fake")
    ended = adjudge("calibrate", rows, "--write", *options)
    assert (ended.code, ended.err) == (0, "")
    assert f"Reranker({str(folder)!r})" in ended.out, "no option is needed to use it"
    calibration = load_model(folder).calibration
    assert calibration.fitted
    assert calibration.cutoffs
    assert "is there already" in one_line(adjudge("calibrate", rows, "--write", *options), 4)
    again = json.loads(adjudge("calibrate", rows, "--write", "--force", "--json", *options).out)
    assert again["calibrated_before"] is True
    assert again["before"] == again["after"], "what it brought was fitted on the same pairs"


def test_write_spares_what_is_not_the_users(adjudge: Run, rows: Path, tmp_path: Path, tiny_folder: Folders) -> None:
    assert "the installed package; keep it elsewhere with --out" in one_line(adjudge("calibrate", rows, "--write"), 4)
    missing = adjudge("calibrate", rows, "--write", "--model", "BAAI/bge-reranker-v2-m3")
    assert "is no folder on this machine; keep it elsewhere" in one_line(missing, 4)
    snapshot = tmp_path / "hub" / "models--a--b" / "snapshots" / ("0" * 40)
    shutil.copytree(tiny_folder(Tiny(family="roberta")), snapshot)
    (tmp_path / "link").symlink_to(snapshot)
    for folder in (snapshot, tmp_path / "link"):
        assert "belongs to the hub's cache" in one_line(adjudge("calibrate", rows, "--write", "--model", folder), 4)
    named = adjudge("calibrate", rows, "--write", "--model", tmp_path / "hub", "--cache-dir", tmp_path / "hub")
    assert "belongs to the hub's cache" in one_line(named, 4)
    shipped = Path(calibrate_module.__file__).parents[1] / "models" / "embedded"
    assert "installed package" in one_line(adjudge("calibrate", rows, "--write", "--force", "--model", shipped), 4)
    assert not (snapshot / "calibration.json").exists()


def test_no_cut_off_separates_is_said_plainly(run: Run, tmp_path: Path) -> None:
    """Every counterexample repeats the question, and no answer does: the fake judge has it upside down."""
    folder = write_beir(tmp_path / "rivers", rivers=70)
    ended = run(folder, "--candidates", "4")
    assert ended.code == 0
    assert ended.lines[0].startswith("calibrated, but no cut-off separates")
    assert "no cut-off separates: the scores are upside down" in ended.out
    assert "precision:0.9" not in ended.out
    shown = json.loads(run(folder, "--candidates", "4", "--json", "--out", tmp_path / "kept").out)
    assert (shown["separates"], shown["cutoffs"]) == (False, [])
    assert load_calibration(tmp_path / "kept").cutoffs == ()


def test_a_picture(run: Run, rows: Path, tmp_path: Path) -> None:
    ended = run(rows, "--picture", tmp_path / "new" / "rel.png")
    assert ended.code == 0
    assert (tmp_path / "new" / "rel.png").read_bytes().startswith(b"\x89PNG")
    assert "picture  " in ended.out


def test_a_picture_of_bins_that_hold_relevant_pairs_alone(tmp_path: Path) -> None:
    sharp = drawn(3000, temperature=0.1)
    report = calibrate(sharp.logits, sharp.relevant, sharp.queries)
    found = Calibrated(report=report, model="mine", revision="", runtime="fake", calibrated_before=False, data=("a",))
    found.draw(tmp_path / "rel.png")
    assert (tmp_path / "rel.png").is_file()


IMPOSSIBLE = ("rows.jsonl/x", "rows.jsonl/x/y", "/proc/adjudge", "n" * 300, "taken")


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_place_that_cannot_be_written_to_is_refused_before_any_work(
    run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(calibrate_module, "_fit", lambda *_, **__: pytest.fail("a model was asked"))
    (tmp_path / "taken" / "calibration.json").mkdir(parents=True)
    (tmp_path / "taken" / "rel.png").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for options in (("--out", tmp_path / name, "--force"), ("--picture", tmp_path / name / "rel.png")):
        assert "cannot be written" in one_line(run(rows, *options), 4)
    assert sorted(tmp_path.rglob("*")) == before


def test_asking_whether_a_place_can_be_written_to_leaves_nothing_there(run: Run, tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", word_rows(3))
    assert run(few, "--out", tmp_path / "a" / "b", "--picture", tmp_path / "c" / "rel.png").code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["few.jsonl"]


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("failing", ["write", "draw"])
def test_the_report_is_shown_though_writing_fails(
    run: Run, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], failing: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Calibrated, failing, full)
    ended = run(rows, "--out", tmp_path / "kept", "--picture", tmp_path / "rel.png", *options)
    assert ended.code == 4
    assert ended.notes[-1].endswith("cannot be written: No space left on device")
    assert "recall:0.9" in ended.out
    assert (tmp_path / "kept").exists() == (failing == "draw"), "what all pairs were judged for does not go with a picture"
    assert "nothing was written" not in ended.out


def test_quiet_leaves_the_tables(run: Run, rows: Path) -> None:
    loud, quiet = run(rows), run(rows, "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert len(quiet.lines) < len(loud.lines)
    assert "nothing was written" not in quiet.out


def below_the_data(ended: Ended) -> list[str]:
    """The report without its head, which names files."""
    return ended.lines[next(i for i, line in enumerate(ended.lines) if "fitted on" in line) :]


def test_bad_rows_stop_it_or_are_left_out(run: Run, rows: Path, tmp_path: Path) -> None:
    bad = ["{", '{"query": "q", "passage": "p", "label": NaN}', '{"query": "q", "passage": "p"}']
    path = write(tmp_path / "more.jsonl", [*rows.read_text(encoding="utf-8").splitlines(), *bad])
    message = one_line(run(path), 3)
    assert message.startswith("3 rows cannot be used; mend them, or leave them out with --skip-bad-rows")
    assert [f"{path}:{QUERIES + line}: " in message for line in (1, 2, 3)] == [True] * 3
    ended = run(path, "--skip-bad-rows")
    assert ended.code == 0
    assert [f"{path}:{QUERIES + line}: " in note for line, note in zip((1, 2, 3), ended.notes, strict=True)] == [True] * 3
    assert below_the_data(ended) == below_the_data(run(rows)), "what is left is calibrated as before"
    assert any("more.jsonl" in line for line in ended.lines)


@pytest.mark.parametrize(
    ("lines", "options", "code", "message"),
    [
        (None, (), 3, "cannot be read: No such file"),
        ([], (), 3, "is empty"),
        ([{"query": f"q{n}", "passage": "p", "label": 1} for n in range(200)], (), 3, "200 relevant and 0 irrelevant pairs"),
        ([{"query": f"q{n}", "positive": "p", "negative": "n"} for n in range(20)], (), 3, "needs 50 of each at least"),
        ([{"query": "q", "positive": [f"p{n}" for n in range(60)], "negative": [f"n{n}" for n in range(60)]}], (), 3, "belong to 1 query"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--queries", "0"), 4, "queries must be a whole number"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--candidates", "0"), 4, "candidates must be a whole number"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--relevant-from", "nan"), 4, "--relevant-from must be a finite number"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--picture", "rel.doc"), 4, "needs an ending"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--write", "--out", "x"), 2, "exclude each other"),
        ([{"query": "q", "passage": "p", "label": 1}], ("--queries", "many"), 2, "--queries"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistakes(run: Run, tmp_path: Path, lines: list[Any] | None, options: tuple[str, ...], code: int, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    if lines is not None:
        write(path, lines)
    assert message in one_line(run(path, *options), code)


def test_folders_that_are_no_data(run: Run, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no corpus.jsonl" in one_line(run(tmp_path / "empty"), 3)
    assert "is a file; name a folder" in one_line(run(rows, "--out", rows), 4)
    assert run().code == 2


@pytest.mark.parametrize(("package", "options"), [("matplotlib.figure", ("--picture", "a.png")), ("bm25s", ())])
def test_a_missing_package_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, options: tuple[str, ...]
) -> None:
    folder = write_beir(tmp_path / "rivers")
    monkeypatch.setitem(sys.modules, package, None)
    assert "pip install" in one_line(run(folder, *options), 5)


@pytest.mark.parametrize("width", [60, 80, 120, 300])
@pytest.mark.parametrize("knows", [True, False])
def test_it_fits_the_terminal(width: int, knows: bool) -> None:
    tables = picture(made(knows=knows), width, quiet=True)
    assert max(cell_len(line) for line in tables) <= width
    for word in ("0.9-1.0" if knows else "0.3-0.4", "Brier score", "found"):
        assert any(word in line for line in tables), word
    assert any("before" in line and "found" in line for line in tables) == (width >= 72), "a narrow terminal has room for one diagram"


@pytest.mark.parametrize("knows", [True, False])
def test_no_figure_and_no_title_is_cut_at_any_width(knows: bool) -> None:
    found = made(knows=knows)
    wide = "\n".join(picture(found, 300, quiet=True))
    titles = ("before", "after", "score", "pairs", *(("threshold", "cut-off", "precision", "recall", "F1", "kept") if knows else ()))
    for width in range(40, 81):
        narrow = "\n".join(picture(found, width, quiet=True))
        assert not figures(narrow) - figures(wide), width
        assert figures(narrow).total() >= figures(wide).total() - (20 if width < 72 else 0), "without half of the diagram"
        assert "…" not in narrow, width
        assert [title for title in titles if title not in narrow.split()] == [], width


def test_what_is_said_below() -> None:
    def said(found: Calibrated, **options: Any) -> str:
        return "\n".join(picture(found, 300, **options))

    assert '"before" is with it' in said(made(before=True))
    assert '"before" is with it' not in said(made())
    assert "no threshold will tell" in said(made(knows=False))
    own = said(made(), target=Path("models/mine/calibration.json"))
    assert "Reranker('models/mine').rank(query, documents, threshold=\"precision:0.9\")" in own
    assert "calibration='out/calibration.json'" in said(made(), target=Path("out/calibration.json"))


def test_the_bar_of_a_bin() -> None:
    def bar(found: float, said: float, *, plain: bool) -> str:
        return ReliabilityBar(Bin(low=0, high=1, pairs=1, said=said, found=found, least=0, most=1), 11).text(plain=plain)

    assert bar(0.5, 0.8, plain=True) == "#####   |  "
    assert bar(0.8, 0.5, plain=True) == "#####|##   "
    assert bar(0.0, 0.0, plain=False) == "│          "
    assert bar(1.0, 1.0, plain=False) == "██████████│"

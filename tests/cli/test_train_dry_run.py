"""`adjudge train --dry-run`: what a run would do, bad rows and all, with nothing trained and nothing written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from adjudge.train import read_config
from adjudge.train.survey import survey
from tests.cli.conftest import Ended, Run
from tests.cli.training import pairs, write_rows, write_run
from tests.tiny_models import Tiny


@pytest.fixture
def base(tiny_folder: Callable[[Tiny], Path]) -> Path:
    return tiny_folder(Tiny(family="xlm-roberta"))


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path: Path) -> Iterator[None]:
    yield
    assert not (tmp_path / "out").exists()


def shown(ended: Ended) -> str:
    """The printed page with its line breaks taken for spaces."""
    return " ".join(ended.out.split())


def test_what_the_run_would_do(adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    config = write_run(tmp_path, base=base, data="dev_share = 0.2\ndev = []", run="epochs = 2")
    ended = adjudge("train", config, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    for part in (
        "train 6 12 100%",
        "en 2, zh 1, es 1, ru 1, fr 1",
        f"base {base}, at most 64 tokens a pair (",
        "measured on 1 group, of 1 held back",
        "a step 2 groups, about ",
        "the run 6 steps, about ",
        "2 times through the data",
        f"output {tmp_path / 'out'}",
    ):
        assert part in shown(ended), part


def test_the_estimate_is_what_training_counts(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base, run="steps = 3")
    told = json.loads(adjudge("train", config, "--dry-run", "--json", "--output", tmp_path / "run").out)
    assert told["tokens"]["steps_read"] == 3
    trained = json.loads(adjudge("train", config, "--json", "--output", tmp_path / "run").out)
    assert trained["tokens"] == pytest.approx(told["tokens"]["per_step"] * 3)


def test_options_count_here_too(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base="./nowhere")
    told = json.loads(adjudge("train", config, "--dry-run", "--json", "--base", base, "--steps", "40", "--output", tmp_path / "x").out)
    assert (told["base"], told["steps"], told["output"], told["resumes"]) == (str(base), 40, str(tmp_path / "x"), False)


def test_a_checkpoint_that_would_be_gone_on_from_is_told(adjudge: Run, base: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "checkpoint.pt").write_bytes(b"")
    ended = adjudge("train", write_run(tmp_path, base=base), "--dry-run", "--output", tmp_path / "x")
    assert "the run would go on from it" in shown(ended)


def test_several_files_and_their_shares(adjudge: Run, base: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "more.jsonl", [{"query": "a", "document": "b", "label": 1}])
    config = write_run(tmp_path, base=base)
    text = config.read_text(encoding="utf-8").replace('train = "train.jsonl"', 'train = ["train.jsonl", "more.jsonl"]\nshares = [3, 1]')
    config.write_text(text, encoding="utf-8")
    told = json.loads(adjudge("train", config, "--dry-run", "--json").out)
    assert [(Path(f["path"]).name, f["use"], f["groups"], f["passages"], f["alone"], f["share"]) for f in told["files"]] == [
        ("train.jsonl", "train", 6, 12, 0, 0.75),
        ("more.jsonl", "train", 1, 1, 1, 0.25),
        ("dev.jsonl", "dev", 3, 6, 0, 0.0),
    ]
    assert told["files"][1]["languages"] == {}
    assert "alone 1 group with a single passage: only loss.pointwise learns from those" in shown(adjudge("train", config, "--dry-run"))


def test_every_bad_row_is_named_and_the_code_is_the_runs(adjudge: Run, base: Path, tmp_path: Path) -> None:
    rows = [{"query": f"q{i}", "document": "d", "label": 7} for i in range(15)] + pairs()
    config = write_run(tmp_path, base=base, rows=rows)
    ended = adjudge("train", config, "--dry-run")
    assert ended.code == 3
    assert ended.notes == ['adjudge: error: 15 rows cannot be used; mend them, or go on without them with data.on_bad_rows = "report"']
    assert [f"  {tmp_path / 'train.jsonl'}:{line}: a grade of 7 lies outside 0..1" in ended.out for line in range(1, 18)] == (
        [True] * 15 + [False] * 2
    )
    told = json.loads(adjudge("train", config, "--dry-run", "--json").out)
    assert [(row["path"], row["line"]) for row in told["bad"]] == [(str(tmp_path / "train.jsonl"), line) for line in range(1, 16)]
    reported = adjudge("train", write_run(tmp_path, base=base, rows=rows, data='on_bad_rows = "report"'), "--dry-run")
    assert (reported.code, reported.err) == (0, "")
    assert "15 rows that cannot be used" in reported.out


def test_a_file_without_a_single_good_row(adjudge: Run, base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base, rows=["nothing", "at all"], data='on_bad_rows = "report"')
    ended = adjudge("train", config, "--dry-run")
    assert ended.code == 3
    assert ended.notes == [f"adjudge: error: {tmp_path / 'train.jsonl'} holds no usable row"]
    assert f"{tmp_path / 'train.jsonl'}:2: " in ended.out


def test_losses_that_would_learn_nothing_are_told(base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base, loss="kl = 0.5\naspects = 0.1\nmargin_mse = 0")
    assert [note.split(" ")[0] for note in survey(read_config(config)).notes] == ["loss.kl", "loss.aspects"]
    scored = [{**row, "positive": [row["positive"]], "positive_scores": [2.0]} for row in pairs()]
    assert [note.split(" ")[0] for note in survey(read_config(write_run(tmp_path, base=base, rows=scored, loss="kl = 1"))).notes] == []


def test_pairs_that_are_too_long_are_counted(base: Path, tmp_path: Path) -> None:
    rows = [{"query": "What do pandas eat?", "positive": "bamboo " * 200, "negative": "No."}]
    found = survey(read_config(write_run(tmp_path, base=base, rows=rows)))
    assert found.tokens is not None
    assert (found.tokens.cut, found.tokens.max_length) == (0.5, 64)


def test_a_base_that_is_not_here_is_not_fetched(adjudge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    config = write_run(tmp_path, base="someone/something")
    ended = adjudge("train", config, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "note: someone/something is not on this machine yet, so its tokens are not counted" in shown(ended)
    assert "tokens" not in shown(ended).split("a step")[1].split("the run")[0]
    headless = adjudge("train", write_run(tmp_path, base="someone/something", model="new_head = true"), "--dry-run")
    assert "a body that has no head yet" in shown(headless)
    assert adjudge("train", write_run(tmp_path, base="./nowhere"), "--dry-run").code == 6


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_the_page_fits(adjudge: Run, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ended = adjudge("train", write_run(tmp_path, base=base), "--dry-run")
    assert ended.code == 0
    assert max(map(cell_len, ended.lines[1:])) <= int(columns)


def test_neither_this_nor_the_import_needs_torch(base: Path, tmp_path: Path) -> None:
    config = write_run(tmp_path, base=base)
    code = (
        "import sys; import adjudge; light = 'adjudge.train' not in sys.modules; "
        "from adjudge.train import read_config, train; from adjudge.cli.main import main; "
        f"code = main(['train', {str(config)!r}, '--dry-run', '--json']); "
        "print([code, light, [m for m in ('torch', 'transformers', 'openvino', 'matplotlib', 'ir_measures') if m in sys.modules]])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, encoding="utf-8", timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "[0, True, []]"

"""docs/training.md and examples/training say what is: keys and defaults, forms of rows, files, and code that runs."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from adjudge.cli.main import main
from adjudge.train import DataConfig, LoraConfig, LossConfig, ModelConfig, OptimiserConfig, RunConfig, TrainConfig, read_config
from adjudge.train.rows import parse_row, read_groups
from adjudge.train.supervision import ASPECTS, Shaping, aspects_of_kind
from tests.source import ROOT
from tests.tiny_models import Tiny

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "training"

TABLES = {
    "[model]": ModelConfig,
    "[model.lora]": LoraConfig,
    "[data]": DataConfig,
    "[data.shaping]": Shaping,
    "[loss]": LossConfig,
    "[optimiser]": OptimiserConfig,
    "[run]": RunConfig,
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """From a heading to the next one."""
    return re.split(r"^#+ ", PAGE.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def table(title: str) -> dict[str, list[str]]:
    """{first cell without its backticks: the other cells} of the table below a heading."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section(title).splitlines() if line.startswith("|")]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def default(field: dataclasses.Field[object]) -> str:
    """A field's default as TOML has it."""
    if field.default_factory is not dataclasses.MISSING:
        return "as below"
    if field.default is dataclasses.MISSING:
        return "needed"
    if field.default is None:
        return "none"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"


@pytest.mark.parametrize("title", TABLES)
def test_every_key_stands_in_its_table_with_its_default(title: str) -> None:
    shown = {key: cells[0] for key, cells in table(title).items()}
    assert list(shown.items()) == [(field.name, default(field)) for field in dataclasses.fields(TABLES[title])]
    assert all(len(cells) == 2 and cells[1].endswith(".") for cells in table(title).values())


def test_there_is_a_table_for_every_part() -> None:
    assert {title.strip("[]") for title in TABLES if "." not in title} == {field.name for field in dataclasses.fields(TrainConfig)}
    assert re.findall(r"^### (\[.+\])$", PAGE, re.MULTILINE) == list(TABLES)


def test_every_loss_is_explained() -> None:
    assert set(table("Which loss for what")) == {field.name for field in dataclasses.fields(LossConfig)} - {"kl_temperature"}


def test_the_rows_on_the_page_can_be_used() -> None:
    rows = [json.loads(line) for block in blocks("json") for line in block.splitlines()]
    groups = [parse_row(row) for row in rows]
    assert {key for row in rows for key in row} >= {
        "document",
        "positive",
        "pos",
        "documents",
        "passages",
        "grades",
        "scores",
        "pos_scores",
    }
    assert any(item.aspects.contradiction for group in groups for item in group.items)


def test_every_kind_of_passage_is_named() -> None:
    kinds = re.findall(r"`(\w+)`", section("Rows").split("Kinds:")[1].split(".")[0])
    assert len(kinds) == 7
    for kind in kinds:
        aspects_of_kind(kind, covered=0, intents=1)


def test_every_aspect_is_explained() -> None:
    assert all(f"- `{aspect}`: " in section("More than relevant or not") for aspect in ASPECTS)


def test_settings_on_the_page_can_be_read(tmp_path: Path) -> None:
    assert blocks("toml")
    for block in blocks("toml"):
        path = tmp_path / "page.toml"
        path.write_text(f'data.train = "a.jsonl"\nrun.output = "out"\n{block}', encoding="utf-8")
        assert read_config(path).model.lora is not None


def test_the_pip_line_brings_what_a_run_asks_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named, waiting = set(), ["train"]
    while waiting:
        for line in extras[waiting.pop()]:
            inner = re.match(r"adjudge\[(.+)\]", line)
            waiting.extend(inner[1].split(",") if inner else ())
            named.add(re.split(r"[><=\[]", line)[0])
    assert named - {"adjudge"} == set(re.findall(r"[\w-]+", PAGE.split("\nbrings ")[1].split(" (")[0])) - {"and"}
    assert blocks("bash")[0] == 'pip install "adjudge[train]"\n'


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_example_shows_every_form_in_five_languages() -> None:
    rows = [json.loads(line) for line in (EXAMPLE / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    found = read_groups(EXAMPLE / "train.jsonl")
    assert found.bad == ()
    assert f"holds {len(rows)} hand-written rows" in PAGE
    assert f"{len(found.groups)} questions" in (EXAMPLE / "train.toml").read_text(encoding="utf-8")
    assert {row["lang"] for row in rows} == {"en", "zh", "es", "fr", "ru"}
    keys = {key for row in rows for key in row} | {
        key for row in rows for d in row.get("documents", ()) if isinstance(d, dict) for key in d
    }
    assert keys >= {"document", "label", "positive", "negative", "pos", "neg", "pos_scores", "neg_scores", "grades", "scores"}
    assert keys >= {"coverage", "contradiction", "terminology", "intents", "passages"}
    kinds = {passage["kind"] for row in rows for passage in row.get("passages", ())}
    assert kinds == {"answer", "partial", "cross", "trap", "contradiction", "near_term", "related"}
    texts = [(group.query, item.text) for group in found.groups for item in group.items]
    assert len(set(texts)) == len(texts)


def test_commands_on_the_page_name_files_that_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("adjudge")]
    assert len(lines) == 2
    for line in lines:
        _, command, config, *options = shlex.split(line)
        assert (command, options) in (("train", ["--dry-run"]), ("train", []))
        assert (ROOT / config).is_file()
    assert main(["train", str(EXAMPLE / "train.toml"), "--dry-run"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for part in (
        "38 122 100%",
        "at most 192 tokens a pair (no pair is longer)",
        "8 groups, of 8 held back",
        "12 steps, about 10,939 tokens",
    ):
        assert part in printed
        assert part in " ".join(PAGE.split())


def test_a_run_of_the_example_leaves_what_the_page_says(tiny_folder: Callable[[Tiny], Path], tmp_path: Path) -> None:
    base = tiny_folder(Tiny(family="xlm-roberta"))
    config = tmp_path / "train.toml"
    shutil.copyfile(EXAMPLE / "train.jsonl", tmp_path / "train.jsonl")
    text = (EXAMPLE / "train.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("[run]", '[run]\nthreads = 1\nprecision = "f32"'), encoding="utf-8")
    assert main(["train", str(config), "--base", str(base), "--steps", "3", "--quiet"]) == 0
    output = tmp_path / "run"
    for name in table("What a run leaves"):
        assert (output / name).exists(), name
    assert {path.name for path in output.iterdir()} == {name.split("/")[0] for name in table("What a run leaves")}


@pytest.mark.slow
def test_the_python_on_the_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "training", ignore=shutil.ignore_patterns("run"))
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks("python")), encoding="utf-8")
    environment = {**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("\n0.5\n-0.5\n", "('What does a visa cost', 'how long does it take?')", "cannot be claimed", "1 questions, "):
        assert part in done.stdout

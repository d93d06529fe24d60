"""`adjudge index`: what it prints, what it refuses, and that every setting can be given."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from adjudge.cli.exit_codes import CONFIG, INDEX, INPUT, OK, USAGE
from adjudge.retrieval.index import IndexConfig
from adjudge.retrieval.reading import ReadConfig, SplitConfig, WalkConfig
from tests.cli.conftest import Ended, Run


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Two texts, and something that is none."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "panda.md").write_text("# Pandas\n\nA giant panda eats bamboo.\n", encoding="utf-8")
    (folder / "熊猫.txt").write_text("大熊猫主要以竹子为食。", encoding="utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing more")
    return folder


@pytest.fixture
def built(adjudge: Run, docs: Path, tmp_path: Path) -> Ended:
    """The first build of an index of them."""
    return adjudge("index", "build", docs, "--index", tmp_path / "index")


def test_a_build_says_what_it_did(built: Ended) -> None:
    assert built.code == OK
    assert built.rows == [["2", "0", "0", "0", "1", "2"]]
    assert [note for note in built.notes if "broken.pdf" in note]


def test_a_second_build_finds_nothing_to_do(adjudge: Run, built: Ended, docs: Path, tmp_path: Path) -> None:
    ended = adjudge("index", "build", docs, "--index", tmp_path / "index", "--json", "--quiet")
    report = json.loads(ended.out)
    assert (ended.code, ended.err) == (OK, "")
    assert (report["unchanged"], report["embedded"], report["passages"], report["stopped"]) == (2, 0, 2, False)
    assert [(item["source"], item["reason"]) for item in report["skipped"]] == [("broken.pdf", "damaged")]


def test_info_lists_the_files(adjudge: Run, built: Ended, tmp_path: Path) -> None:
    ended = adjudge("index", "info", tmp_path / "index", "--check")
    assert ended.code == OK
    assert [(name, passages) for name, passages, _ in ended.rows] == [("panda.md", "1"), ("熊猫.txt", "1")]
    held = json.loads(adjudge("index", "info", tmp_path / "index", "--json").out)
    assert held["facts"]["model"] == "embedded"
    assert held["facts"]["splitting"] == {"max_tokens": 256, "min_tokens": 32}
    assert (held["passages"], len(held["files"]), held["unfinished"]) == (2, 2, [])


def test_other_settings_are_refused_until_it_is_made_anew(adjudge: Run, built: Ended, docs: Path, tmp_path: Path) -> None:
    command = ("index", "build", docs, "--index", tmp_path / "index", "--max-tokens", "100")
    refused = adjudge(*command)
    assert refused.code == INDEX
    assert "max_tokens was 256, now 100" in refused.err
    assert "--rebuild" in refused.err
    assert adjudge(*command, "--rebuild").rows == [["2", "0", "0", "0", "1", "2"]]


def test_damage_is_told_and_mended(adjudge: Run, built: Ended, docs: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "index" / "passages.lance" / "data").iterdir():
        path.unlink()
    for command in (("info", tmp_path / "index"), ("build", docs, "--index", tmp_path / "index")):
        ended = adjudge("index", *command)
        assert ended.code == INDEX
        assert "--rebuild" in ended.err
    assert adjudge("index", "build", docs, "--index", tmp_path / "index", "--rebuild").code == OK


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("info", "nowhere"), INDEX),
        (("build", "nowhere", "--index", "index"), INPUT),
        (("build", ".", "--index", "index"), INPUT),  # an empty folder
        (("build", ".", "--index", "index", "--max-tokens", "2"), CONFIG),
        (("build", "."), USAGE),
        (("build", "--index", "index"), USAGE),
    ],
)
def test_mistakes(adjudge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int) -> None:
    monkeypatch.chdir(tmp_path)
    ended = adjudge("index", *arguments)
    assert (ended.code, len(ended.notes), ended.out) == (code, 1, "")
    assert not (tmp_path / "index").exists()


class SeenError(Exception):
    """Everything was seen."""


NAMED_OTHERWISE = {"max_bytes": "--max-mib", "ann_from": None, "walking": None, "reading": None, "splitting": None}
"""None: a group of settings, or (ann_from) one that only measurements need."""


@pytest.mark.parametrize(
    ("written", "group", "name", "value"),
    [
        ("--hidden", "walking", "hidden", True),
        ("--no-ignore-files", "walking", "ignore_files", False),
        ("--follow-links", "walking", "follow_links", True),
        ("--text-field answer", "reading", "text_field", "answer"),
        ("--title-field head", "reading", "title_field", "head"),
        ("--max-mib 2", "reading", "max_bytes", 2 * 1024 * 1024),
        ("--max-tokens 100", "splitting", "max_tokens", 100),
        ("--min-tokens 0", "splitting", "min_tokens", 0),
        ("--rebuild", "", "rebuild", True),
        ("--prune", "", "prune", True),
    ],
)
def test_what_is_written_arrives(
    adjudge: Run, docs: Path, monkeypatch: pytest.MonkeyPatch, written: str, group: str, name: str, value: object
) -> None:
    seen: list[IndexConfig] = []

    def record(_paths: object, _index: object, settings: IndexConfig, **_: object) -> None:
        seen.append(settings)
        raise SeenError

    monkeypatch.setattr("adjudge.retrieval.index.build_index", record)
    monkeypatch.setattr("adjudge.retrieval.dense.Embedder", Silent)
    adjudge("index", "build", docs, "--index", "index", *written.split())
    held = seen[0]
    assert getattr(getattr(held, group) if group else held, name) == value
    assert held != IndexConfig()


class Silent:
    """Stands where the bi-encoder would be loaded."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_every_setting_can_be_given_or_is_left_out_on_purpose(adjudge: Run) -> None:
    shown = adjudge("index", "build", "--help").out
    for kind in (IndexConfig, WalkConfig, ReadConfig, SplitConfig):
        for setting in fields(kind):
            option = NAMED_OTHERWISE.get(setting.name, f"--{setting.name.replace('_', '-')}")
            assert option is None or option in shown, setting.name


def test_pictures_and_links_are_only_counted(adjudge: Run, docs: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "style.css", "Makefile"):
        (docs / name).write_bytes(b"x")
    (docs / "again.md").symlink_to(docs / "panda.md")
    (docs / "old.txt").write_bytes("La paella lleva arroz y azafr\xe1n, y sabe bien.".encode("latin-1"))
    ended = adjudge("index", "build", docs, "--index", tmp_path / "index")
    assert ended.code == OK
    said = "\n".join(ended.notes)
    assert "4 files of kinds that no reader knows (2 .png, 1 .css, 1 no ending)" in said
    assert "1 symbolic links; --follow-links" in said
    assert "old.txt: not UTF-8" in said
    assert "a.png" not in said

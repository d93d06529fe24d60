"""What a command will write is tried beforehand, and leaves nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adjudge.cli.loading import check_cascade
from adjudge.cli.writable import check_writable, refuse_read, writing
from adjudge.errors import ConfigError


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "r.json")
    check_writable(tmp_path / "r.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["file/r.json", "a\0b", "x" * 300, "."])
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written: "):
        check_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_commands_that_begin_together_do_not_refuse_each_other(tmp_path: Path) -> None:
    targets = [tmp_path / "new" / "deep" / f"{at}.json" for at in range(8)]

    def begin(target: Path) -> None:
        for _ in range(100):
            check_writable(target)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, targets))


def test_folders_are_not_made_where_another_command_would_meet_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[bool] = []
    touch = Path.touch

    def meanwhile(path: Path) -> None:
        there.append((tmp_path / "new").exists())
        touch(path)

    monkeypatch.setattr(Path, "touch", meanwhile)
    check_writable(tmp_path / "new" / "deep" / "r.json")
    assert there == [False]


def test_a_bug_is_not_told_as_a_wrong_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="yerr") as raised, writing(tmp_path / "x.png"):
        raise ValueError("'yerr' must not contain negative values")
    assert not isinstance(raised.value, ConfigError)


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"--out .*link is .*data, which is read"):
        refuse_read("--out", tmp_path / "link", [tmp_path / "missing", tmp_path / "data"])
    refuse_read("--out", tmp_path / "other", [tmp_path / "data"])


def test_one_of_several_models_may_be_the_first_judge_of_the_others() -> None:
    given = {"first": "embedded", "keep": 20, "budget_ms": None}
    check_cascade(given, ["embedded", "BAAI/bge-reranker-v2-m3"])
    with pytest.raises(ConfigError, match="Leave --first out"):
        check_cascade(given, ["embedded"])

"""The journal keeps what was done, whatever happens to the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.evaluate.journal import Journal


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "j"
    with Journal(path, fingerprint="f") as journal:
        assert not journal.resumed
        journal.add("judged", {"n": 1})
        journal.add("session", {"n": 2})
        journal.add("judged", {"n": 3})
    with Journal(path, fingerprint="f") as journal:
        assert journal.resumed
        assert [record["n"] for record in journal.kept("judged")] == [1, 3]
        journal.finish()
    assert not path.exists()


def test_a_line_that_was_torn_is_cut_off_wherever_the_tear_is(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, fingerprint="f") as journal:
        journal.add("judged", {"n": 1})
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for missing in range(1, len(last) + 1):
        path.write_bytes(whole[: len(whole) - missing])
        with Journal(path, fingerprint="f") as journal:
            assert list(journal.kept("judged")) == []
            journal.add("judged", {"n": 2})
        with Journal(path, fingerprint="f") as journal:
            assert [record["n"] for record in journal.kept("judged")] == [2]


def test_a_torn_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"kind":"begin","finger')
    with Journal(path, fingerprint="f") as journal:
        assert not journal.resumed
    assert path.read_bytes().count(b"\n") == 1


def test_another_evaluations_journal_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path, fingerprint="f") as journal:
        journal.add("judged", {"n": 1})
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="belongs to an evaluation of other data"):
        Journal(path, fingerprint="g")
    assert path.read_bytes() == before
    with Journal(path, fingerprint="g", restart=True) as journal:
        assert list(journal.kept("judged")) == []


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "j", fingerprint="f"),
        pytest.raises(ConfigError, match="another evaluation is writing"),
    ):
        Journal(tmp_path / "j", fingerprint="f", restart=True)
    Journal(tmp_path / "j", fingerprint="f").close()


def test_without_a_path_nothing_is_kept_and_a_folder_is_none() -> None:
    with Journal(None, fingerprint="f") as journal:
        journal.add("judged", {"n": 1})
        assert not journal.resumed
        journal.finish()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path, fingerprint="f")

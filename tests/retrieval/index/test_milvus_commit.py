"""A writer that dies between writing its records and publishing them leaves what was published before, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from adjudge.errors import IndexDamagedError
from adjudge.retrieval.index import build_index, open_index
from adjudge.retrieval.index.milvus_collections import Collections, State
from tests.retrieval.index.hashing import Hashing


class Died(Exception):
    """Stands for the kill."""


def write(folder: Path, word: str, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.txt").write_text(f"{word} text{number}", encoding="utf-8")


def listed(index: Path) -> tuple[set[str], set[str]]:
    """Names of the sources, and texts, of an index that is whole."""
    opened = open_index(index)
    opened.check()
    names = {source.key for source in opened.sources().values()}
    texts = {one.document.text for one in opened.by_words("old new", 100)}
    assert opened.count() == len(texts) == sum(source.chunks for source in opened.sources().values())
    opened.close()
    return names, texts


@pytest.mark.parametrize("after", [False, True])
def test_records_count_when_they_are_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index.db"
    write(docs, "old", 4)
    build_index([docs], index, encoder=Hashing())
    before = listed(index)
    publish = Collections.publish

    def die(self: Collections, state: State) -> None:
        if after:
            publish(self, state)
        raise Died

    write(docs, "new", 5)
    with monkeypatch.context() as patched:
        patched.setattr(Collections, "publish", die)
        with pytest.raises(Died):
            build_index([docs], index, encoder=Hashing())
    names, texts = listed(index)
    assert texts == {f"new text{n}" for n in range(5)} if after else (names, texts) == before
    build_index([docs], index, encoder=Hashing())
    names, texts = listed(index)
    assert len(names) == 5
    assert texts == {f"new text{n}" for n in range(5)}
    write(docs, "newer", 5)
    assert build_index([docs], index, encoder=Hashing()).changed == 5, "nothing that waited is left over"


@pytest.mark.parametrize("body", ["[]", '{"model": 1}', '{"format": 1}', "no JSON", "[" * 5000])
def test_facts_that_adjudge_did_not_write_are_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index.db"
    write(docs, "old", 1)
    build_index([docs], index, encoder=Hashing())
    get = Collections._get
    monkeypatch.setattr(Collections, "_get", lambda self, key: [{**row, "body": body} for row in get(self, key)])
    with pytest.raises(IndexDamagedError, match="is not what adjudge wrote there"):
        open_index(index)

"""Which files walk() takes: names, order, hidden and ignored ones, links, and folders that cannot be read."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, InputError
from adjudge.retrieval.reading import FoundFile, ReadConfig, Skipped, SplitConfig, WalkConfig, walk


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the text of {name}", encoding="utf-8")
    return root


def names(*paths: Path, config: WalkConfig | None = None) -> list[str]:
    return [found.name for found in walk(paths, config) if isinstance(found, FoundFile)]


def skipped(*paths: Path, config: WalkConfig | None = None) -> dict[str, str]:
    return {found.source: found.reason for found in walk(paths, config) if isinstance(found, Skipped)}


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    root = tree(tmp_path / "docs", "b.md", "a/z.txt", "a/b/c.HTML", "c.pdf", "rows.jsonl.gz", "d.docx", "e.csv", "熊猫.md")
    found = list(walk([root]))
    assert [f.name for f in found if isinstance(f, FoundFile)] == [
        *("a/b/c.HTML", "a/z.txt", "b.md", "c.pdf", "d.docx", "e.csv", "rows.jsonl.gz", "熊猫.md")
    ]
    first = found[0]
    assert isinstance(first, FoundFile)
    facts = (root / "a/b/c.HTML").stat()
    assert (first.root, first.path, first.format) == (root, root / "a/b/c.HTML", "html")
    assert (first.size, first.modified_ns) == (facts.st_size, facts.st_mtime_ns)


def test_what_no_reader_knows_is_said_and_read_when_named(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.md", "b.png", "Makefile", "x.pdf.gz", "y.gz")
    assert skipped(root) == {"b.png": "format", "Makefile": "format", "x.pdf.gz": "format", "y.gz": "format"}
    (named,) = walk([root / "Makefile"])
    assert isinstance(named, FoundFile)
    assert (named.name, named.format, named.root) == ("Makefile", "text", root)


def test_several_paths_have_names_from_the_folder_in_common(tmp_path: Path) -> None:
    tree(tmp_path, "one/docs/a.md", "two/docs/a.md", "b.md")
    assert names(tmp_path / "one/docs", tmp_path / "two/docs") == ["one/docs/a.md", "two/docs/a.md"]
    assert names(tmp_path / "one/docs", tmp_path / "b.md") == ["one/docs/a.md", "b.md"]


def test_each_file_is_taken_once(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.md", "below/b.md")
    assert names(root, root / "below", root / "a.md") == ["a.md", "below/b.md"]
    assert names(root / "below", root) == ["below/b.md", "a.md"]


def test_hidden_files_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.md", ".b.md", ".c/d.md", ".git/e.md")
    assert names(root) == ["a.md"]
    assert names(root, config=WalkConfig(hidden=True)) == [".b.md", ".c/d.md", "a.md"]
    assert names(root / ".c") == ["d.md"]  # named, so meant


def test_ignore_files_are_obeyed_as_git_does(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.md", "build/b.md", "notes/c.txt", "notes/keep.txt", "notes/deep/d.txt", "e.txt", "f.md")
    (root / ".gitignore").write_text("# made\nbuild/\n*.txt\n!\n/f.md\n", encoding="utf-8")
    (root / "notes/.gitignore").write_text("!keep.txt\n", encoding="utf-8")
    assert names(root) == ["a.md", "notes/keep.txt"]
    (root / ".ignore").write_text("!f.md\na.md\n", encoding="utf-8")
    assert names(root) == ["f.md", "notes/keep.txt"]
    assert len(names(root, config=WalkConfig(ignore_files=False))) == 7
    assert names(root / "build") == ["b.md"]


def test_links_are_followed_when_asked_and_loops_end(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "a.md", "below/b.md")
    outside = tree(tmp_path / "outside", "c.md")
    (root / "below/up").symlink_to(root)
    (root / "below/self").symlink_to("self")
    (root / "gone.md").symlink_to(root / "nothing.md")
    (root / "out").symlink_to(outside)
    (root / "twice.md").symlink_to(root / "a.md")
    assert names(root) == ["a.md", "below/b.md"]
    assert set(skipped(root)) == {"below/self", "below/up", "gone.md", "out", "twice.md"}
    assert set(skipped(root).values()) == {"link"}
    follow = WalkConfig(follow_links=True)
    assert names(root, config=follow) == ["a.md", "below/b.md", "out/c.md"]
    assert skipped(root, config=follow) == {"below/self": "denied", "gone.md": "missing"}


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    tree(tmp_path / "docs", "a.md")
    (tmp_path / "link").symlink_to(tmp_path / "docs")
    assert names(tmp_path / "link") == ["a.md"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert skipped(tmp_path) == {"pipe.txt": "special"}


def test_a_folder_that_cannot_be_listed_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path, "a/x.md", "b/y.md")
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)  # root may list everything, so the refusal is made
    assert names(root) == ["b/y.md"]
    assert skipped(root) == {"a": "denied"}


def test_names_that_are_no_text_can_be_stored(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    (found,) = walk([tmp_path])
    assert isinstance(found, FoundFile)
    assert found.name == "caf\\udce9.txt"
    assert found.name.encode("utf-8")


def test_folders_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(200):
        deep /= "d"
        deep.mkdir()
    (deep / "a.md").write_text("x", encoding="utf-8")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        assert len(names(tmp_path)) == 1
    finally:
        sys.setrecursionlimit(limit)


def test_paths_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.md"):
        walk([tmp_path / "nothing.md"])
    with pytest.raises(InputError, match="there is nothing to read"):
        walk([])
    with pytest.raises(InputError, match="must be a list"):
        walk(str(tmp_path))
    with pytest.raises(InputError, match="cannot read"):
        walk(["a\0b"])


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert list(walk([tmp_path])) == []


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WalkConfig(hidden=1), "hidden must be True or False"),  # type: ignore[arg-type]
        (lambda: WalkConfig(follow_links="no"), "follow_links must be True or False"),  # type: ignore[arg-type]
        (lambda: ReadConfig(max_bytes=0), "max_bytes must be a whole number of 1 or more"),
        (lambda: ReadConfig(text_field=""), "text_field must be the name of a field"),
        (lambda: SplitConfig(max_tokens=7), "max_tokens must be a whole number of 8 or more"),
        (lambda: SplitConfig(max_tokens=200_000), "max_tokens must be at most 131,072"),
        (lambda: SplitConfig(max_tokens=True), "max_tokens must be a whole number"),
        (lambda: SplitConfig(min_tokens=-1), "min_tokens must be a whole number of 0 or more"),
        (lambda: SplitConfig(max_tokens=64, min_tokens=65), "min_tokens=65 is more than max_tokens=64"),
    ],
)
def test_settings_are_checked(build: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()  # type: ignore[operator]

"""Every way that a file can fail is a value with a reason; what a package is missing for is said."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest

from adjudge.errors import ConfigError, MissingExtraError
from adjudge.retrieval.reading import ReadConfig, Skipped, Source, read_source, walk
from adjudge.retrieval.reading.formats import ENDINGS, format_of
from tests.retrieval.reading.one_file import read_all, read_one, refused
from tests.retrieval.reading.pdf_files import make_pdf
from tests.retrieval.reading.structured_texts import GUIDE, PARAGRAPHS


def test_names_are_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert read_one(tmp_path, "a/b.txt", "x").name == "a/b.txt"
    with pytest.raises(ConfigError, match="is not below"):
        read_source(tmp_path / "a/b.txt", tmp_path / "other")


def test_line_breaks_of_windows_are_read_as_one_character(tmp_path: Path) -> None:
    for name in ("a.txt", "a.md"):
        source = read_one(tmp_path, name, GUIDE.replace("\n", "\r\n"))
        assert source.text == GUIDE
        assert source == read_one(tmp_path, name, GUIDE)


@pytest.mark.parametrize("name", ["a.txt.gz", "a.md.gz", "a.html.gz", "a.jsonl.gz", "a.CSV.GZ"])
def test_packed_files_are_unpacked(tmp_path: Path, name: str) -> None:
    content = {"a.jsonl.gz": '{"text": "熊猫"}', "a.CSV.GZ": "text\n熊猫"}.get(name, "熊猫")
    assert read_one(tmp_path, name, gzip.compress(content.encode())).text == "熊猫"
    assert refused(tmp_path, name, b"no gzip at all").reason == "damaged"
    assert refused(tmp_path, name, gzip.compress(os.urandom(2000))[:900]).reason == "damaged"


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_empty_files_are_told(tmp_path: Path, ending: str) -> None:
    for content in ("", " \n\n\t\n"):
        assert refused(tmp_path, f"a{ending}", content).reason == "empty"


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_garbage_is_told(tmp_path: Path, ending: str) -> None:
    garbage = b"\x7fELF\0\1\2\3" * 100
    assert refused(tmp_path, f"a{ending}", garbage).reason in ("binary", "damaged")


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_files_that_are_gone_are_told(tmp_path: Path, ending: str) -> None:
    (found,) = read_source(tmp_path / f"gone{ending}", tmp_path)
    assert isinstance(found, Skipped)
    assert found.reason == "missing"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    (found,) = read_source(tmp_path / "a.txt", tmp_path)
    assert isinstance(found, Skipped)
    assert found.reason == "denied"


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.html", "a.pdf", "a.docx"])
def test_files_that_are_too_large_are_told(tmp_path: Path, name: str) -> None:
    content = b"x" * 1001
    refusal = refused(tmp_path, name, gzip.compress(content) if name.endswith(".gz") else content, ReadConfig(max_bytes=1000))
    assert refusal.reason == "too_large"
    assert "1,000 bytes" in refusal.message


def test_a_packed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b"x" * 5_000_000)
    assert len(bomb) < 10_000
    assert refused(tmp_path, "a.txt.gz", bomb, ReadConfig(max_bytes=10_000)).reason == "too_large"


def test_unknown_endings_are_read_as_text(tmp_path: Path) -> None:
    source = read_one(tmp_path, "README", PARAGRAPHS["en"])
    assert (source.format, source.text) == ("text", PARAGRAPHS["en"])


def test_endings() -> None:
    formats = {name: format_of(Path(name)) for name in ("a.MD", "a.tar.gz", "a.jsonl.gz", "a.pdf.gz", ".md", "md", "a.b.htm", "a.")}
    assert formats == {
        "a.MD": "markdown",
        "a.tar.gz": None,
        "a.jsonl.gz": "jsonl",
        "a.pdf.gz": None,
        ".md": None,
        "md": None,
        "a.b.htm": "html",
        "a.": None,
    }


def test_all_that_walk_finds_can_be_read(tmp_path: Path) -> None:
    for name, content in (("a.md", GUIDE.encode()), ("b.pdf", make_pdf(["Hello"])), ("c.jsonl", b'{"text": "x"}\n{"text": "y"}')):
        (tmp_path / name).write_bytes(content)
    found = [f for f in walk([tmp_path]) if not isinstance(f, Skipped)]
    texts = [source for f in found for source in read_source(f.path, f.root)]
    assert [source.name for source in texts if isinstance(source, Source)] == ["a.md", "b.pdf", "c.jsonl#1", "c.jsonl#2"]


@pytest.mark.parametrize(
    ("module", "name", "content"),
    [
        ("markdown_it", "a.md", b"x"),
        ("bs4", "a.html", b"x"),
        ("pypdf", "a.pdf", make_pdf(["x"])),
        ("charset_normalizer", "a.txt", "熊猫吃竹子".encode("gb18030")),
    ],
)
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str, content: bytes) -> None:
    from adjudge.retrieval.reading import markdown

    markdown._parser.cache_clear()
    for loaded in [key for key in sys.modules if key.split(".")[0] == module]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "adjudge\[search\]"'):
        read_all(tmp_path, name, content)


def test_a_missing_pathspec_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pathspec", None)
    (tmp_path / "a.md").write_text("x", encoding="utf-8")
    assert len(list(walk([tmp_path]))) == 1
    (tmp_path / ".gitignore").write_text("x", encoding="utf-8")
    with pytest.raises(MissingExtraError, match="pathspec"):
        list(walk([tmp_path]))

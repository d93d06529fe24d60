"""The documentation site: it builds without a warning, needs no network, and says in Chinese what it says in English."""

from __future__ import annotations

import ast
import importlib
import json
import os
import posixpath
import re
import shlex
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.source import ROOT

DOCS = ROOT / "docs"
CHINESE = sorted((DOCS / "zh").glob("*.md"))
MAIN = {"quickstart", "thresholds", "long-documents", "calibration", "training", "service", "troubleshooting", "index"}

PUBLIC = (
    "adjudge",
    "adjudge.answer",
    "adjudge.errors",
    "adjudge.evaluate",
    "adjudge.monitor",
    "adjudge.pipeline",
    "adjudge.retrieval.adapters",
    "adjudge.retrieval.key_passages",
    "adjudge.retrieval.reading",
    "adjudge.train",
)
"""Modules of which everything that __all__ names must stand in the reference."""

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRITTEN = re.compile(r"^<!-- [\w -]+: written by .*?^<!-- end of [^\n]*\n", re.MULTILINE | re.DOTALL)
"""What a benchmark writes into the English page alone; the Chinese one leads there."""

SHELLS = {"bash", "sh", "console"}


def theme(name: str) -> ModuleType:
    """A module of docs/theme, which is no package."""
    sys.path.insert(0, str(DOCS / "theme"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS / "theme"))


@dataclass(frozen=True, slots=True)
class Shape:
    """What two languages of a page must have in common."""

    headings: list[int]
    blocks: list[tuple[str, str]]
    rows: list[list[str]]
    items: int
    numbers: list[str]


def shape(path: Path) -> Shape:
    """The page without its words: levels of headings, code without comments, cells that are code, list items, numbers."""
    text = WRITTEN.sub("", path.read_text(encoding="utf-8"))
    prose = FENCED.sub("", text)
    return Shape(
        headings=[len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)],
        blocks=[(language, meaning(language, code)) for language, code in FENCED.findall(text)],
        rows=[re.findall(r"`[^`]+`", line.split("|")[1]) for line in prose.splitlines() if line.startswith("|")],
        items=len(re.findall(r"^(?:- |\d\. )", prose, re.MULTILINE)),
        numbers=sorted(re.findall(r"\d[\d,.]*\d(?!\w)", prose)),
    )


def meaning(language: str, code: str) -> str:
    """The code without its comments, which are translated."""
    if language == "python":
        return ast.dump(ast.parse(code))
    if language in SHELLS:
        return " ".join(shlex.split(code, comments=True))
    if language == "toml":
        return re.sub(r"\s*# .*", "", code)
    return code


def test_the_main_guides_are_there_in_chinese() -> None:
    assert {path.stem for path in CHINESE} == MAIN


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.stem)
def test_chinese_pages_hold_what_the_english_ones_hold(path: Path) -> None:
    chinese, english = shape(path), shape(DOCS / path.name)
    assert chinese.headings == english.headings
    assert chinese.blocks == english.blocks
    assert chinese.rows == english.rows
    assert chinese.items == english.items
    assert [number for number in english.numbers if number not in chinese.numbers] == []


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.stem)
def test_chinese_paragraphs_are_not_broken(path: Path) -> None:
    """A line break inside a paragraph is shown as a space, which Chinese does not write."""
    prose = FENCED.sub("", path.read_text(encoding="utf-8"))
    assert re.findall(r"[\u3000-\u9fff，。：；、]\n[\u3400-\u9fff]", prose) == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_links_lead_to_files(path: Path) -> None:
    prose = FENCED.sub("", path.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", prose)
    outside = theme("outside").PAGES.values()
    rooted = {link: posixpath.normpath(posixpath.join(path.parent.relative_to(DOCS).as_posix(), link)) for link in links}
    assert [link for link, page in rooted.items() if not (DOCS / page).exists() and page not in outside] == []


def test_links_out_of_the_docs_stay_on_the_site_or_become_text() -> None:
    rewrite = theme("outside").rewrite
    assert rewrite("see [b](../benchmarks/README.md#data)", "thresholds.md") == "see [b](project/benchmarks.md#data)"
    assert rewrite("[r](../../recipes/embedded)", "zh/training.md") == "[r](../project/recipe.md)"
    assert rewrite("[examples](../examples/training)", "training.md") == "examples"
    assert rewrite("[a](docs/architecture.md)", "project/contributing.md") == "[a](../architecture.md)"
    assert rewrite("[home](../README.md), [own](cache.md)", "cascade.md") == "[home](index.md), [own](cache.md)"
    assert rewrite("[gone](nowhere.md)", "cascade.md") == "[gone](nowhere.md)"
    assert rewrite("`names[0](x)`", "cascade.md") == "`names[0](x)`"


def test_the_fields_of_the_protocols_are_those_of_the_code() -> None:
    tables, page = theme("field_tables"), (DOCS / "protocols.md").read_text(encoding="utf-8")
    assert tables.filled(page) == page, "run: python docs/theme/field_tables.py docs/protocols.md"
    assert set(re.findall(r"<!-- request of ([\w-]+) -->", page)) == set(tables.DIALECTS)


def test_the_rules_of_the_protocols_are_those_of_the_code() -> None:
    choose = importlib.import_module("adjudge.server.protocols.choose")
    page = (DOCS / "protocols.md").read_text(encoding="utf-8")
    for path in {route.path for route in choose.ROUTES if route.others}:
        assert f"| `{path}` | " in page
    for name in ("texts", "raw_scores", "rank_fields", "max_chunks_per_doc", "truncation", "max_doc_length", "max_query_length"):
        assert f"`{name}`" in page.split("## Native")[0]
        assert name in choose.__doc__


@pytest.mark.parametrize("path", [DOCS / "index.md", DOCS / "quickstart.md"], ids=lambda path: path.stem)
def test_the_code_of_the_first_pages_runs(path: Path, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    code = [code for language, code in FENCED.findall(path.read_text(encoding="utf-8")) if language == "python"]
    script.write_text("\n".join(code), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout != "") == (0, True), done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as strictly as can be."""
    pytest.importorskip("material", reason="needs mkdocs-material")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


@pytest.mark.slow
def test_the_site_asks_nobody_else_for_anything(site: Path) -> None:
    fetches = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="(?:https?:)?//[^"]+"')
    assert [(page.name, found) for page in site.rglob("*.html") for found in fetches.findall(page.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_each_page_leads_to_itself_in_the_other_language(site: Path) -> None:
    chinese = (site / "zh" / "thresholds.html").read_text(encoding="utf-8")
    english = (site / "thresholds.html").read_text(encoding="utf-8")
    assert '<html lang="zh"' in chinese
    assert '<html lang="en"' in english
    assert '<a href="../thresholds.html" hreflang="en"' in chinese
    assert '<a href="zh/thresholds.html" hreflang="zh"' in english
    assert '<a href="zh/index.html" hreflang="zh"' in (site / "cascade.html").read_text(encoding="utf-8")
    assert "校准" not in english.split("<article")[0], "the menu of an English page is English"
    assert "Calibration" not in chinese.split("<article")[0]


@pytest.mark.slow
def test_what_is_public_is_in_the_reference(site: Path) -> None:
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    named = {line.split(" ")[0] for line in zlib.decompress(inventory).decode().splitlines()}
    last = {name.rpartition(".")[2] for name in named}
    for module in PUBLIC:
        public = set(importlib.import_module(module).__all__) - {"__version__"}
        assert public - last == set(), module


@pytest.mark.slow
def test_comments_on_fields_are_in_the_reference(site: Path) -> None:
    assert "What decides the order." in (site / "reference" / "results.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_chinese_can_be_searched(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    separator = re.compile(index["config"]["separator"])
    assert [part for part in separator.split("阈值 top_n") if part] == ["阈", "值", "top", "n"]
    assert any("阈值" in entry["text"] for entry in index["docs"] if entry["location"].startswith("zh/"))

"""docs/troubleshooting.md: what it says that people see is what they see, in both languages."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from safetensors.numpy import load_file, save_file

from adjudge import Reranker
from adjudge.cli.main import main
from adjudge.errors import AdjudgeError
from adjudge.server.auth import Keys
from adjudge.server.settings import ModelSource
from tests.server.serving import quick_settings, serving
from tests.source import ROOT
from tests.tiny_models import Tiny, edit_config

Folders = Callable[[Tiny], Path]

ENGLISH, CHINESE = ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "zh" / "troubleshooting.md"
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the discard port: a hub that cannot be reached."""

SHOWN = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<below>.*?)^```\n)?"
    r"|^```console\n\$ (?P<command>[^\n]*)\n(?P<said>.*?)^```\n"
    r"|^### (?P<title>[^\n]*)\n",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Code or a command, and what the page says that it prints."""

    title: str
    code: str
    printed: str
    command: bool


def shown(page: Path) -> list[Shown]:
    """What the page shows, from top to bottom."""
    found, title = [], ""
    for match in SHOWN.finditer(page.read_text(encoding="utf-8")):
        if match["title"] is not None:
            title = match["title"]
        elif match["command"] is not None:
            found.append(Shown(title, match["command"], match["said"], command=True))
        else:
            found.append(Shown(title, match["code"], match["below"] or "", command=False))
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page's examples are tried: two servers, and what the code has defined so far."""

    ports: dict[str, int]
    names: dict[str, Any]
    output: pytest.CaptureFixture[str]

    def printed(self, example: Shown) -> str:
        """What really comes out."""
        if not example.command:
            return self._python(example.code)
        words = shlex.split(example.code)
        return self._curl(words, example.title) if words[0] == "curl" else self._adjudge(words)

    def _python(self, code: str) -> str:
        self.output.readouterr()
        try:
            exec(compile(code, ENGLISH.name, "exec"), self.names)
        except AdjudgeError as error:
            print(f"{type(error).__name__}: {error}")
        return self._as_on_the_page(self.output.readouterr().out)

    def _adjudge(self, words: list[str]) -> str:
        self.output.readouterr()
        words = [str(self.ports["8000"]) if word == "8000" else word for word in words]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO())
            if words == ["adjudge", "serve"]:
                patch.setitem(sys.modules, "fastapi", None)  # as if it were not installed
            main(words[1:])
        got = self.output.readouterr()
        return self._as_on_the_page(got.out + got.err)

    def _curl(self, words: list[str], title: str) -> str:
        [address] = [word for word in words if word.startswith("localhost:")]
        name, _, path = address.removeprefix("localhost:").partition("/")
        body = words[words.index("-d") + 1]
        got = httpx.post(f"http://127.0.0.1:{self.ports[name]}/{path}", content=body, verify=False, timeout=60)
        assert str(got.status_code) == title.split(":")[0], "the heading says the status"
        return self._as_on_the_page(got.text.rstrip("\n") + "\n")

    def _as_on_the_page(self, text: str) -> str:
        for name, port in self.ports.items():
            text = text.replace(str(port), name)
        text = text.replace(str(Path.cwd()), "/home/me").replace(NOWHERE, "https://huggingface.co")
        text = re.sub(r'("(?:id|request_id)":\s*")[^"]+', r"\1...", text)
        text = re.sub(r"^(\d+)\t[\d.]+\t", r"\1\t...\t", text, flags=re.MULTILINE)  # a score, which is the model's business
        return "".join(line.rstrip() + "\n" for line in text.splitlines())


@pytest.fixture
def place(tiny_folder: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """A folder with the files that the page names, and a server with and one without a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / ".cache" / "huggingface"))
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setenv("COLUMNS", "200")
    write_files(tiny_folder, tmp_path)
    settings = quick_settings(tiny_folder(Tiny(family="roberta")))
    models = (ModelSource(name="embedded", source=settings.models[0].source),)
    with ExitStack() as open_now:
        without = open_now.enter_context(serving(quick_settings(Path(), models=models)))
        locked = open_now.enter_context(serving(quick_settings(Path(), models=models, keys=Keys(["Kx7q"]))))
        names: dict[str, Any] = {"__name__": "page"}
        yield Place({"8000": without.port, "8001": locked.port}, names, capfd)
        for value in names.values():
            if isinstance(value, Reranker):
                value.close()


def write_files(tiny_folder: Folders, folder: Path) -> None:
    """Three models that cannot be used, one that can, and data."""
    good = tiny_folder(Tiny(family="xlm-roberta"))
    for name in ("my-model", "my-embedder", "old-model", "cloned-model"):
        shutil.copytree(good, folder / name)
    edit_config(folder / "my-embedder", architectures=["XLMRobertaModel"])
    weights = folder / "my-embedder" / "model.safetensors"
    save_file({name: tensor for name, tensor in load_file(weights).items() if not name.startswith("classifier.")}, weights)
    (folder / "old-model" / "model.safetensors").rename(folder / "old-model" / "pytorch_model.bin")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 2271071852\n"
    (folder / "cloned-model" / "model.safetensors").write_text(pointer, encoding="utf-8")
    (folder / "notes.txt").write_text("Giant pandas eat bamboo.\n", encoding="utf-8")
    (folder / "passages.csv").write_text("id,content\n1,Giant pandas eat bamboo.\n", encoding="utf-8")
    rows = [{"query": "What do pandas eat?", "passage": text, "label": label} for text, label in (("Bamboo.", 1), ("Bread.", 0))]
    (folder / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    graded = {"query": "What do pandas eat?", "documents": ["Bamboo.", "Plants.", "Bread."], "grades": [3, 1, 0]}
    (folder / "train.jsonl").write_text(json.dumps(graded) + "\n", encoding="utf-8")
    (folder / "train.toml").write_text('[data]\ntrain = "train.jsonl"\n\n[run]\noutput = "run"\n', encoding="utf-8")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns of what the page warns of
@pytest.mark.slow
def test_people_see_what_the_page_shows(place: Place) -> None:
    wrong = {}
    for example in shown(ENGLISH):
        printed = place.printed(example)
        if printed != example.printed:
            wrong[example.code] = printed
    assert wrong == {}


def test_both_languages_show_the_same() -> None:
    english, chinese = shown(ENGLISH), shown(CHINESE)
    assert len(english) > 30
    assert [(e.code, e.printed) for e in english] == [(c.code, c.printed) for c in chinese]

"""The command line, run in this process as its entry point runs it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from adjudge.cli.main import main
from tests.tiny_models import Tiny

Folders = Callable[[Tiny], Path]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines of standard output."""
        return self.out.splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """Those lines, cut at their tabs."""
        return [line.split("\t") for line in self.lines]

    @property
    def notes(self) -> list[str]:
        """Lines of standard error."""
        return self.err.splitlines()


class Terminal(io.StringIO):
    """A standard input at which a person sits."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., Ended]


@pytest.fixture
def adjudge(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it: adjudge("rank", "query", stdin=b"..."); without `stdin` a terminal stands there."""

    def run(*arguments: str | Path, stdin: bytes | None = None) -> Ended:
        monkeypatch.setattr(sys, "stdin", Terminal() if stdin is None else io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def fake(tiny_folder: Folders) -> tuple[str, ...]:
    """Options for a model that needs milliseconds: a byte-level tokenizer, and word overlap as its judgement."""
    return ("--model", str(tiny_folder(Tiny(family="roberta"))), "--backend", "fake")


@pytest.fixture
def rank(adjudge: Run, fake: tuple[str, ...]) -> Run:
    """`adjudge rank` on the quick model."""
    return lambda *arguments, stdin=None: adjudge("rank", *arguments, *fake, stdin=stdin)


@pytest.fixture
def score(adjudge: Run, fake: tuple[str, ...]) -> Run:
    """`adjudge score` on the quick model."""
    return lambda *arguments, stdin=None: adjudge("score", *arguments, *fake, stdin=stdin)

"""docs/cli.md says what the commands say of themselves."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from adjudge.cli.docs import document
from adjudge.cli.exit_codes import BY_ERROR, MEANINGS
from adjudge.cli.main import app
from adjudge.cli.prose import as_written
from tests.source import ROOT

PAGE = ROOT / "docs" / "cli.md"


def commands() -> dict[str, object]:
    """{"adjudge rank": command} for everything that can be run."""
    found = {}
    waiting = [("adjudge", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            found[path] = command
        else:
            waiting.extend((f"{path} {name}", one) for name, one in below.items())
    return found


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run `make docs`"


@pytest.mark.parametrize("columns", ["20", "300"])
def test_the_page_does_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    wanted = document()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERMINAL_WIDTH", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert document() == wanted


def test_every_command_option_and_code_stands_on_it() -> None:
    page = document()
    for path, command in commands().items():
        section = page.split(f"\n## {path}\n")[1].split("\n## ")[0]
        for parameter in command.params:  # type: ignore[attr-defined]
            spellings = [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else [parameter.metavar]
            assert all(f"`{spelling}`" in section for spelling in spellings), (path, spellings)
            assert parameter.help, (path, spellings)
    for code, meaning in MEANINGS.items():
        assert f"| {code} | {meaning}" in page
    assert all(f"`{kind.__name__}`" in page for kind in BY_ERROR)


@pytest.mark.parametrize("path", sorted(commands()))
def test_the_examples_are_command_lines_that_parse(path: str) -> None:
    command = commands()[path]
    epilog = command.epilog or ""  # type: ignore[attr-defined]
    for line in epilog.split("\n\n")[1:]:
        words = shlex.split(next(part for part in line.split(" | ") if part.startswith(path)))
        context = command.make_context(path, words[len(path.split()) :])  # type: ignore[attr-defined]
        assert context.params


@pytest.mark.parametrize("path", sorted(commands()))
def test_the_terminal_shows_every_word_of_the_help(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets too, which rich takes for its markup: pip install "adjudge[train]"."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = CliRunner().invoke(app, [*path.split()[1:], "--help"]).output
    command: Any = commands()[path]
    words = as_written(f"{command.help} {command.epilog or ''}").split()
    assert [word for word in words if word not in shown] == []

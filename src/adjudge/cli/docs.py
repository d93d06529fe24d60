"""docs/cli.md, written from what the commands say of themselves: `python -m adjudge.cli.docs docs/cli.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from .exit_codes import BY_ERROR, MEANINGS
from .main import app
from .prose import EXAMPLES_TITLE, as_written, joined

__all__ = ["document"]

_HEAD = """
# Command line

<!-- Written by `make docs` from the commands' own --help. Change the help texts in src/adjudge/cli, not this page. -->

`adjudge COMMAND --help` shows the same in the terminal, and `python -m adjudge` is the same as `adjudge`.
"""

_TAIL = """
## Output

In a terminal `rank` and `score` print a table. In a pipe, `rank` prints a line for each result, with tabs between rank, score, position
in the input (from 0), id (or nothing) and text, and `score` prints a score a line. `--json` and `--jsonl` hold every number unrounded;
`rank --json` also holds what was dropped and refused with the reasons, usage, timings, and what ran the model. Notes, warnings, errors
and progress go to standard error, one line each; `--quiet` leaves only errors. Colours follow `NO_COLOR` and `FORCE_COLOR`.

## Input

| ending | what it holds |
|---|---|
| .jsonl, .ndjson | A JSON object (or string) a line. |
| .json | An array of objects or strings. |
| .csv, .tsv | A header, then a row for each document or pair. |
| any other | The whole file is one document. `--input-format lines` makes a document of each line that is not empty. |
| a folder | Every .txt, .text, .md and .rst file below it is one document; hidden ones are left out. |
| `-` | Standard input: for `rank` a document a line, for `score` a JSON object a line, unless `--input-format` says otherwise. |

Files are UTF-8, or UTF-16 with a byte order mark. What cannot be decoded is replaced, and a note says so. A record without text is
refused by itself, with the reason, and the others are ranked; a file that is not of its format is an error that names the line.

## Environment

| variable | effect |
|---|---|
| `ADJUDGE_DEBUG` | 1: tracebacks, and what the library logs; the same as `adjudge --debug`. |
| `ADJUDGE_INDEX` | The index, unless `--index` names one. |
| `ADJUDGE_API_KEYS` | Keys that `adjudge serve` asks for, with commas between. |
| `ADJUDGE_LLM_BASE_URL`, `ADJUDGE_LLM_MODEL`, `ADJUDGE_LLM_API_KEY` | The language model of `adjudge ask`, unless its options name one. |
| `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN` | The model hub, as huggingface-hub reads them. |
| `NO_COLOR`, `FORCE_COLOR`, `COLUMNS` | Colours and width of tables. |

## Shell completion

`adjudge --install-completion` installs it for the shell that runs it (bash, zsh, fish, PowerShell); `adjudge --show-completion` prints it.
"""


def document() -> str:
    """The whole page. The same on every machine, whatever its terminal's width."""
    group: Any = typer.main.get_command(app)
    parts = [_HEAD.strip(), *_command("adjudge", group), _TAIL.strip(), "## Exit codes", _exit_codes()]
    return "\n\n".join(parts) + "\n"


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"## {path}"
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    yield f"`{' '.join([path, *_usage(command, arguments)])}`"
    if command.help:
        yield as_written(joined(command.help))
    if arguments:
        yield _table("argument", {f"`{p.metavar or p.name.upper()}`": _meaning(p) for p in arguments})
    for panel, options in _panels(command).items():
        yield _table(f"{panel.lower()} option" if panel else "option", options)
    if command.epilog:
        lines = [line for line in command.epilog.split("\n\n") if line != EXAMPLES_TITLE]
        yield "```sh\n" + as_written("\n".join(lines)) + "\n```"
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from _command(f"{path} {name}", below)


def _usage(command: Any, arguments: list[Any]) -> Iterator[str]:
    yield "[OPTIONS]"
    for argument in arguments:
        name = argument.metavar or argument.name.upper()
        yield (name if argument.required else f"[{name}]") + ("..." if argument.nargs != 1 else "")
    if hasattr(command, "commands"):
        yield "COMMAND"


def _panels(command: Any) -> Mapping[str, Mapping[str, str]]:
    """{panel: {option: meaning}}; typer's own options, whose words change with its version, are left out."""
    panels: dict[str, dict[str, str]] = {}
    for option in command.params:
        if (
            option.param_type_name == "option"
            and not option.hidden
            and option.name not in ("install_completion", "show_completion", "help")
        ):
            panels.setdefault(option.rich_help_panel or "", {})[_spelling(option)] = _meaning(option)
    return panels


def _spelling(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return f"{names} {option.metavar}".rstrip() if option.metavar else names


def _meaning(parameter: Any) -> str:
    text = joined(parameter.help or "")
    if parameter.param_type_name == "option" and parameter.show_default and not callable(parameter.default):
        if parameter.secondary_opts:
            text += f" Default: `{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`."
        elif parameter.default not in (None, False):
            text += f" Default: `{parameter.default}`."
    return text


def _exit_codes() -> str:
    named: dict[int, list[str]] = {}
    for error, code in BY_ERROR.items():
        named.setdefault(code, []).append(f"`{error.__name__}`")
    rows = {f"{code}": meaning + (f" {', '.join(named[code])}." if code in named else "") for code, meaning in MEANINGS.items()}
    return _table("code", rows)


def _table(title: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {name} | {meaning} |" for name, meaning in ((_cell(n), _cell(m)) for n, m in rows.items())]
    return "\n".join([f"| {title} | meaning |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(document(), encoding="utf-8")
    else:
        sys.stdout.write(document())

"""`adjudge report`: an evaluation as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigError
from .console import say, visible
from .options import QuietOption
from .prose import examples, flow

__all__ = ["EXAMPLES", "app", "report"]

EXAMPLES = (
    "adjudge report result.json",
    "adjudge report result.json --out report.html --force",
)

HELP = """
    Make one HTML page of an evaluation: the verdict first, then what it rests on, down to the queries that reranking made worse.

    RESULT is what `adjudge evaluate --json` wrote. The page needs no network and runs no script: it can be mailed, kept, and printed.
    """

app = typer.Typer()

ResultArgument = Annotated[Path, typer.Argument(metavar="RESULT", help="The JSON file that `adjudge evaluate --json` wrote.")]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Where the page is written. Not given: beside RESULT, with the ending .html.",
        rich_help_panel="Output",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", metavar="", help="Replace a file that is there.", rich_help_panel="Output")]


@app.command("report", help=flow(HELP), epilog=examples(EXAMPLES))
def report(result: ResultArgument, out: OutOption = None, force: ForceOption = False, quiet: QuietOption = False) -> None:
    """Read, draw, write."""
    from ..evaluate.report import write_report
    from ..evaluate.result import load_evaluation

    target = result.with_suffix(".html") if out is None else out
    _check_target(target, result, force=force)
    evaluation = load_evaluation(result)
    write_report(target, evaluation)
    if not quiet:
        say(f"wrote {target}: {visible(evaluation.verdict.sentence)}")


def _check_target(target: Path, result: Path, *, force: bool) -> None:
    if target.is_dir():
        raise ConfigError(f"--out {target} is a folder; name a file in it")
    if target.exists() and result.exists() and target.samefile(result):
        raise ConfigError(f"--out {target} is the evaluation itself; name another file")
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")

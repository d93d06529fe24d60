"""The command `adjudge`: its commands put together, and every error turned into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from .._version import __version__
from ..errors import AdjudgeError, BackendError, ConfigError, ModelError
from .ask import app as ask_app
from .calibrate import app as calibrate_app
from .console import ReaderGoneError, say
from .demo import demo
from .doctor import app as doctor_app
from .evaluate import app as evaluate_app
from .exit_codes import INTERRUPTED, OK, READER_GONE, UNEXPECTED, USAGE, exit_code
from .index import app as index_app
from .models import app as models_app
from .monitor import app as monitor_app
from .notes import show_notes
from .option_names import command_of, in_options
from .rank import app as rank_app
from .report import app as report_app
from .score import app as score_app
from .search import app as search_app
from .serve import app as serve_app
from .train import app as train_app

__all__ = ["app", "main", "root"]

# typer brings click's exceptions along without a public name, and where they live differs between its versions.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(name="adjudge", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")
demo_app = typer.Typer()
demo_app.command()(demo)

for part in (
    *(rank_app, score_app, index_app, search_app, ask_app, serve_app, calibrate_app),
    *(evaluate_app, report_app, monitor_app, train_app, models_app, demo_app, doctor_app),
):
    app.add_typer(part)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"adjudge {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", metavar="", envvar="ADJUDGE_DEBUG", help="Show tracebacks and what the library logs.")
    ] = False,
) -> None:
    """A semantic judge for retrieval: which passages answer the question, how sure it is, and which part convinced it."""
    show_notes(debug=debug)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Never shows a traceback, unless --debug or ADJUDGE_DEBUG=1 asks for it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _carry_any_text()
    try:
        code = _run(given)
        _flush()
    except ReaderGoneError:
        _drop_output()
        return READER_GONE
    return code


def _run(arguments: list[str]) -> int:
    try:
        returned = typer.main.get_command(app).main(args=arguments, prog_name="adjudge", standalone_mode=False)
        return returned if isinstance(returned, int) else OK
    except ReaderGoneError:
        raise
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as exc:
        if _debug(arguments):
            raise
        return _report(exc, arguments)


def _report(exc: Exception, arguments: Sequence[str]) -> int:
    if isinstance(exc, _UsageError):
        return _report_usage(exc)
    if isinstance(exc, AdjudgeError):
        # errors of other kinds speak of texts and files, which are left as they are
        of_settings = isinstance(exc, ConfigError | BackendError | ModelError)
        say(f"error: {in_options(str(exc), command_of(typer.main.get_command(app), arguments)) if of_settings else exc}")
        return exit_code(exc)
    if isinstance(exc, OSError):
        say(f"error: {exc}")
        return UNEXPECTED
    say(f"unexpected error: {type(exc).__name__}: {exc}. adjudge --debug shows where; please report it")
    return UNEXPECTED


def _report_usage(exc: Exception) -> int:
    message = getattr(exc, "format_message", exc.__str__)()
    context = getattr(exc, "ctx", None)
    if type(exc).__name__ != "NoArgsIsHelpError":  # that one has printed the help, and has nothing to say
        say(f"error: {message.rstrip('.')}. See: {'adjudge' if context is None else context.command_path} --help")
    return USAGE


def _debug(arguments: Sequence[str]) -> bool:
    return "--debug" in arguments or os.environ.get("ADJUDGE_DEBUG", "").lower() in ("1", "true", "yes", "on")


def _carry_any_text() -> None:
    """A character that the output cannot carry becomes a question mark instead of an error in the middle of a ranking."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _flush() -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGoneError from None


def _drop_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, or it would complain about the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

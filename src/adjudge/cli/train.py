"""`adjudge train`: fine-tune a reranker as a TOML file says, or say first what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigError, InputError, TrainingError
from .console import err, interactive, out, write
from .exit_codes import INTERRUPTED
from .interrupts import first_interrupt
from .json_text import to_json
from .notes import hush, tell_more
from .options import JsonOption, QuietOption, progress_wanted
from .prose import examples, flow

if TYPE_CHECKING:
    from ..train import TrainConfig
    from ..train.survey import Survey
    from ..train.trainer import Trainer
    from .train_report import Report

__all__ = ["EXAMPLES", "app", "train"]

app = typer.Typer()

EXAMPLES = (
    "adjudge train examples/training/train.toml --dry-run",
    "adjudge train examples/training/train.toml",
    "adjudge train my.toml --base BAAI/bge-reranker-v2-m3 --output runs/m3 --device cuda",
)

HELP = """
    Fine-tune a reranker on your own questions and passages: the shipped model, one of the hub, or a folder.

    CONFIG is a TOML file that names data, base model, losses and the output folder; docs/training.md shows every key and every form
    of row. The options below take the place of what the file says. Needs the extra train: pip install "adjudge[train]".

    Ctrl-C ends the run after the step at hand and leaves a checkpoint. The same command goes on from there, also after a crash.

    Prints a table in a terminal; in a pipe the folder of the trained model, so that another command can use it. What --dry-run
    finds is printed in either.
    """

_PANEL = "Settings"


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file. Its paths are taken from its own folder.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="run.output: where everything is left.", rich_help_panel=_PANEL)
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", help="run.steps: optimiser steps in all.", rich_help_panel=_PANEL)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="MODEL", help="model.base: embedded, a hub id, or a folder.", rich_help_panel=_PANEL),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="run.seed: of every random draw.", rich_help_panel=_PANEL)] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="DEVICE", help="run.device: auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=_PANEL)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Read the settings and all data, say what the run would do, and stop.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read, train, show."""
    from ..train.settings import read_config

    hush(quiet)
    changes = {"output": output, "steps": steps, "seed": seed, "device": device}
    settings = _override(read_config(config), base, changes)
    if settings.run.output.exists() and not settings.run.output.is_dir():
        raise ConfigError(f"run.output={str(settings.run.output)!r} is a file; name a folder")
    if dry_run:
        _survey(config, settings, json=json)
        return
    tell_more(quiet)
    _train(config, settings, json=json, quiet=quiet)


def _override(settings: TrainConfig, base: str | None, changes: Mapping[str, Any]) -> TrainConfig:
    """The settings with what the command line gave; a revision in the file belongs to the file's base."""
    model = settings.model if base is None else replace(settings.model, base=base, revision=None)
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(settings, model=model, run=replace(settings.run, **given))


def _survey(config: Path, settings: TrainConfig, *, json: bool) -> None:
    from ..train.survey import survey
    from .train_report import survey_object

    found = survey(settings)
    if json:
        write(to_json(survey_object(found, settings), indent=2))
    else:
        from .train_view import show_survey

        show_survey(out(), config, found, settings)
    _refuse(found, settings)


def _refuse(found: Survey, settings: TrainConfig) -> None:
    """What the run itself would stop at, so that the exit code is the same."""
    empty = next((file for file in found.files if not file.groups), None)
    if empty is not None:
        raise InputError(f"{empty.path} holds no usable row")
    if found.bad and settings.data.on_bad_rows == "raise":
        count = "one row" if len(found.bad) == 1 else f"{len(found.bad)} rows"
        raise InputError(f'{count} cannot be used; mend them, or go on without them with data.on_bad_rows = "report"')


def _train(config: Path, settings: TrainConfig, *, json: bool, quiet: bool) -> None:
    watched = progress_wanted(None, quiet=quiet)
    trainer = _prepare(settings, watched=watched)
    report = _run(trainer, watched=watched)
    if json:
        from .train_report import report_object

        write(to_json(report_object(report, config), indent=2))
    elif interactive():
        from .train_view import show_report

        show_report(out(), report, config, quiet=quiet)
    elif report.ended == "finished":
        write(str(report.outcome.folder))
    if report.ended == "collapsed":
        raise TrainingError(report.collapse_message())
    if report.ended == "stopped":
        raise typer.Exit(INTERRUPTED)


def _prepare(settings: TrainConfig, *, watched: bool) -> Trainer:
    from ..config import SourceConfig
    from ..models.files import find_model
    from ..train.extra import require_extra
    from ..train.loop import prepare

    require_extra(settings)
    # Before the spinner: a download draws its own bars.
    find_model(settings.model.base, SourceConfig(revision=settings.model.revision, progress=watched))
    with err().status("reading the data and loading the model") if watched else nullcontext():
        return prepare(settings)


def _run(trainer: Trainer, *, watched: bool) -> Report:
    from ..train.loop import run_to_end
    from .train_report import Report, resume_note

    began = trainer.step
    try:
        with first_interrupt("stopping after this step; press Ctrl-C again to stop at once") as interrupted:
            outcome = run_to_end(trainer, progress=watched, stop=interrupted)
    except KeyboardInterrupt:
        resume_note(trainer)
        raise
    report = Report(trainer=trainer, outcome=outcome, began=began)
    if report.ended == "stopped":
        resume_note(trainer)
    return report

"""Options that several commands share, each written once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

import typer

from ..config import Aggregation, BackendName, Precision
from .console import interactive
from .sources import InputFormat

__all__ = [
    "AggregationOption",
    "BackendOption",
    "BatchTokensOption",
    "BudgetOption",
    "CacheDirOption",
    "CacheOption",
    "CalibrationOption",
    "DeviceOption",
    "FileOption",
    "FirstOption",
    "IdFieldOption",
    "InputFormatOption",
    "JsonLinesOption",
    "JsonOption",
    "KeepOption",
    "MaxLengthOption",
    "ModelOption",
    "NormalizeOption",
    "PrecisionOption",
    "ProgressOption",
    "QuietOption",
    "RevisionOption",
    "ThreadsOption",
    "TrustOption",
    "WindowsOption",
    "Form",
    "output_form",
    "progress_wanted",
]

Form: TypeAlias = Literal["table", "plain", "json", "jsonl"]


def _one_of(choices: object) -> str:
    names = get_args(choices)
    return f"{', '.join(names[:-1])} or {names[-1]}"


_MODEL, _INPUT, _OUTPUT, _LONG, _CASCADE = "Model", "Input", "Output", "Long documents", "Cascade"


def _known_models(incomplete: str) -> list[str]:
    from ..models.catalogue import catalogue

    return [name for name in ("embedded", *(model.id for model in catalogue())) if name.startswith(incomplete)]


ModelOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="embedded (shipped, no download), a hub id, or a folder.",
        rich_help_panel=_MODEL,
        autocompletion=_known_models,
    ),
]
RevisionOption: TypeAlias = Annotated[
    str | None, typer.Option("--revision", metavar="NAME", help="Branch, tag or commit of a hub model.", rich_help_panel=_MODEL)
]
CacheDirOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--cache-dir", metavar="DIR", help="Where downloads are kept, instead of the hub's usual cache.", rich_help_panel=_MODEL),
]
TrustOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code", metavar="", help="Run code that comes with the model. Only for models you trust.", rich_help_panel=_MODEL
    ),
]
CacheOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cache", metavar="FILE", help="Remember scores in this file, for the next time.", rich_help_panel=_MODEL, show_default=False
    ),
]
CalibrationOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        help="What `adjudge calibrate --out` wrote; otherwise what lies beside the model.",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
BackendOption: TypeAlias = Annotated[
    BackendName, typer.Option("--backend", metavar="NAME", help=f"What runs the model: {_one_of(BackendName)}.", rich_help_panel=_MODEL)
]
DeviceOption: TypeAlias = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=_MODEL)
]
PrecisionOption: TypeAlias = Annotated[
    Precision, typer.Option("--precision", metavar="NAME", help=f"What it computes in: {_one_of(Precision)}.", rich_help_panel=_MODEL)
]
ThreadsOption: TypeAlias = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="CPU threads; otherwise one for each core.", rich_help_panel=_MODEL)
]
MaxLengthOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-length", metavar="N", help="Tokens a pair, query included; otherwise all the model has.", rich_help_panel=_MODEL),
]
BatchTokensOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--batch-tokens", metavar="N", help="Padded tokens computed at once; less needs less memory.", rich_help_panel=_MODEL),
]
WindowsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--windows/--truncate",
        metavar="",
        help="Judge a document that is too long in overlapping windows, or only its beginning.",
        rich_help_panel=_LONG,
    ),
]
AggregationOption: TypeAlias = Annotated[
    Aggregation,
    typer.Option("--aggregation", metavar="NAME", help=f"How windows become one score: {_one_of(Aggregation)}.", rich_help_panel=_LONG),
]
FirstOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--first",
        metavar="NAME",
        help="A cheap model that judges all documents first; --model then reads only the best of them.",
        rich_help_panel=_CASCADE,
        show_default=False,
        autocompletion=_known_models,
    ),
]
KeepOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--keep",
        metavar="N",
        help="How many documents --model reads at most; otherwise 20, or with --budget-ms all there is time for.",
        rich_help_panel=_CASCADE,
        show_default=False,
    ),
]
BudgetOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--budget-ms",
        metavar="MS",
        help="Milliseconds that judging may take; what --model has not read by then keeps the score of --first.",
        rich_help_panel=_CASCADE,
        show_default=False,
    ),
]
FileOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="PATH",
        help="Read a file; - is standard input. Can be given several times.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
InputFormatOption: TypeAlias = Annotated[
    InputFormat,
    typer.Option(
        "--input-format",
        "-i",
        metavar="FORMAT",
        help=f"What files and standard input hold: {_one_of(InputFormat)}.",
        rich_help_panel=_INPUT,
    ),
]
IdFieldOption: TypeAlias = Annotated[
    str, typer.Option("--id-field", metavar="NAME", help="JSON field or CSV column that holds the id.", rich_help_panel=_INPUT)
]
NormalizeOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--normalize/--no-normalize",
        metavar="",
        help="Scores as probabilities from 0 to 1, or the model's raw logits.",
        rich_help_panel=_OUTPUT,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON object that holds everything.", rich_help_panel=_OUTPUT)
]
JsonLinesOption: TypeAlias = Annotated[
    bool, typer.Option("--jsonl", metavar="", help="Print one JSON object for each result.", rich_help_panel=_OUTPUT)
]
QuietOption: TypeAlias = Annotated[
    bool,
    typer.Option("--quiet", "-q", metavar="", help="No notes and no progress on standard error, only errors.", rich_help_panel=_OUTPUT),
]
ProgressOption: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        metavar="",
        help="Show progress bars. The default: when standard error is a terminal.",
        rich_help_panel=_OUTPUT,
        show_default=False,
    ),
]


def progress_wanted(asked: bool | None, *, quiet: bool) -> bool:
    """What was asked for, else whether someone looks at standard error."""
    if asked is not None:
        return asked
    return not quiet and sys.stderr is not None and sys.stderr.isatty()


def output_form(*, json: bool, jsonl: bool) -> Form:
    """What was asked for, else a table for a person and plain lines for a pipe."""
    if json and jsonl:
        raise typer.BadParameter("--json and --jsonl exclude each other; give one", param_hint="--json")
    if json or jsonl:
        return "json" if json else "jsonl"
    return "table" if interactive() else "plain"

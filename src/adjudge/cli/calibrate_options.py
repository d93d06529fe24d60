"""Options of `adjudge calibrate` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "BesideOption",
    "CandidatesOption",
    "DataArgument",
    "FolderOption",
    "ForceOption",
    "PictureOption",
    "QueriesOption",
    "RelevantFromOption",
    "SkipBadRowsOption",
    "SplitOption",
]

_DATA, _OUTPUT = "Data", "Output"

DataArgument: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="DATA", help="A file of labelled pairs, or a BEIR folder; several are put together.")
]
RelevantFromOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--relevant-from",
        metavar="LABEL",
        help="The lowest label that counts as relevant. Not given: 1, in judgement groups 2.",
        rich_help_panel=_DATA,
    ),
]
QueriesOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--queries", metavar="N", help="At most so many queries. Not given: all of a file, 500 of a BEIR folder.", rich_help_panel=_DATA
    ),
]
CandidatesOption: TypeAlias = Annotated[
    int,
    typer.Option("--candidates", metavar="N", help="Of a BEIR folder: BM25's N best passages of each query.", rich_help_panel=_DATA),
]
SplitOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", help="Of a BEIR folder: which of its qrels, where there are several.", rich_help_panel=_DATA),
]
SkipBadRowsOption: TypeAlias = Annotated[
    bool,
    typer.Option("--skip-bad-rows", metavar="", help="Go on without rows that cannot be used, naming each.", rich_help_panel=_DATA),
]
FolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FOLDER", help="Write FOLDER/calibration.json.", rich_help_panel=_OUTPUT),
]
BesideOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--write",
        metavar="",
        help="Write calibration.json into the model's own folder, where it is used from then on.",
        rich_help_panel=_OUTPUT,
    ),
]
ForceOption: TypeAlias = Annotated[
    bool, typer.Option("--force", metavar="", help="Replace a calibration.json that is there.", rich_help_panel=_OUTPUT)
]
PictureOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw the diagrams: .png, .svg or .pdf.", rich_help_panel=_OUTPUT),
]

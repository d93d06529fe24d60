"""Options of `adjudge monitor` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ..types import ScoreType

__all__ = ["BaselineOption", "ForceOption", "OutOption", "ScoresArgument", "ScoreTypeOption"]

_DATA, _OUTPUT = "Data", "Output"

ScoresArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATA",
        help="JSON lines of rankings, scores, or questions with documents; or a BEIR folder; - is standard input.",
    ),
]
ScoreTypeOption: TypeAlias = Annotated[
    ScoreType | None,
    typer.Option(
        "--score-type",
        metavar="NAME",
        help="What scores are that do not say it: calibrated, sigmoid, softmax or logit.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
OutOption: TypeAlias = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="Where the reference is written.", rich_help_panel=_OUTPUT)
]
ForceOption: TypeAlias = Annotated[bool, typer.Option("--force", metavar="", help="Replace a file that is there.", rich_help_panel=_OUTPUT)]
BaselineOption: TypeAlias = Annotated[
    Path,
    typer.Option("--baseline", "-b", metavar="FILE", help="The reference that `adjudge monitor baseline` wrote.", rich_help_panel=_DATA),
]

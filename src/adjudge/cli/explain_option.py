"""`--explain`, and `--explain 3`: an option whose number may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand

__all__ = ["ExplainOption", "ExplainingCommand", "numbered"]

_NAME = "--explain"
_NUMBER = re.compile(r"[+-]?\d+")

ExplainOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        _NAME,
        metavar="[N]",
        min=1,
        help="Show which sentences carried the score of the best result, or of the best N: each passage is judged again without each "
        "of its sentences.",
        rich_help_panel="Output",
        show_default=False,
    ),
]


class ExplainingCommand(TyperCommand):
    """A command that reads `--explain` as `--explain 1`, unless a whole number follows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As always, on arguments in which every `--explain` has its number."""
        return super().parse_args(ctx, list(numbered(args)))


def numbered(arguments: Sequence[str]) -> Iterator[str]:
    """`--explain` becomes `--explain=1`, and `--explain 3` becomes `--explain=3`; what stands behind `--` stays."""
    waiting = False
    for at, argument in enumerate(arguments):
        if argument == "--":  # all behind it are texts
            yield from [f"{_NAME}=1"] if waiting else []
            yield from arguments[at:]
            return
        if waiting and _NUMBER.fullmatch(argument):
            yield f"{_NAME}={argument}"
            waiting = False
            continue
        if waiting:
            yield f"{_NAME}=1"
        waiting = argument == _NAME
        if not waiting:
            yield argument
    if waiting:
        yield f"{_NAME}=1"

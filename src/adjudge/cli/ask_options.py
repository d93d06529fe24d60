"""Options of `adjudge ask` that no other command has."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

__all__ = [
    "ExtractiveOption",
    "InstructionsOption",
    "LanguageModelOption",
    "LanguageModelUrlOption",
    "MaxTokensOption",
    "PassOption",
    "TemperatureOption",
    "TimeoutOption",
]

_ANSWER = "Answer"

PassOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--threshold",
        "-t",
        metavar="RULE",
        help="Answer from what scores at least 0.3, relative:0.5 of the best, or dynamic.",
        rich_help_panel="Search",
    ),
]
LanguageModelUrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--llm-url",
        metavar="URL",
        help="Base URL of an OpenAI-compatible server, mostly ending in /v1.",
        rich_help_panel=_ANSWER,
        show_default=False,
    ),
]
LanguageModelOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--llm-model", metavar="NAME", help="The language model, as its server calls it.", rich_help_panel=_ANSWER, show_default=False
    ),
]
ExtractiveOption: TypeAlias = Annotated[
    bool,
    typer.Option("--extractive", metavar="", help="Quote the sentences that carried the score; ask no model.", rich_help_panel=_ANSWER),
]
InstructionsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--instructions",
        metavar="TEXT",
        help='Added to the rules for the language model: "Answer in French."',
        rich_help_panel=_ANSWER,
        show_default=False,
    ),
]
MaxTokensOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--max-tokens", metavar="N", help="Of the answer; otherwise the server's limit.", rich_help_panel=_ANSWER),
]
TemperatureOption: TypeAlias = Annotated[
    float | None,
    typer.Option("--temperature", metavar="T", help="Of the language model; otherwise the server's own.", rich_help_panel=_ANSWER),
]
TimeoutOption: TypeAlias = Annotated[
    float, typer.Option("--timeout", metavar="S", help="Seconds that the language model may keep silent.", rich_help_panel=_ANSWER)
]

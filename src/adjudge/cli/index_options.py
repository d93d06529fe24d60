"""Options of `adjudge index`, and the --index of whatever looks into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "FollowLinksOption",
    "HiddenOption",
    "IgnoreFilesOption",
    "IndexArgument",
    "IndexOption",
    "MaxMibOption",
    "MaxTokensOption",
    "MinTokensOption",
    "PathsArgument",
    "PruneOption",
    "RebuildOption",
    "TextFieldOption",
    "TitleFieldOption",
]

_FILES, _PASSAGES = "Files", "Passages"
_WHERE = "A folder, milvus://host:19530/collection, or a .db file."

PathsArgument: TypeAlias = Annotated[list[Path], typer.Argument(metavar="PATH", help="Files and folders.", show_default=False)]
IndexArgument: TypeAlias = Annotated[str, typer.Argument(metavar="INDEX", help=_WHERE, show_default=False)]
IndexOption: TypeAlias = Annotated[str, typer.Option("--index", metavar="INDEX", help=_WHERE, envvar="ADJUDGE_INDEX", show_default=False)]
RebuildOption: TypeAlias = Annotated[
    bool, typer.Option("--rebuild", metavar="", help="Throw away what there is, and make it anew: after damage, or for another model.")
]
PruneOption: TypeAlias = Annotated[
    bool, typer.Option("--prune", metavar="", help="Let it take out more than half of the files that are indexed.")
]
MaxTokensOption: TypeAlias = Annotated[
    int, typer.Option("--max-tokens", metavar="N", help="Tokens of a passage at most.", rich_help_panel=_PASSAGES)
]
MinTokensOption: TypeAlias = Annotated[
    int, typer.Option("--min-tokens", metavar="N", help="A section with fewer is joined with the next one.", rich_help_panel=_PASSAGES)
]
TextFieldOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--text-field",
        metavar="NAME",
        help="JSON field or CSV column that holds the text; otherwise text, passage, content, body or document.",
        rich_help_panel=_PASSAGES,
        show_default=False,
    ),
]
TitleFieldOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--title-field", metavar="NAME", help="The one that holds a title; otherwise title.", rich_help_panel=_PASSAGES, show_default=False
    ),
]
MaxMibOption: TypeAlias = Annotated[
    int, typer.Option("--max-mib", metavar="N", help="A larger file is skipped; of jsonl and csv a larger row.", rich_help_panel=_FILES)
]
HiddenOption: TypeAlias = Annotated[
    bool, typer.Option("--hidden", metavar="", help="Read hidden files and folders too.", rich_help_panel=_FILES)
]
IgnoreFilesOption: TypeAlias = Annotated[
    bool,
    typer.Option("--ignore-files/--no-ignore-files", metavar="", help="Leave out what .gitignore and .ignore say.", rich_help_panel=_FILES),
]
FollowLinksOption: TypeAlias = Annotated[
    bool, typer.Option("--follow-links", metavar="", help="Follow symbolic links.", rich_help_panel=_FILES)
]

"""Options that `adjudge search` and `adjudge ask` share."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

import typer

__all__ = [
    "CandidatesOption",
    "FusionOption",
    "IndexOption",
    "KeptOption",
    "QuestionArgument",
    "RetrieverName",
    "RetrieverOption",
    "WhereOption",
]

_SEARCH = "Search"

RetrieverName: TypeAlias = Literal["hybrid", "dense", "bm25"]

QuestionArgument: TypeAlias = Annotated[str, typer.Argument(metavar="QUERY", help="The question.")]
IndexOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--index",
        metavar="INDEX",
        help="What `adjudge index build` made: a folder, a Milvus Lite file (.db) or milvus://host:19530/collection.",
        envvar="ADJUDGE_INDEX",
        rich_help_panel=_SEARCH,
        show_default=False,
    ),
]
CandidatesOption: TypeAlias = Annotated[
    int, typer.Option("--candidates", "-c", metavar="N", help="Passages that the first stage brings to the judge.", rich_help_panel=_SEARCH)
]
KeptOption: TypeAlias = Annotated[
    int, typer.Option("--top-n", "-n", metavar="N", help="How many to keep at most.", rich_help_panel=_SEARCH)
]
RetrieverOption: TypeAlias = Annotated[
    RetrieverName,
    typer.Option(
        "--retriever",
        metavar="NAME",
        help=f"The first stage: {', '.join(get_args(RetrieverName)[:-1])} or {get_args(RetrieverName)[-1]}; hybrid fuses the other two.",
        rich_help_panel=_SEARCH,
    ),
]
FusionOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--fusion",
        metavar="W",
        help="Order by the judge's places and the first stage's together, these with the weight W: 0.5. Default: by the judge alone.",
        rich_help_panel=_SEARCH,
        show_default=False,
    ),
]
WhereOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        help="Only passages whose metadata fit: year>=2020, lang=en,de, status!=draft. Can be given several times; all must hold.",
        rich_help_panel=_SEARCH,
        show_default=False,
    ),
]

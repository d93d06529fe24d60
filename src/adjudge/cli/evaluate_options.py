"""Options of `adjudge evaluate` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "CandidatesOption",
    "DataArgument",
    "FailUnderGainOption",
    "LanguageOption",
    "LeastGainOption",
    "MeasuresOption",
    "OneAtATimeOption",
    "PeerPythonOption",
    "QrelsOption",
    "QueriesOption",
    "RelevantFromOption",
    "ReportOption",
    "RerankOption",
    "ResamplesOption",
    "RestartOption",
    "ResultOption",
    "RetrieverOption",
    "SeedOption",
    "SplitOption",
    "WorstOption",
]

_DATA, _RUN, _MEASURES, _OUTPUT = "Data", "Run", "Measures", "Output"

DataArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder in BEIR's layout, or a .jsonl, .csv or .tsv file of queries with their passages."),
]
SplitOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", help="Of a BEIR folder: which of its qrels, where there are several.", rich_help_panel=_DATA),
]
QrelsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--qrels", metavar="FILE", help="Of a BEIR folder: judgements from this file instead, TSV or TREC's form.", rich_help_panel=_DATA
    ),
]
RelevantFromOption: TypeAlias = Annotated[
    int, typer.Option("--relevant-from", metavar="GRADE", help="The lowest grade that counts as relevant.", rich_help_panel=_DATA)
]
QueriesOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--queries", metavar="N", help="At most so many queries, the same ones each time. Not given: all.", rich_help_panel=_DATA),
]
LanguageOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="NAME",
        help="Of all queries. Not given: what the data says of each, else its script.",
        rich_help_panel=_DATA,
    ),
]
RetrieverOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--retriever",
        "-r",
        metavar="NAME",
        help="The first stage: bm25, dense, hybrid, or a TREC run's file (.trec, .run, .txt).",
        rich_help_panel=_RUN,
    ),
]
RerankOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--rerank",
        metavar="NAME[,NAME...]",
        help="Rerankers, the one to be judged first: embedded, a hub id, a folder, or of another library as LIBRARY:MODEL.",
        rich_help_panel=_RUN,
        show_default=False,
    ),
]
CandidatesOption: TypeAlias = Annotated[
    int, typer.Option("--candidates", "-k", metavar="N", help="How many of the first stage's best are reranked.", rich_help_panel=_RUN)
]
PeerPythonOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--peer-python",
        metavar="LIBRARY=PYTHON",
        help="The interpreter of the environment that another library is installed in.",
        rich_help_panel=_RUN,
        show_default=False,
    ),
]
OneAtATimeOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--one-at-a-time",
        metavar="",
        help="One reranker after the other instead of in turns: only one is loaded, and latencies compare less well.",
        rich_help_panel=_RUN,
    ),
]
RestartOption: TypeAlias = Annotated[
    bool,
    typer.Option("--restart", metavar="", help="Begin anew, though an interrupted run could be continued.", rich_help_panel=_RUN),
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of the order of work, the bootstrap and the permutation test.", rich_help_panel=_RUN)
]
MeasuresOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--measures",
        metavar="NAME[,NAME...]",
        help="By ir_measures' names; the first one decides. Not given: nDCG@10, RR@10, Success@1, Success@3, R@N, AP.",
        rich_help_panel=_MEASURES,
        show_default=False,
    ),
]
LeastGainOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--least-gain", metavar="GAIN", help="A smaller difference in the first measure is not worth having.", rich_help_panel=_MEASURES
    ),
]
ResamplesOption: TypeAlias = Annotated[
    int, typer.Option("--resamples", metavar="N", help="Of the bootstrap and the permutation test.", rich_help_panel=_MEASURES)
]
FailUnderGainOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--fail-under-gain",
        metavar="GAIN",
        help="End with exit code 13 where the first reranker's gain is below this, or is not sure. For CI.",
        rich_help_panel=_MEASURES,
        show_default=False,
    ),
]
WorstOption: TypeAlias = Annotated[
    int, typer.Option("--worst", metavar="N", help="How many losses are kept as text, of each reranker.", rich_help_panel=_OUTPUT)
]
ResultOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the whole result; - is standard output. A run that is killed goes on from FILE.journal.",
        rich_help_panel=_OUTPUT,
        show_default=False,
    ),
]
ReportOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write it as one HTML page.", rich_help_panel=_OUTPUT, show_default=False),
]

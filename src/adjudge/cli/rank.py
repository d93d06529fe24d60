"""`adjudge rank`: which of these documents answer the query, best first."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import out, write
from .documents import Candidates, ReadConfig, read_candidates
from .explain_option import ExplainingCommand, ExplainOption
from .json_text import to_json
from .loading import check_cascade, open_reranker
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    BudgetOption,
    CacheDirOption,
    CacheOption,
    CalibrationOption,
    DeviceOption,
    FileOption,
    FirstOption,
    Form,
    IdFieldOption,
    InputFormatOption,
    JsonLinesOption,
    JsonOption,
    KeepOption,
    MaxLengthOption,
    ModelOption,
    NormalizeOption,
    PrecisionOption,
    ProgressOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    WindowsOption,
    output_form,
    progress_wanted,
)
from .prose import examples, flow

if TYPE_CHECKING:
    from ..reranker import Reranker
    from ..types import Explanation, Ranking

__all__ = ["EXAMPLES", "app", "rank"]

app = typer.Typer()

logger = logging.getLogger("adjudge.cli")

EXAMPLES = (
    'adjudge rank "What do pandas eat?" "Giant pandas eat bamboo." "Red apples are sweet."',
    'adjudge rank "What do pandas eat?" --file animals.jsonl --field body --top-n 5',
    'adjudge rank "What do pandas eat?" --file notes/ --threshold dynamic --json',
    'adjudge rank "What do pandas eat?" --file notes/ --top-n 5 --explain 2',
    'grep -h panda *.txt | adjudge rank "What do pandas eat?" | head -3',
)


HELP = """
    Rank documents by how well they answer QUERY, best first.

    Documents are arguments, files, folders or standard input. A .jsonl or .json file holds objects or strings, a .csv or .tsv file
    has a header, any other file is one document; of a folder the text files are read. Standard input is one document a line.
    Fields beside text and id come back as metadata. What is longer than the model is judged in windows.

    Prints a table in a terminal; in a pipe one line for each result: rank, score, position, id and text, with tabs between. With
    --explain, lines of its sentences follow a result: nothing, effect, first character, end and text.
    """


@app.command(cls=ExplainingCommand, help=flow(HELP), epilog=examples(EXAMPLES))
def rank(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="The question.")],
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="Texts to judge; - is standard input.", show_default=False)
    ] = None,
    file: FileOption = None,
    input_format: InputFormatOption = "auto",
    field: Annotated[
        str,
        typer.Option("--field", "--column", metavar="NAME", help="JSON field or CSV column that holds the text.", rich_help_panel="Input"),
    ] = "text",
    id_field: IdFieldOption = "id",
    top_n: Annotated[
        int | None, typer.Option("--top-n", "-n", metavar="N", help="How many to keep; otherwise all.", rich_help_panel="Output")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold",
            "-t",
            metavar="RULE",
            help="Keep what scores at least 0.3, relative:0.5 of the best, or dynamic.",
            rich_help_panel="Output",
        ),
    ] = None,
    explain: ExplainOption = None,
    normalize: NormalizeOption = True,
    json: JsonOption = False,
    jsonl: JsonLinesOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    windows: WindowsOption = True,
    aggregation: AggregationOption = "max",
    first: FirstOption = None,
    keep: KeepOption = None,
    budget_ms: BudgetOption = None,
    model: ModelOption = "embedded",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    max_length: MaxLengthOption = None,
    max_batch_tokens: BatchTokensOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    cache: CacheOption = None,
    calibration: CalibrationOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Read, judge, show."""
    form = output_form(json=json, jsonl=jsonl)
    hush(quiet)
    _check_request(context.params)
    candidates = read_candidates(documents or (), file or (), ReadConfig(format=input_format, text_field=field, id_field=id_field))
    bars = progress_wanted(progress, quiet=quiet)
    with open_reranker(context.params, progress=bars) as judge:
        ranking = judge.rank(query, candidates.documents, top_n=top_n, threshold=threshold, normalize=normalize, progress=bars)
        explanations = tuple(ranking.explain(i) for i in range(min(0 if explain is None else explain, len(ranking))))
        _show(_Found(candidates.explain(ranking), explanations), candidates, judge, form, quiet=quiet)


def _check_request(params: Mapping[str, Any]) -> None:
    """What the library would refuse anyway, but only after a model was loaded, or even downloaded, for nothing."""
    from ..engine.documents import accept_query
    from ..engine.ranking import RankOptions
    from ..engine.thresholds import parse_threshold

    accept_query(params["query"])
    RankOptions(top_n=params["top_n"], threshold=parse_threshold(params["threshold"]), normalize=params["normalize"])
    check_cascade(params, [params["model"]])


@dataclass(frozen=True, slots=True)
class _Found:
    ranking: Ranking
    explanations: tuple[Explanation, ...]  # of the best results


def _show(found: _Found, candidates: Candidates, judge: Reranker, form: Form, *, quiet: bool) -> None:
    ranking, explanations, places = found.ranking, found.explanations, candidates.places
    if form == "table":
        from .ranking_table import show_ranking

        show_ranking(out(), ranking, places, judge, explanations=explanations, quiet=quiet)
        return
    from .ranking_text import ranking_object, result_objects, tab_lines

    if form == "json":
        write(to_json(ranking_object(ranking, places, judge, explanations), indent=2))
        return
    for line in result_objects(ranking, places, explanations) if form == "jsonl" else tab_lines(ranking, explanations):
        write(line)
    for refused in ranking.refused:
        place = places[refused.index]
        logger.warning("%s%s", f"{place}: " if place else "", refused.message)
    for warning in ranking.warnings:
        logger.warning("%s", warning)

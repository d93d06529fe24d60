"""`adjudge search`: find many in an index, judge them, keep those that answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from .console import out, write
from .json_text import to_json
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
    FirstOption,
    Form,
    JsonLinesOption,
    JsonOption,
    KeepOption,
    MaxLengthOption,
    ModelOption,
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
from .search_options import CandidatesOption, FusionOption, IndexOption, KeptOption, QuestionArgument, RetrieverOption, WhereOption
from .searching import check_search, open_pipeline, say_if_nothing_meets

if TYPE_CHECKING:
    from ..pipeline import Pipeline, PipelineResult

__all__ = ["EXAMPLES", "app", "search"]

app = typer.Typer()

logger = logging.getLogger("adjudge.cli")

EXAMPLES = (
    'adjudge search "How do I reset the device?" --index manuals',
    'adjudge search "How do I reset the device?" --index manuals --where "lang=en" --where "year>=2020" --json',
    'adjudge search "reset" --index manuals --retriever bm25 --no-rerank --top-n 20',
)

HELP = """
    Search an index: the first stage finds --candidates passages by their words and their meaning, the judge reads each of them together
    with the question, and the best --top-n are kept.

    Each result shows what the judge says and where each stage had it. With --no-rerank the first stage stands alone, for comparison.

    Prints a table in a terminal; in a pipe one line for each result: rank, score, file, id and text, with tabs between.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def search(
    context: typer.Context,
    query: QuestionArgument,
    index: IndexOption,
    candidates: CandidatesOption = 100,
    top_n: KeptOption = 5,
    threshold: Annotated[
        str | None,
        typer.Option(
            "--threshold",
            "-t",
            metavar="RULE",
            help="Keep what scores at least 0.3, relative:0.5 of the best, or dynamic.",
            rich_help_panel="Search",
        ),
    ] = None,
    where: WhereOption = None,
    retriever: RetrieverOption = "hybrid",
    fusion: FusionOption = None,
    rerank: Annotated[
        bool,
        typer.Option(
            "--rerank/--no-rerank", metavar="", help="Judge what was found, or show it as it was found.", rich_help_panel="Search"
        ),
    ] = True,
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
    """Open, search, show."""
    form = output_form(json=json, jsonl=jsonl)
    hush(quiet)
    conditions = check_search(context.params, judge=rerank)
    bars = progress_wanted(progress, quiet=quiet)
    with open_pipeline(context.params, judge=rerank, progress=bars) as pipeline:
        result = pipeline.search(query, where=conditions, progress=bars and rerank)
        say_if_nothing_meets(result, where)
        _show(result, pipeline, form, quiet=quiet)


def _show(result: PipelineResult, pipeline: Pipeline, form: Form, *, quiet: bool) -> None:
    if form == "table":
        from .search_view import show_search

        show_search(out(), result, pipeline, quiet=quiet)
        return
    from .search_text import hit_objects, search_object, tab_lines

    if form == "json":
        write(to_json(search_object(result, pipeline), indent=2))
        return
    for line in hit_objects(result) if form == "jsonl" else tab_lines(result):
        write(line)
    for warning in result.warnings:
        logger.warning("%s", warning)

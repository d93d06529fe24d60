"""`adjudge score`: one number for each pair of query and passage, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .console import out, write
from .json_text import to_json
from .loading import open_reranker
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    CacheDirOption,
    CacheOption,
    CalibrationOption,
    DeviceOption,
    FileOption,
    Form,
    IdFieldOption,
    InputFormatOption,
    JsonLinesOption,
    JsonOption,
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
from .pairs import PairConfig, read_pairs
from .prose import examples, flow

if TYPE_CHECKING:
    from ..reranker import Reranker
    from .scores_output import Scored

__all__ = ["EXAMPLES", "app", "score"]

app = typer.Typer()

EXAMPLES = (
    'adjudge score "What do pandas eat?" "Giant pandas eat bamboo."',
    "adjudge score --file pairs.jsonl --no-normalize",
    "adjudge score --file pairs.csv --query-field question --passage-field answer --json",
)

HELP = """
    Score pairs of a query and a passage, in the order they are given.

    The pairs are one pair of arguments, files, or standard input: JSON objects with "query" and "passage" (or "text"), one a line,
    or [query, passage]; CSV and TSV files have a header. A passage longer than the model is judged in windows.

    Prints a table in a terminal; in a pipe one score a line.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def score(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="The question; - is standard input.", show_default=False)] = None,
    passage: Annotated[str | None, typer.Argument(metavar="PASSAGE", help="The text to judge.", show_default=False)] = None,
    file: FileOption = None,
    input_format: InputFormatOption = "auto",
    query_field: Annotated[
        str, typer.Option("--query-field", metavar="NAME", help="JSON field or CSV column that holds the query.", rich_help_panel="Input")
    ] = "query",
    passage_field: Annotated[
        str | None,
        typer.Option(
            "--passage-field", metavar="NAME", help="The same for the passage. Not given: passage or text.", rich_help_panel="Input"
        ),
    ] = None,
    id_field: IdFieldOption = "id",
    normalize: NormalizeOption = True,
    json: JsonOption = False,
    jsonl: JsonLinesOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
    windows: WindowsOption = True,
    aggregation: AggregationOption = "max",
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
    """Read, score, show."""
    from .scores_output import Scored

    form = output_form(json=json, jsonl=jsonl)
    hush(quiet)
    config = PairConfig(format=input_format, query_field=query_field, passage_field=passage_field, id_field=id_field)
    pairs = read_pairs(query, passage, file or (), config)
    bars = progress_wanted(progress, quiet=quiet)
    with open_reranker(context.params, progress=bars) as judge:
        scores = judge.score([(p.query, p.passage) for p in pairs], normalize=normalize, progress=bars)
        _show([Scored(i, pair, value) for i, (pair, value) in enumerate(zip(pairs, scores, strict=True))], judge, form, normalize=normalize)


def _show(scored: list[Scored], judge: Reranker, form: Form, *, normalize: bool) -> None:
    from .scores_output import scores_object, show_scores

    if form == "table":
        show_scores(out(), scored, logit=not normalize)
    elif form == "json":
        write(to_json(scores_object(scored, judge, normalize=normalize), indent=2))
    else:
        for one in scored:
            write(to_json(one.fields()) if form == "jsonl" else f"{one.score:.6f}")

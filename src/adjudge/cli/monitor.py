"""`adjudge monitor`: keep how scores were distributed while all was well, and see whether they still are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import ConfigError
from .calibrate_options import CandidatesOption, QueriesOption, SkipBadRowsOption, SplitOption
from .console import out, write
from .json_text import to_json
from .loading import open_reranker
from .monitor_options import BaselineOption, ForceOption, OutOption, ScoresArgument, ScoreTypeOption
from .notes import hush
from .options import (
    AggregationOption,
    BackendOption,
    BatchTokensOption,
    CacheDirOption,
    CalibrationOption,
    DeviceOption,
    JsonOption,
    MaxLengthOption,
    ModelOption,
    PrecisionOption,
    ProgressOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    WindowsOption,
    progress_wanted,
)
from .prose import examples, flow
from .writable import check_writable, refuse_read, writing

if TYPE_CHECKING:
    from ..monitor import Reference
    from .monitor_judge import Judged
    from .monitor_rows import ScoredQuery

__all__ = ["EXAMPLES", "app", "baseline", "report"]

EXAMPLES = (
    "adjudge monitor baseline questions.jsonl --out reference.json",
    "adjudge monitor baseline my-beir-set/ --model ./my-model --out reference.json",
    "adjudge monitor report rankings.jsonl --baseline reference.json",
    "adjudge monitor report last-week.jsonl.gz --baseline reference.json --json",
)

app = typer.Typer(name="monitor", help="Whether the scores are still distributed as they were.", no_args_is_help=True)

_ROWS = """
    DATA is JSONL (or .jsonl.gz, or -): {"query", "documents"} rows, which the model judges now, rankings as `adjudge rank --json` or the
    service give them, or {"scores"} rows of one query each; or a folder in BEIR's layout. docs/monitoring.md shows each form.
"""

BASELINE_HELP = f"""
    Store a reference: how scores, best scores and their spread are distributed over queries, from queries like those that will come.

    {_ROWS.strip()}

    Fifty queries are needed; with some hundreds smaller changes are seen. Prints what was stored, and how much must change for an alarm.
    """

REPORT_HELP = f"""
    Compare queries with a reference: population stability index and Kolmogorov-Smirnov distance, of all of them and in sliding windows.

    {_ROWS.strip()} Questions are judged by the reference's own model unless --model names another.

    Ends with 0 whatever is found; --json holds "drifting" and every number.
    """


@app.command("baseline", help=flow(BASELINE_HELP), epilog=examples(EXAMPLES[:2]))
def baseline(
    context: typer.Context,
    data: ScoresArgument,
    target: OutOption,
    force: ForceOption = False,
    score_type: ScoreTypeOption = None,
    queries: QueriesOption = None,
    candidates: CandidatesOption = 20,
    split: SplitOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    json: JsonOption = False,
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
    calibration: CalibrationOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Read, judge, store."""
    from ..monitor import write_reference
    from .monitor_judge import Judged
    from .monitor_report import build_reference, file_names

    hush(quiet)
    _check_target(target, force=force, read=data)
    found = Judged()
    rows = _scored(context, found, model=model if _given(context, "model") else "")
    reference = build_reference(rows, data=file_names(data))
    reference = replace(reference, origin=replace(reference.origin, runtime=found.runtime))
    kept: Path | None = None
    try:
        with writing(target):
            write_reference(target, reference)
        kept = target
    finally:  # what all queries were judged for is shown whether or not it could be kept
        _show_baseline(reference, kept, json=json, quiet=quiet)


@app.command("report", help=flow(REPORT_HELP), epilog=examples(EXAMPLES[2:]))
def report(
    context: typer.Context,
    data: ScoresArgument,
    reference_file: BaselineOption,
    score_type: ScoreTypeOption = None,
    queries: QueriesOption = None,
    candidates: CandidatesOption = 20,
    split: SplitOption = None,
    skip_bad_rows: SkipBadRowsOption = False,
    json: JsonOption = False,
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
    calibration: CalibrationOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Read, judge where needed, compare."""
    from ..monitor import load_reference
    from .monitor_judge import Judged
    from .monitor_report import compare_with
    from .monitor_view import show_report

    hush(quiet)
    reference = load_reference(reference_file)
    own = reference.origin
    named_model = _given(context, "model")
    if not named_model:
        context.params["model"] = own.model
    if score_type is None:
        context.params["score_type"] = own.score_type
    rows = _scored(context, Judged(), model=context.params["model"], revision=None if named_model else own.revision)
    found = compare_with(reference, rows)
    if json:
        write(to_json({"model": own.model, "reference": reference_file, **found.fields()}, indent=2))
    else:
        show_report(out(), found, reference, quiet=quiet)


def _scored(context: typer.Context, found: Judged, *, model: str, revision: str | None = None) -> Iterator[ScoredQuery]:
    """Every query with its scores. `model` and `revision`: of scores whose row names none."""
    from .monitor_judge import judge_queries
    from .monitor_report import named
    from .monitor_rows import RowConfig, read_queries

    params: dict[str, Any] = context.params
    config = RowConfig(**{name: params[name] for name in ("queries", "candidates", "split", "skip_bad_rows")})
    bars = progress_wanted(params["progress"], quiet=params["quiet"])
    judged = judge_queries(read_queries(params["data"], config), lambda: open_reranker(params, progress=bars), found, progress=bars)
    given = params["revision"] if revision is None else revision
    return named(
        judged,
        model=model,
        revision="" if given is None else given,
        score_type="" if params["score_type"] is None else params["score_type"],
    )


def _show_baseline(reference: Reference, target: Path | None, *, json: bool, quiet: bool) -> None:
    if json:
        medians = {name: one.sketch.quantile(0.5) for name, one in reference.quantities.items()}
        facts = {name: getattr(reference.origin, name) for name in ("model", "revision", "score_type", "runtime", "data", "created")}
        write(to_json({**facts, "queries": reference.queries, "medians": medians, "file": target}, indent=2))
        return
    from .monitor_view import show_reference

    show_reference(out(), reference, target, quiet=quiet)


def _given(context: typer.Context, name: str) -> bool:
    """Whether the option stands on the command line, and is not its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _check_target(target: Path, *, force: bool, read: Iterable[Path]) -> None:
    if os.path.isdir(target):  # unlike Path.is_dir, it has no exception for a name that is too long
        raise ConfigError(f"--out {target} is a folder; name a file in it")
    check_writable(target)
    refuse_read("--out", target, read)
    if target.exists() and not force:
        raise ConfigError(f"{target} is there already; --force replaces it")

"""`adjudge doctor`: what is here, what is chosen and why, and whether it computes what it should."""

from __future__ import annotations

from contextlib import nullcontext

import typer

from .console import err, out, write
from .json_text import to_json
from .notes import hush
from .options import (
    BackendOption,
    CacheDirOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    PrecisionOption,
    QuietOption,
    RevisionOption,
    ThreadsOption,
    TrustOption,
    progress_wanted,
)
from .prose import examples, flow

__all__ = ["EXAMPLES", "app", "doctor"]

app = typer.Typer()

EXAMPLES = (
    "adjudge doctor",
    "adjudge doctor --model BAAI/bge-reranker-v2-m3 --precision bf16",
    "adjudge doctor --json",
)

HELP = """
    Say what this machine offers, what is installed, what would run a model and why, and test that the scores are right.

    The self-test judges pairs with the shipped model, in float32 and in the precision that is chosen here, and compares with golden
    scores. It ends with exit code 9 when they differ by more than the tolerance that it prints.
    """


@app.command(help=flow(HELP), epilog=examples(EXAMPLES))
def doctor(
    context: typer.Context,
    model: ModelOption = "embedded",
    backend: BackendOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    revision: RevisionOption = None,
    cache_dir: CacheDirOption = None,
    trust_remote_code: TrustOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Examine, show, and end with the code of what is wrong."""
    from .doctor_report import as_object, examine

    hush(quiet)
    watched = progress_wanted(None, quiet=quiet)
    # The shipped model needs no download, whose bars and this line would write over each other.
    with err().status("loading models and comparing scores") if watched and model == "embedded" else nullcontext():
        report = examine(context.params, progress=watched)
    if json:
        write(to_json(as_object(report), indent=2))
    else:
        from .doctor_view import show_report

        show_report(out(), report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)

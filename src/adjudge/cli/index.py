"""`adjudge index`: files into an index that `adjudge search` and `adjudge ask` look into, and what such an index holds."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import interactive, out, say, write
from .exit_codes import INTERRUPTED
from .index_options import (
    FollowLinksOption,
    HiddenOption,
    IgnoreFilesOption,
    IndexArgument,
    IndexOption,
    MaxMibOption,
    MaxTokensOption,
    MinTokensOption,
    PathsArgument,
    PruneOption,
    RebuildOption,
    TextFieldOption,
    TitleFieldOption,
)
from .interrupts import first_interrupt
from .json_text import to_json
from .notes import hush
from .options import DeviceOption, JsonOption, ModelOption, PrecisionOption, ProgressOption, QuietOption, ThreadsOption, progress_wanted
from .prose import examples, flow

if TYPE_CHECKING:
    from ..retrieval.dense import Embedder
    from ..retrieval.index import BuildReport, IndexConfig

__all__ = ["EXAMPLES", "app", "build", "info"]

EXAMPLES = (
    "adjudge index build docs --index my-index",
    "adjudge index build manuals/ notes.md faq.jsonl --index my-index --text-field answer",
    "adjudge index build docs --index milvus://db.example:19530/docs",
    "adjudge index info my-index --check",
)

app = typer.Typer(name="index", help="Make an index of files, and look at one.", no_args_is_help=True)

BUILD_HELP = """
    Read files, cut them into passages, and store these with their vectors and words.

    Reads .txt, .md, .rst, .html, .pdf, .docx, .jsonl and .csv files, and folders of them. Afterwards the index holds these paths and
    nothing else. Run it again when files have changed: only those are read, and what vanished is taken out. It may be killed at any
    moment, and goes on when it is run again; searches in the meantime see what was stored last.

    The index is a folder (LanceDB), a Milvus server (milvus://host:19530/collection, the token in MILVUS_TOKEN), or a file of Milvus
    Lite (its name ends in .db). Needs the extra search, for Milvus the extra milvus.

    In a pipe one line is printed: files added, changed, unchanged, removed, skipped, and passages, with tabs between.
    """

INFO_HELP = """
    Show what an index holds, and what it was made with. --check reads all of it, to find damage.

    In a pipe one line is printed for each file: its name, passages, and bytes, with tabs between.
    """


@app.command("build", help=flow(BUILD_HELP), epilog=examples(EXAMPLES[:3]))
def build(
    paths: PathsArgument,
    index: IndexOption,
    rebuild: RebuildOption = False,
    prune: PruneOption = False,
    max_tokens: MaxTokensOption = 256,
    min_tokens: MinTokensOption = 32,
    text_field: TextFieldOption = None,
    title_field: TitleFieldOption = None,
    max_mib: MaxMibOption = 64,
    hidden: HiddenOption = False,
    ignore_files: IgnoreFilesOption = True,
    follow_links: FollowLinksOption = False,
    model: ModelOption = "embedded",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    progress: ProgressOption = None,
) -> None:
    """Read, embed, store."""
    from ..retrieval.dense import Embedder
    from ..retrieval.index import IndexConfig
    from ..retrieval.reading import ReadConfig, SplitConfig, WalkConfig
    from ..retrieval.reading.settings import MIB

    hush(quiet)
    settings = IndexConfig(
        walking=WalkConfig(hidden=hidden, ignore_files=ignore_files, follow_links=follow_links),
        reading=ReadConfig(text_field=text_field, title_field=title_field, max_bytes=max_mib * MIB),
        splitting=SplitConfig(max_tokens=max_tokens, min_tokens=min_tokens),
        rebuild=rebuild,
        prune=prune,
    )
    with Embedder(model, device=device, precision=precision, threads=threads) as embedder:
        report = _build(paths, index, settings, embedder, watched=progress_wanted(progress, quiet=quiet))
    _show(report, index, json=json, quiet=quiet)
    if report.stopped:
        raise typer.Exit(INTERRUPTED)


@app.command("info", help=flow(INFO_HELP), epilog=examples(EXAMPLES[3:]))
def info(
    index: IndexArgument,
    check: Annotated[bool, typer.Option("--check", metavar="", help="Read everything once, and say what is damaged.")] = False,
    json: JsonOption = False,
) -> None:
    """Open, look."""
    from ..retrieval.index import open_index
    from .index_view import Contents, contents_object, show_contents

    opened = open_index(index)
    try:
        if check:
            opened.check()
        contents = Contents.of(index, opened)
    finally:
        opened.close()
    if json:
        write(to_json(contents_object(contents), indent=2))
    elif interactive():
        show_contents(out(), contents, checked=check)
    else:
        for file in contents.files:
            write(f"{file.name}\t{file.passages}\t{file.size}")


def _build(paths: list[Path], index: str, settings: IndexConfig, embedder: Embedder, *, watched: bool) -> BuildReport:
    from ..retrieval.index import build_index
    from .index_view import build_progress

    message = "stopping after what is at hand; press Ctrl-C again to stop at once"
    with first_interrupt(message) as interrupted, build_progress(watched) as tell:
        return build_index(paths, index, settings, encoder=embedder, on_progress=tell, stop=interrupted)


def _show(report: BuildReport, index: str, *, json: bool, quiet: bool) -> None:
    from .index_view import account, show_report

    if not quiet:
        for line in account(report):
            say(line)
        if report.truncated:
            say(f"note: {report.truncated} passages are longer than the bi-encoder reads; a smaller --max-tokens mends that")
    if json:
        write(to_json({"index": index} | asdict(report), indent=2))
    elif interactive():
        show_report(out(), report, index)
    else:
        counts = (report.added, report.changed, report.unchanged, report.removed, report.skipped_count, report.passages)
        write("\t".join(map(str, counts)))
    if report.stopped and not quiet:
        say("stopped; the same command goes on from here")

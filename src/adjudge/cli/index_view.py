"""What a person sees of an index: a bar while it is built, what a build did, and what an index holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from .console import err, visible

if TYPE_CHECKING:
    from rich.console import Console

    from ..retrieval.index import BuildProgress, BuildReport, Index, IndexFacts
    from ..retrieval.reading import Skipped

__all__ = ["Contents", "File", "account", "build_progress", "contents_object", "show_contents", "show_report"]

FILES_SHOWN = 20
SKIPPED_SHOWN = 20
NAME_CELLS = 40


@dataclass(frozen=True, slots=True)
class File:
    """A file in an index."""

    name: str
    passages: int
    size: int  # bytes, when it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an index holds."""

    index: str
    facts: IndexFacts
    passages: int
    files: tuple[File, ...]  # by name
    unfinished: tuple[str, ...]  # files that a build was stopped in

    @classmethod
    def of(cls, name: str, index: Index) -> Contents:
        """Ask the index."""
        passages: dict[str, int] = {}
        sizes: dict[str, int] = {}
        ended: dict[str, bool] = {}
        for source in index.sources().values():
            passages[source.source] = passages.get(source.source, 0) + source.chunks
            sizes[source.source] = source.size
            ended[source.source] = ended.get(source.source, False) or source.last
        files = tuple(File(file, passages[file], sizes[file]) for file in sorted(passages))
        unfinished = tuple(file for file in sorted(ended) if not ended[file])
        return cls(index=name, facts=index.facts, passages=index.count(), files=files, unfinished=unfinished)


def contents_object(contents: Contents) -> Mapping[str, Any]:
    """As JSON shows it."""
    return asdict(contents)


@contextmanager
def build_progress(watched: bool) -> Iterator[Callable[[BuildProgress], None] | None]:
    """A bar of files, with the passages that were embedded and the file at hand beside it."""
    if not watched:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files"),
        TextColumn("{task.fields[passages]:,} passages"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("indexing", total=None, passages=0, name="")

        def tell(now: BuildProgress) -> None:
            shown = visible(now.name)[-NAME_CELLS:]
            bar.update(task, completed=now.files, total=now.files_total, passages=now.passages, name=shown)

        yield tell


def account(report: BuildReport) -> Iterator[str]:
    """A line for what was passed over and for what was not as it should be; pictures, style sheets and links are only counted."""
    shown = [item for item in report.skipped if item.reason not in ("format", "link")]
    for item in shown[:SKIPPED_SHOWN]:
        yield f"skipped: {item.source} {item.message}"
    if len(shown) > SKIPPED_SHOWN:
        yield f"skipped: {len(shown) - SKIPPED_SHOWN} more; --json lists them"
    yield from _counted([item for item in report.skipped if item.reason in ("format", "link")])
    if report.skipped_count > len(report.skipped):
        yield f"skipped: {report.skipped_count - len(report.skipped)} more, which are not listed"
    for note in report.notes[:SKIPPED_SHOWN]:
        yield f"note: {note.source}: {note.message}"
    if report.notes_count > SKIPPED_SHOWN:
        yield f"note: {report.notes_count - SKIPPED_SHOWN} more; --json lists {len(report.notes)} in all"


def _counted(items: Sequence[Skipped]) -> Iterator[str]:
    endings = Counter(PurePath(item.source).suffix or "no ending" for item in items if item.reason == "format")
    if endings:
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items(), key=lambda pair: (-pair[1], pair[0])))
        yield f"skipped: {endings.total()} files of kinds that no reader knows ({kinds}); name a file itself to have it read as text"
    links = sum(item.reason == "link" for item in items)
    if links:
        yield f"skipped: {links} symbolic links; --follow-links takes what they point to"


def show_report(console: Console, report: BuildReport, index: str) -> None:
    """What a build did, in two lines."""
    files = f"{report.added:,} added, {report.changed:,} changed, {report.unchanged:,} unchanged, {report.removed:,} removed"
    console.print(f"{index}: {report.passages:,} passages", markup=False)
    console.print(f"files: {files}, {report.skipped_count:,} skipped", markup=False)
    if report.embedded and report.embedding_seconds:
        rate = report.embedded / report.embedding_seconds
        console.print(f"{report.embedded:,} passages embedded in {report.seconds:.1f} s ({rate:,.0f} a second)", markup=False)


def show_contents(console: Console, contents: Contents, *, checked: bool) -> None:
    """What an index holds, and its largest files."""
    facts = contents.facts
    model = f"{facts.model} ({facts.revision})" if facts.revision else facts.model
    settings = ", ".join(f"{name} {value}" for name, value in facts.splitting.items())
    console.print(f"{contents.index}: {contents.passages:,} passages of {len(contents.files):,} files", markup=False)
    console.print(f"bi-encoder: {model}, {facts.dimensions} dimensions; cut with {settings}", markup=False)
    if contents.unfinished:
        console.print(f"a build was stopped in {visible(contents.unfinished[0])}; run it again to go on", markup=False)
    if checked:
        console.print("everything could be read", markup=False)
    _show_files(console, contents)


def _show_files(console: Console, contents: Contents) -> None:
    from rich.table import Table
    from rich.text import Text

    largest = sorted(contents.files, key=lambda file: (-file.passages, file.name))[:FILES_SHOWN]
    table = Table("passages", "bytes", "file", box=None, pad_edge=False)
    for column in table.columns[:2]:
        column.justify = "right"
    for file in largest:
        table.add_row(f"{file.passages:,}", f"{file.size:,}", Text(visible(file.name)))
    console.print(table)
    if len(contents.files) > len(largest):
        console.print(f"and {len(contents.files) - len(largest):,} more; --json lists all", markup=False)

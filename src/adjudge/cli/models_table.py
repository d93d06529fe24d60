"""Models for a person: the list, and the facts of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..models.catalogue import KnownModel
from ..models.facts import ModelFacts
from ..models.files import EMBEDDED
from .console import visible

__all__ = ["Row", "fact_lines", "known_row", "local_row", "show_facts", "show_list", "tab_line"]

_INDENT = 2
_AMPLE = 10_000  # cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list."""

    id: str
    family: str
    licence: str
    languages: tuple[str, ...]
    max_length: int  # tokens of a pair
    parameters_m: float | None  # millions; None where nobody counted them
    backends: tuple[str, ...]  # none: it cannot run, and the note says why
    where: str  # "shipped", "cached" or ""
    note: str


def known_row(model: KnownModel, *, where: str) -> Row:
    """A model of the catalogue."""
    return Row(
        id=model.id,
        family=model.family,
        licence=model.licence,
        languages=model.languages,
        max_length=model.max_length,
        parameters_m=model.parameters_m,
        backends=model.backends,
        where=where,
        note=model.note,
    )


def local_row(facts: ModelFacts) -> Row:
    """A model that is on this machine and not in the catalogue."""
    shipped = facts.name == EMBEDDED
    return Row(
        id=facts.name,
        family=facts.family,
        licence=facts.licence,
        languages=facts.languages,
        max_length=facts.max_length,
        parameters_m=None if facts.parameters is None else round(facts.parameters / 1e6, 1),
        backends=facts.backends,
        where="shipped" if shipped else "cached",
        note="Inside the package: no download." if shipped else "",
    )


def tab_line(row: Row) -> str:
    """For pipes."""
    cells = [
        row.id,
        row.family,
        row.licence,
        ",".join(row.languages),
        row.max_length,
        "" if row.parameters_m is None else f"{row.parameters_m:g}",
        ",".join(row.backends),
        row.where,
    ]
    return "\t".join(visible(str(cell)) or "-" for cell in cells)


def show_list(console: Console, rows: Sequence[Row]) -> None:
    """Print what there is, as a table where the terminal has room for it, and below it what else there is to know."""
    table = _table(rows)
    if console.measure(table, options=console.options.update(width=_AMPLE)).minimum <= console.width:
        console.print(table)
    else:
        _show_below_each_other(console, rows)
    console.print()
    console.print(Text("`adjudge models show NAME` says more, also why one cannot run.", style="dim"))
    console.print(Text("Any other sequence classifier works too: give its hub id or its folder.", style="dim"))


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("model", no_wrap=True, style="cyan")  # an id is there to be copied
    table.add_column("languages", overflow="fold")
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("licence", overflow="fold")
    table.add_column("runs on", overflow="fold")
    table.add_column("here", no_wrap=True)
    for row in rows:
        languages = " ".join(row.languages)
        cells = (visible(row.id), languages, str(row.max_length), _millions(row), _short_licence(row), _runs_on(row), row.where)
        table.add_row(*cells, style=None if row.backends else "dim")
    return table


def _show_below_each_other(console: Console, rows: Sequence[Row]) -> None:
    """Each id on a line of its own, and whole even where it is wider than the terminal; below it the rest."""
    for row in rows:
        style = "" if row.backends else "dim"
        console.print(Text(visible(row.id), style=f"cyan {style}"), soft_wrap=True)
        facts = (" ".join(row.languages), f"{row.max_length} tokens", _millions(row), _short_licence(row), _runs_on(row), row.where)
        for line in _joined([str(fact) for fact in facts if fact], console.width - _INDENT):
            console.print(Padding(Text(line, style=style), (0, 0, 0, _INDENT), expand=False))


def _joined(facts: Sequence[str], cells: int) -> Iterator[str]:
    """The facts in as few lines as they take, each fact whole."""
    line = ""
    for fact in facts:
        longer = f"{line} · {fact}" if line else fact
        if line and cell_len(longer) > cells:
            yield line
            longer = fact
        line = longer
    yield line


def fact_lines(known: KnownModel | None, facts: ModelFacts | None) -> list[tuple[str, str]]:
    """(label, text) of everything that is known of one model, what the files say before what the list says."""
    lines = list(_local_lines(facts)) if facts is not None else []
    said = {label for label, _ in lines}
    lines += [(label, text) for label, text in _known_lines(known) if label not in said] if known is not None else []
    if facts is None:
        lines.append(("on this machine", "no; `adjudge models pull` fetches it"))
    return [(label, visible(text)) for label, text in lines]


def show_facts(console: Console, known: KnownModel | None, facts: ModelFacts | None) -> None:
    """Print the facts of one model, one a line."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in fact_lines(known, facts):
        table.add_row(label, Text(text))
    console.print(table)


def _local_lines(facts: ModelFacts) -> Iterator[tuple[str, str]]:
    yield "model", facts.name
    yield "family", facts.family
    yield "shape", f"{facts.layers} layers, {facts.hidden_size} wide, {facts.attention_heads} heads, {facts.vocab_size:,} words"
    if facts.parameters is None:
        yield "weights", f"an ONNX file in {facts.precision} ({_size(facts.bytes)})"
    else:
        yield "parameters", f"{facts.parameters / 1e6:,.1f} million, stored as {facts.precision} ({_size(facts.bytes)})"
    yield "head", facts.head
    yield "tokens of a pair", f"{facts.max_length}"
    yield "scores", "calibrated" if facts.calibrated else "not calibrated"
    yield "runs on", ", ".join(facts.backends)
    if facts.languages:
        yield "languages", " ".join(facts.languages)
    if facts.licence:
        yield "licence", facts.licence
    if facts.revision:
        yield "edition" if facts.name == EMBEDDED else "commit", facts.revision
    yield "on this machine", str(facts.folder)


def _known_lines(known: KnownModel) -> Iterator[tuple[str, str]]:
    yield "model", known.id
    yield "family", known.family
    yield "parameters", f"{known.parameters_m:,.1f} million"
    yield "tokens of a pair", f"{known.max_length}"
    yield "runs on", ", ".join(known.backends) if known.runs else "nothing"
    yield "languages", " ".join(known.languages)
    yield "licence", known.licence
    yield "note", known.note


def _millions(row: Row) -> str:
    return "?" if row.parameters_m is None else f"{row.parameters_m:,.0f} M"


def _runs_on(row: Row) -> Text:
    return Text(", ".join(row.backends)) if row.backends else Text("cannot run", style="yellow")


def _short_licence(row: Row) -> str:
    """Up to the first explanation: the shipped model's licence is a sentence."""
    return visible(row.licence.split(" (")[0]) or "?"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"

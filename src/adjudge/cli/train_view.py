"""A training run for a person: what it would do, and what it came to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..train.outcome import Evaluation
from ..train.settings import TrainConfig
from ..train.survey import Survey
from .console import visible
from .figures import Figures
from .train_report import Report, has_checkpoint

__all__ = ["show_report", "show_survey"]

INDENT = 2


def show_report(console: Console, report: Report, config: Path, *, quiet: bool = False) -> None:
    """Print how it ended, the measures before and best, what it cost, and what to try next; with `quiet`, only the measures."""
    console.print(_headline(report, config))
    first, best = report.outcome.first, report.outcome.best
    if first is not None and best is not None:
        console.print()
        console.print(_indented(Figures(_measures(first, best))))
    if quiet:
        return
    console.print()
    console.print(_indented(_pairs(_costs(report))))
    for note in _notes(report):
        console.print(Text(note, style="yellow"))
    if report.has_model and report.ended == "finished":
        console.print()
        console.print(Text.assemble(("try it  ", "bold"), _next_command(report)), soft_wrap=True)


def show_survey(console: Console, config: Path, found: Survey, settings: TrainConfig) -> None:
    """Print the files, the rows that cannot be used, and the size of the run."""
    console.print(Text.assemble((visible(str(config)), "bold"), ("  what a run would do; nothing was trained", "")))
    console.print()
    console.print(_indented(_files(found)))
    if found.bad:
        console.print()
        count = "1 row" if len(found.bad) == 1 else f"{len(found.bad):,} rows"
        console.print(Text(f"{count} that cannot be used", style="bold red"))
        for row in found.bad:
            console.print(Text(f"  {visible(str(row))}"), soft_wrap=True)
    console.print()
    console.print(_indented(_pairs(_plan(found, settings))))
    for note in found.notes:
        console.print(Text(f"note: {visible(note)}", style="yellow"))


def _headline(report: Report, config: Path) -> Text:
    steps, planned, began = report.outcome.steps, report.trainer.steps, report.began
    said = {
        "finished": ("done", "bold green", f"  {_count(steps, 'step')}"),
        "stopped": ("stopped", "bold yellow", f"  after step {steps:,} of {planned:,}"),
        "collapsed": ("collapsed", "bold red", f"  at step {steps:,} of {planned:,}: the scores have become one value"),
    }
    word, style, where = said[report.ended]
    resumed = f", resumed at step {began:,}" if 0 < began < planned else ", and nothing was left to do" if report.idle else ""
    return Text.assemble((word, style), where, resumed, (f"  {visible(str(config))}", "dim"))


def _measures(first: Evaluation, best: Evaluation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("", overflow="fold")
    for title in (f"step {first.step:,}" if first.step else "before", f"best, step {best.step:,}", ""):
        table.add_column(title, justify="right", no_wrap=True)
    for name in best.measures:
        table.add_row(Text(visible(name)), _value(first, name), Text(_value(best, name), style="bold"), _change(first, best, name))
    return table


def _value(evaluation: Evaluation, name: str) -> str:
    return f"{evaluation.measures[name]:.4f}" if name in evaluation.measures else "-"


def _change(first: Evaluation, best: Evaluation, name: str) -> Text:
    if name not in first.measures:
        return Text("")
    change = best.measures[name] - first.measures[name]
    return Text(f"{change:+.4f}", style="green" if change > 0 else "red" if change < 0 else "dim")


def _costs(report: Report) -> Iterator[tuple[str, str]]:
    trainer, outcome = report.trainer, report.outcome
    yield "learned from", _count(sum(map(len, trainer.feed.sources)), "group")
    yield "measured on", _count(len(trainer.dev), "group") if trainer.dev else "nothing: there are no dev groups (data.dev, data.dev_share)"
    speed = f", {outcome.tokens / outcome.seconds:,.0f} a second" if outcome.seconds > 0 else ""
    yield "tokens", f"{outcome.tokens:,} in {outcome.seconds / 60:.1f} minutes{speed}"
    yield "model", str(outcome.folder) if report.has_model else "none yet: it is first kept when it is first measured"
    if outcome.curves is not None:
        yield "curves", str(outcome.curves)


def _notes(report: Report) -> Iterator[str]:
    first, best = report.outcome.first, report.outcome.best
    if first is not None and best is not None and best.measures["nDCG@10"] <= first.measures["nDCG@10"]:
        yield "note: no step was better than the model it began as; more data, a lower learning rate or fewer steps may help"
    if report.idle:
        yield "note: this run had ended before; raise --steps to go on with it, or give another --output to begin anew"


def _next_command(report: Report) -> str:
    folder = shlex.quote(str(report.outcome.folder))
    return f'adjudge rank --model {folder} "What do pandas eat?" "Giant pandas eat bamboo." "Red apples are sweet."'


def _files(found: Survey) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("use", no_wrap=True)
    for title in ("groups", "passages", "of a step"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("languages")
    for file in found.files:
        share = f"{file.share:.0%}" if file.use == "train" and found.steps is not None else ""
        table.add_row(visible(str(file.path)), file.use, f"{file.groups:,}", f"{file.passages:,}", share, _languages(file.languages))
    return table


def _languages(languages: Mapping[str, int]) -> str:
    return visible(", ".join(f"{name} {count:,}" for name, count in languages.items()))


def _plan(found: Survey, settings: TrainConfig) -> Iterator[tuple[str, str]]:
    yield "base", settings.model.base + _cut(found)
    yield "measured on", _dev(found)
    alone = sum(file.alone for file in found.files if file.use == "train")
    if alone:
        yield "alone", f"{_count(alone, 'group')} with a single passage: only loss.pointwise learns from those"
    tokens = found.tokens
    if found.steps is not None and found.epoch_steps is not None:
        estimate = "" if tokens is None else f", about {tokens.per_step:,.0f} tokens"
        yield "a step", f"{_count(found.groups_per_step, 'group')}{estimate}"
        total = "" if tokens is None else f", about {tokens.per_step * found.steps:,.0f} tokens"
        rounds = found.steps / found.epoch_steps
        yield "the run", f"{_count(found.steps, 'step')}{total}; {rounds:.3g} times through the data"
    goes_on = " (holds a checkpoint: the run would go on from it)" if has_checkpoint(settings) else ""
    yield "output", f"{settings.run.output}{goes_on}"


def _cut(found: Survey) -> str:
    if found.tokens is None:
        return ""
    longer = f"{found.tokens.cut:.1%} of the pairs are longer, and cut" if found.tokens.cut else "no pair is longer"
    return f", at most {found.tokens.max_length} tokens a pair ({longer})"


def _dev(found: Survey) -> str:
    held_back = sum(file.held_back for file in found.files)
    if not found.dev:
        return "nothing (data.dev names files, data.dev_share holds groups back)"
    return _count(found.dev, "group") + (f", of {held_back:,} held back" if held_back else "")


def _pairs(lines: Iterator[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in lines:
        grid.add_row(label, Text(visible(text)))
    return grid


def _indented(table: Table | Figures) -> Padding:
    return Padding(table, (0, 0, 0, INDENT), expand=False)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

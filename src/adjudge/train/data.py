"""The files of a run as lists of groups, dev groups held apart, bad rows reported."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError
from .measure import usable
from .rows import BadRow, Group, Rows, read_groups
from .settings import DataConfig, TrainConfig

__all__ = ["Data", "Files", "arrange", "load_data", "read_files"]

logger = logging.getLogger("adjudge")

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is learned from and what is watched."""

    sources: tuple[tuple[Group, ...], ...]  # one for each training file
    shares: tuple[float, ...]  # of a step's groups, sum 1
    dev: tuple[Group, ...]
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the files of a run hold, one entry for each, before anything is held back or refused."""

    train: tuple[Rows, ...]
    dev: tuple[Rows, ...]

    @property
    def bad(self) -> tuple[BadRow, ...]:
        """The rows that cannot be used, of all files."""
        return tuple(row for rows in (*self.train, *self.dev) for row in rows.bad)


def load_data(config: TrainConfig) -> Data:
    """Read every file. Raises InputError for one that is empty or, unless `on_bad_rows` is "report", holds a bad row."""
    settings = config.data
    files = read_files(settings)
    for path, rows in zip((*settings.train, *settings.dev), (*files.train, *files.dev), strict=True):
        if not rows.groups:
            raise InputError(f"{path} holds no usable row{''.join(f'; {b}' for b in rows.bad[:3])}")
    if files.bad:
        _report(files.bad, raising=settings.on_bad_rows == "raise")
    return arrange(files, config)


def read_files(settings: DataConfig) -> Files:
    """Every file, bad rows beside the good ones. Raises InputError where one cannot be read."""
    train, dev = (tuple(read_groups(path, best_grade=settings.best_grade) for path in paths) for paths in (settings.train, settings.dev))
    return Files(train=train, dev=dev)


def arrange(files: Files, config: TrainConfig) -> Data:
    """Hold back the dev groups and work out each file's share of a step. Every training file must hold a group."""
    settings = config.data
    sources = [list(rows.groups) for rows in files.train]
    dev = [group for rows in files.dev for group in rows.groups]
    if not dev and settings.dev_share:
        draw = random.Random(config.run.seed)
        sources, dev = _hold_back(sources, settings.dev_share, draw)
    _refuse_overlap(sources, dev)
    idle = len(dev) - len(usable(dev))
    if idle:
        logger.warning("%d of the %d dev groups hold no two passages of different grades, so nothing is measured on them", idle, len(dev))
    sizes = [len(groups) for groups in sources]
    weights = settings.shares if settings.shares else [float(size) for size in sizes]
    shares = tuple(weight / sum(weights) for weight in weights)
    return Data(sources=tuple(map(tuple, sources)), shares=shares, dev=tuple(dev), bad=files.bad)


def _report(bad: Sequence[BadRow], *, raising: bool) -> None:
    shown = "\n".join(map(str, bad[:_SHOWN])) + (f"\nand {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else "")
    if raising:
        raise InputError(f'{len(bad)} rows cannot be used; mend them, or go on without them with data.on_bad_rows = "report":\n{shown}')
    for row in bad:
        logger.warning("left out %s", row)


def _hold_back(sources: Sequence[list[Group]], share: float, draw: random.Random) -> tuple[list[list[Group]], list[Group]]:
    """What is trained on and what is watched: `share` of each file's queries, with all of their rows, in whichever file they stand."""
    chosen: set[str] = set()
    for groups in sources:
        queries = list(dict.fromkeys(group.query for group in groups))
        rest = [query for query in queries if query not in chosen]
        chosen.update(draw.sample(rest, max(0, min(len(rest), round(len(queries) * share) - (len(queries) - len(rest))))))
    for groups in sources:
        if all(group.query in chosen for group in groups):  # something must be left to learn from
            chosen.discard(groups[0].query)
    dev = [group for groups in sources for group in groups if group.query in chosen]
    return [[group for group in groups if group.query not in chosen] for groups in sources], dev


def _refuse_overlap(sources: Sequence[Sequence[Group]], dev: Sequence[Group]) -> None:
    """A dev query that is trained on measures memory."""
    watched = {group.query for group in dev}
    both = sum(group.query in watched for groups in sources for group in groups)
    if both:
        logger.warning("%d training queries are dev queries too; what is measured on them is memory", both)

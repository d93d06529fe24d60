"""The files of a run as lists of groups, dev groups held apart, bad rows reported."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .rows import BadRow, Group, read_groups
from .settings import DataConfig, TrainConfig

__all__ = ["Data", "load_data"]

logger = logging.getLogger("adjudge")

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is learned from and what is watched."""

    sources: tuple[tuple[Group, ...], ...]  # one for each training file
    shares: tuple[float, ...]  # of a step's groups, sum 1
    dev: tuple[Group, ...]
    bad: tuple[BadRow, ...]


def load_data(config: TrainConfig) -> Data:
    """Read every file. Raises InputError for one that is empty or, unless `on_bad_rows` is "report", holds a bad row."""
    settings = config.data
    bad: list[BadRow] = []
    sources = [_read(path, settings, bad) for path in settings.train]
    dev = [group for path in settings.dev for group in _read(path, settings, bad)]
    if bad:
        _report(bad, raising=settings.on_bad_rows == "raise")
    if not dev and settings.dev_share:
        draw = random.Random(config.run.seed)
        sources = [_split(groups, settings.dev_share, draw, dev) for groups in sources]
    _refuse_overlap(sources, dev)
    sizes = [len(groups) for groups in sources]
    weights = settings.shares if settings.shares else [float(size) for size in sizes]
    shares = tuple(weight / sum(weights) for weight in weights)
    return Data(sources=tuple(map(tuple, sources)), shares=shares, dev=tuple(dev), bad=tuple(bad))


def _read(path: Path, settings: DataConfig, bad: list[BadRow]) -> list[Group]:
    rows = read_groups(path, best_grade=settings.best_grade)
    bad.extend(rows.bad)
    if not rows.groups:
        raise InputError(f"{path} holds no usable row{''.join(f'; {b}' for b in rows.bad[:3])}")
    return list(rows.groups)


def _report(bad: Sequence[BadRow], *, raising: bool) -> None:
    shown = "\n".join(map(str, bad[:_SHOWN])) + (f"\nand {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else "")
    if raising:
        raise InputError(f'{len(bad)} rows cannot be used; mend them, or go on without them with data.on_bad_rows = "report":\n{shown}')
    for row in bad:
        logger.warning("left out %s", row)


def _split(groups: list[Group], share: float, draw: random.Random, dev: list[Group]) -> list[Group]:
    chosen = set(draw.sample(range(len(groups)), min(len(groups) - 1, round(len(groups) * share))))
    dev.extend(groups[i] for i in sorted(chosen))
    return [group for i, group in enumerate(groups) if i not in chosen]


def _refuse_overlap(sources: Sequence[Sequence[Group]], dev: Sequence[Group]) -> None:
    """A dev query that is trained on measures memory."""
    watched = {group.query for group in dev}
    both = sum(group.query in watched for groups in sources for group in groups)
    if both:
        logger.warning("%d training queries are dev queries too; what is measured on them is memory", both)

"""What a run would do, worked out without torch: the data as it would be fed, and how much of it there is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..config import SourceConfig
from ..engine.cut import CutDocument
from ..engine.encode import QUERY_SHARE, Encoder
from ..engine.tokenise import Tokeniser
from ..errors import HubError
from ..models.load import load_model
from .data import Data, Files, arrange, read_files
from .feed import Feed
from .measure import usable
from .rows import BadRow, Item, Rows
from .settings import LossConfig, TrainConfig

__all__ = ["FileFacts", "Survey", "Tokens", "survey"]

_PAIRS = 2000
"""So many pairs are tokenised for the estimate, or those of one step where that has more: a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What one file holds."""

    path: Path
    use: Literal["train", "dev"]
    groups: int
    passages: int
    alone: int  # groups of one passage: the ranking losses learn nothing from them
    languages: Mapping[str, int]  # groups by the `lang` of their row; empty where no row has one
    held_back: int  # groups that data.dev_share takes from this file to measure with
    share: float  # of the groups of a step; 0 for a dev file
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens as the base model counts them, over the first steps of the run."""

    per_step: float
    steps_read: int
    cut: float  # share of the pairs that are longer than model.max_length, so that a part is not seen
    max_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a run would do."""

    files: tuple[FileFacts, ...]
    dev: int  # groups that can be measured with: two passages of different grades at least
    groups_per_step: int
    steps: int | None  # None where a training file holds no group at all
    epoch_steps: int | None
    tokens: Tokens | None  # None where the base model is not on this machine, or has no head yet
    notes: tuple[str, ...]

    @property
    def bad(self) -> tuple[BadRow, ...]:
        """The rows that cannot be used, of all files."""
        return tuple(row for file in self.files for row in file.bad)


def survey(config: TrainConfig) -> Survey:
    """Read every file to its end, whatever is wrong with its rows, and count. Nothing is written, downloaded or trained.

    Raises InputError where a file cannot be read, ModelError where the base is no model.
    """
    files = read_files(config.data)
    if not all(rows.groups for rows in files.train):
        return _describe(config, files, None, None, None, ())
    data = arrange(files, config)
    feed = Feed(data.sources, data.shares, config.run.groups_per_step, config.run.seed, config.data.passages)
    tokens, notes = _tokens(config, feed)
    return _describe(config, files, data, feed, tokens, (*notes, *_idle(config.loss, files)))


def _describe(
    config: TrainConfig, files: Files, data: Data | None, feed: Feed | None, tokens: Tokens | None, notes: tuple[str, ...]
) -> Survey:
    settings = config.data
    facts = []
    for number, (path, rows) in enumerate(zip(settings.train, files.train, strict=True)):
        held_back = 0 if data is None else len(rows.groups) - len(data.sources[number])
        facts.append(_facts(path, rows, "train", held_back=held_back, share=0.0 if data is None else data.shares[number]))
    facts += [_facts(path, rows, "dev") for path, rows in zip(settings.dev, files.dev, strict=True)]
    return Survey(
        files=tuple(facts),
        dev=0 if data is None else len(usable(data.dev)),
        groups_per_step=config.run.groups_per_step,
        steps=None if feed is None else config.run.planned_steps(feed.epoch_steps),
        epoch_steps=None if feed is None else feed.epoch_steps,
        tokens=tokens,
        notes=notes,
    )


def _facts(path: Path, rows: Rows, use: Literal["train", "dev"], *, held_back: int = 0, share: float = 0.0) -> FileFacts:
    groups = rows.groups
    return FileFacts(
        path=path,
        use=use,
        groups=len(groups),
        passages=sum(len(group.items) for group in groups),
        alone=sum(len(group.items) == 1 for group in groups),
        languages=dict(Counter(group.lang for group in groups if group.lang).most_common()),
        held_back=held_back,
        share=share,
        bad=rows.bad,
    )


def _tokens(config: TrainConfig, feed: Feed) -> tuple[Tokens | None, tuple[str, ...]]:
    model = config.model
    if model.new_head:
        return None, ("tokens are not counted for a body that has no head yet (model.new_head)",)
    try:
        found = load_model(model.base, SourceConfig(revision=model.revision, local_files_only=True))
    except HubError:
        base = model.base
        return None, (f"{base} is not on this machine yet, so its tokens are not counted; adjudge models pull {base} fetches it",)
    max_length = min(model.max_length, found.max_length)
    encoder = Encoder(Tokeniser(found), max_length)
    cut = CutDocument(max_length=max_length, max_query=int(max_length * QUERY_SHARE))
    lengths: list[int] = []
    unseen = steps_read = 0
    while len(lengths) < _PAIRS and steps_read < config.run.planned_steps(feed.epoch_steps):
        pairs = [(group.query, item.text) for group in feed.step(steps_read) for item in group.items]
        for encoded in encoder.encode_cut(pairs, cut):
            lengths.append(len(encoded.pairs[0].ids))
            unseen += encoded.tokens_unseen + encoded.query_tokens_unseen > 0
        steps_read += 1
    return Tokens(per_step=sum(lengths) / steps_read, steps_read=steps_read, cut=unseen / len(lengths), max_length=max_length), ()


def _idle(loss: LossConfig, files: Files) -> Iterator[str]:
    """Losses with a weight for which the training files hold nothing."""
    items = [item for rows in files.train for group in rows.groups for item in group.items]
    graded = any(item.grade is not None or item.aspects.coverage is not None for item in items)
    scored = any(item.teacher is not None for item in items)
    for names, present, lacking in (
        (("listwise", "pairwise", "pointwise", "lambda_rank"), graded, "grade"),
        (("margin_mse", "kl"), scored, "teacher's score"),
        (("aspects",), _any_aspect(items), "coverage, contradiction or terminology"),
    ):
        for name in names:
            if getattr(loss, name) and not present:
                yield f"loss.{name} has the weight {getattr(loss, name):g}, but no training passage carries a {lacking}: it teaches nothing"


def _any_aspect(items: Sequence[Item]) -> bool:
    return not all(math.isnan(value) for item in items for value in item.aspects.values())

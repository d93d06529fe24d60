"""The training loop: plain on purpose.

Why not sentence-transformers' CrossEncoderTrainer: it has no place for auxiliary heads or for a head that is no linear layer, pads what
need not be padded, and brings a dataset library and a trainer of thousands of lines for a hundred here. The losses are the same formulas.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..progress import show_progress
from .data import load_data
from .feed import Feed
from .finish import finish, keep_best
from .outcome import Outcome
from .settings import TrainConfig
from .trainer import Trainer

__all__ = ["run_to_end", "train"]

logger = logging.getLogger("adjudge")


def train(config: TrainConfig, *, progress: bool = False) -> Outcome:
    """Run to the end, from the checkpoint in the output folder where there is one.

    Raises InputError for data that cannot be used, ModelError for the base, TrainingError when the loss is no number.
    """
    data = load_data(config)
    feed = Feed(data.sources, data.shares, config.run.groups_per_step, config.run.seed, config.data.passages)
    return run_to_end(Trainer(config, feed, data.dev), progress=progress)


def run_to_end(trainer: Trainer, *, progress: bool = False) -> Outcome:
    """Steps, evaluations and checkpoints until the last step, or until the scores collapse."""
    if not progress:
        return _run(trainer, lambda _done, _total: None)
    with show_progress(trainer.steps, label="training", unit="steps") as report:
        return _run(trainer, report)


def _run(trainer: Trainer, report: Callable[[int, int], None]) -> Outcome:
    run = trainer.config.run
    collapsed = False
    if trainer.step == 0 and trainer.dev:
        trainer.history.add(trainer.evaluate())
    while trainer.step < trainer.steps and not collapsed:
        trainer.history.add(trainer.run_step())
        report(trainer.step, trainer.steps)
        last = trainer.step == trainer.steps
        if trainer.dev and (last or trainer.step % run.evaluate_every == 0):
            found = trainer.evaluate()
            trainer.history.add(found)
            logger.info("step %d of %d: nDCG@10 %.4f on the dev groups", trainer.step, trainer.steps, found.measures["nDCG@10"])
            collapsed = found.spread < run.collapse
            if not collapsed:
                keep_best(trainer, found)
        if last or collapsed or trainer.step % run.save_every == 0:
            trainer.save()
    return finish(trainer, collapsed=collapsed)

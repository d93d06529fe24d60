"""The training loop: plain on purpose.

Why not sentence-transformers' CrossEncoderTrainer: it has no place for auxiliary heads or for a head that is no linear layer, pads what
need not be padded, and brings a dataset library and a trainer of thousands of lines for a hundred here. The losses are the same formulas.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..progress import show_progress
from .data import load_data
from .device import explain_memory
from .extra import require_extra
from .feed import Feed
from .finish import finish, keep_best
from .outcome import Outcome
from .settings import TrainConfig
from .trainer import Trainer

__all__ = ["prepare", "run_to_end", "train"]

logger = logging.getLogger("adjudge")

_COLLAPSED = (
    "the scores collapsed: at step %d those of the dev groups spread by %.2g, less than run.collapse=%g, so training stops. "
    "Lower optimiser.learning_rate, and see whether the labels tell passages apart"
)


def train(config: TrainConfig, *, progress: bool = False) -> Outcome:
    """Run to the end, from the checkpoint in the output folder where there is one.

    Raises MissingExtraError for a package of the extra "train", InputError for data that cannot be used, ModelError for the base,
    TrainingError when the loss is no number, BackendMemoryError when memory runs out.
    """
    return run_to_end(prepare(config), progress=progress)


def prepare(config: TrainConfig) -> Trainer:
    """Read the data, load the model and, where the output folder holds a checkpoint, be where that was. See train() for errors."""
    require_extra(config)
    data = load_data(config)
    feed = Feed(data.sources, data.shares, config.run.groups_per_step, config.run.seed, config.data.passages)
    with explain_memory(config):
        return Trainer(config, feed, data.dev)


def run_to_end(trainer: Trainer, *, progress: bool = False, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Steps, evaluations and checkpoints until the last step, until the scores collapse, or until `stop` says True.

    `stop` is asked after each step; the run then leaves a checkpoint, so that it can be gone on with later.
    """
    with explain_memory(trainer.config):
        if not progress:
            return _run(trainer, lambda _done, _total: None, stop)
        with show_progress(trainer.steps, label="training", unit="steps") as report:
            report(trainer.step, trainer.steps)
            return _run(trainer, report, stop)


def _run(trainer: Trainer, report: Callable[[int, int], None], stop: Callable[[], bool]) -> Outcome:
    run = trainer.config.run
    collapsed = stopped = False
    if trainer.dev and not trainer.history.evaluations:
        _measure_beginning(trainer)
    while trainer.step < trainer.steps and not collapsed and not stopped:
        trainer.history.add(trainer.run_step())
        report(trainer.step, trainer.steps)
        last = trainer.step == trainer.steps
        if trainer.dev and (last or trainer.step % run.evaluate_every == 0):
            found = trainer.evaluate()
            trainer.history.add(found)
            logger.info("step %d of %d: nDCG@10 %.4f on the dev groups", trainer.step, trainer.steps, found.measures["nDCG@10"])
            collapsed = not found.spread >= run.collapse  # NaN is no spread either
            if collapsed:
                logger.warning(_COLLAPSED, trainer.step, found.spread, run.collapse)
            else:
                keep_best(trainer, found)
        stopped = stop()
        if last or collapsed or stopped or trainer.step % run.save_every == 0:
            trainer.save()
    return finish(trainer, collapsed=collapsed)


def _measure_beginning(trainer: Trainer) -> None:
    """The base is measured and never kept; what a run goes on from, with other dev groups than before, is a candidate too."""
    found = trainer.evaluate()
    trainer.history.add(found)
    if trainer.step:
        keep_best(trainer, found)

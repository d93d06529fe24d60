"""What a training run came to, as one value for the table and for JSON."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..train.checkpoint import CHECKPOINT
from ..train.device import resolve_precision
from ..train.outcome import Outcome
from ..train.settings import TrainConfig
from ..train.survey import Survey
from ..train.trainer import Trainer

__all__ = ["Report", "has_checkpoint", "report_object", "resume_note", "survey_object"]

logger = logging.getLogger("adjudge.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One call of the command."""

    trainer: Trainer
    outcome: Outcome
    began: int  # the step this call began at; above 0 where it went on from a checkpoint

    @property
    def ended(self) -> Literal["finished", "stopped", "collapsed"]:
        """How."""
        if self.outcome.collapsed:
            return "collapsed"
        return "finished" if self.outcome.steps >= self.trainer.steps else "stopped"

    @property
    def idle(self) -> bool:
        """Whether there was nothing left to do."""
        return self.began >= self.trainer.steps

    @property
    def has_model(self) -> bool:
        """Whether a model was left."""
        return self.outcome.left

    def collapse_message(self) -> str:
        """Why a run whose scores became one value was stopped, and what to do."""
        run = self.trainer.config.run
        spread = self.trainer.history.evaluations[-1].spread
        kept = f" The best model before that is in {self.outcome.folder}." if self.has_model else ""
        return (
            f"training was stopped at step {self.outcome.steps}: the scores have become one value (their standard deviation is "
            f"{spread:.2g}, and run.collapse is {run.collapse:g}). Lower optimiser.learning_rate or raise optimiser.warmup, and give "
            f"the next run another output folder.{kept}"
        )


def resume_note(trainer: Trainer) -> None:
    """After Ctrl-C: where the same command goes on."""
    if trainer.saved:
        logger.warning("stopped; the same command goes on from the checkpoint of step %d of %d", trainer.saved, trainer.steps)
    else:
        logger.warning("stopped before the first checkpoint; the same command begins anew")


def report_object(report: Report, config: Path) -> dict[str, Any]:
    """Everything, for --json."""
    trainer, outcome = report.trainer, report.outcome
    return {
        "config": config,
        "base": trainer.config.model.base,
        "output": trainer.config.run.output,
        "folder": outcome.folder if report.has_model else None,
        "curves": outcome.curves,
        "ended": report.ended,
        "steps": outcome.steps,
        "planned_steps": trainer.steps,
        "resumed_at": report.began if report.began else None,
        "groups": sum(map(len, trainer.feed.sources)),
        "dev_groups": len(trainer.dev),
        "tokens": outcome.tokens,
        "seconds": outcome.seconds,
        "before": None if outcome.first is None else outcome.first.to_json(),
        "best": None if outcome.best is None else outcome.best.to_json(),
        "device": str(trainer.device),
        "precision": resolve_precision(trainer.config.run.precision, trainer.device),
        "seed": trainer.config.run.seed,
    }


def survey_object(found: Survey, settings: TrainConfig) -> Mapping[str, Any]:
    """What a dry run found, for --json."""
    bad = [{"path": row.path, "line": row.line, "reason": row.reason} for row in found.bad]
    files = [{key: value for key, value in asdict(file).items() if key != "bad"} for file in found.files]
    run = {"base": settings.model.base, "output": settings.run.output, "resumes": has_checkpoint(settings)}
    return {**run, **asdict(found), "files": files, "bad": bad}


def has_checkpoint(settings: TrainConfig) -> bool:
    """Whether the output folder holds a run that would be gone on with."""
    return (settings.run.output / CHECKPOINT).is_file()

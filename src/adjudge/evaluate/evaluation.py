"""An evaluation from data to result, in one call."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from .assemble import MeasureConfig, assemble
from .dataset import Dataset
from .experiment import ExperimentConfig, Progress, run_experiment
from .measures import parse_measures
from .result import Evaluation, to_json

__all__ = ["evaluate", "write_evaluation"]


def evaluate(
    data: Dataset,
    experiment: ExperimentConfig,
    measures: MeasureConfig | None = None,
    *,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Run `experiment` on `data` and measure it. With `out`, the result is written there before the journal is taken away.

    With experiment.journal, a run that is killed goes on where it stopped when it is called again with the same arguments. Raises
    ConfigError, InputError, ModelError, BackendError or MissingExtraError, each saying what to do.
    """
    measures = MeasureConfig() if measures is None else measures
    parse_measures(measures.names(experiment.candidates), relevant_from=data.relevant_from)  # a wrong name is told before hours of work
    raw, journal = run_experiment(data, experiment, progress=progress)
    with journal:
        found = assemble(data, raw, experiment, measures)
        if out is not None:
            write_evaluation(found, out)
        journal.finish()
    return found


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write the file whole or not at all. Raises InputError where that cannot be done."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(to_json(evaluation), encoding="utf-8")
        fresh.replace(path)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror or exc}") from exc

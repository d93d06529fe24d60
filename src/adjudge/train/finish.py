"""What a run leaves behind: the best model, the curves, the card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoint import replace_folder
from .outcome import Evaluation, Outcome
from .student import MatchStudent, Student

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["best_folder", "finish", "keep_best", "plain", "save_student"]

BEST = "nDCG@10"


def best_folder(output: Path) -> Path:
    """Where a run with this output folder leaves its model."""
    return output / "best"


def keep_best(trainer: Trainer, found: Evaluation) -> None:
    """Save the model where `found` is the best evaluation so far."""
    if trainer.best is not None and found.measures[BEST] <= trainer.best.measures[BEST]:
        return
    trainer.best = found
    _save(trainer)


def _save(trainer: Trainer) -> None:
    output = trainer.config.run.output
    fresh = output / "best.new"
    shutil.rmtree(fresh, ignore_errors=True)
    save_student(trainer.student, fresh)
    replace_folder(fresh, best_folder(output))


def save_student(student: Student, folder: Path) -> None:
    """A folder that Reranker(folder) loads: in adjudge's own form, or as transformers writes it, with the auxiliary heads beside it."""
    if isinstance(student, MatchStudent):
        from .own_folder import save_own_folder

        save_own_folder(student, folder)
        return
    from .fresh import save_classifier

    save_classifier(student, folder)


def finish(trainer: Trainer, *, collapsed: bool) -> Outcome:
    """Draw the curves, write the card. Without dev groups the last state is the model."""
    from .card import write_card
    from .curves import draw_curves

    run = trainer.config.run
    if not trainer.dev:
        _save(trainer)
    curves = draw_curves(trainer.history, run.output / "curves.png")
    evaluations = trainer.history.evaluations
    outcome = Outcome(
        folder=best_folder(run.output),
        left=(trainer.best is not None or not trainer.dev) and best_folder(run.output).is_dir(),
        steps=trainer.step,
        tokens=trainer.tokens,
        seconds=trainer.seconds,
        best=trainer.best,
        first=evaluations[0] if evaluations else None,
        collapsed=collapsed,
        curves=curves,
    )
    if outcome.left:
        write_card(trainer, outcome)
    return outcome


def plain(value: Any) -> Any:
    """Settings as they go into a card: paths by their names only, since a folder's place says nothing to others."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value

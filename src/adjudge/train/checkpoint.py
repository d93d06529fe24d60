"""The state of a run on disk: written beside the old one and put in its place in one move, so that a kill leaves a whole one."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from ..errors import InputError
from .outcome import Evaluation, StepRecord

__all__ = ["CHECKPOINT", "History", "load_state", "read_history", "replace_folder", "save_state"]

CHECKPOINT = "checkpoint.pt"
_HISTORY = "history.jsonl"
_KEYS = {"step", "tokens", "seconds", "parameters", "optimiser", "scaler", "random", "best"}
"""What load_state() asks of a checkpoint before it hands it on."""


class History:
    """Steps and evaluations so far, one JSON line each, rewritten up to the step that a resumed run begins at."""

    def __init__(self, folder: Path, *, keep_until: int, measured: bool = True) -> None:
        """Open folder/history.jsonl; lines of steps after `keep_until` belong to work that was lost, and go. -1: all of them.

        `measured`: keep the evaluations too. Not those of other dev groups.
        """
        self._path = folder / _HISTORY
        self.steps, self.evaluations = read_history(folder)
        self.steps = [r for r in self.steps if r.step <= keep_until]
        self.evaluations = [e for e in self.evaluations if e.step <= keep_until and measured]
        lines = [_line("step", asdict(r)) for r in self.steps] + [_line("evaluation", e.to_json()) for e in self.evaluations]
        _replace(self._path, "".join(lines).encode())

    def add(self, record: StepRecord | Evaluation) -> None:
        """Append one."""
        if isinstance(record, Evaluation):
            self.evaluations.append(record)
            line = _line("evaluation", record.to_json())
        else:
            self.steps.append(record)
            line = _line("step", asdict(record))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)


def read_history(folder: Path) -> tuple[list[StepRecord], list[Evaluation]]:
    """What history.jsonl holds; a last line that a kill cut short is left out."""
    steps: list[StepRecord] = []
    evaluations: list[Evaluation] = []
    path = folder / _HISTORY
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        record = _record(line)
        if isinstance(record, StepRecord):
            steps.append(record)
        elif record is not None:
            evaluations.append(record)
    return steps, evaluations


def _record(line: bytes) -> StepRecord | Evaluation | None:
    """One line; None for what a kill left of one."""
    try:
        row = json.loads(line)
        kind = row.pop("kind")
        return StepRecord(**row) if kind == "step" else Evaluation(**row)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint whole or not at all."""
    import torch

    target = folder / CHECKPOINT
    fresh = target.with_suffix(".new")
    with fresh.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The checkpoint of an earlier start of this run, None where there is none. Raises InputError where it cannot be read."""
    import torch

    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)  # said of files that are no checkpoint
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, UnpicklingError) as exc:
        # torch's own words may advise to read it as code.
        raise InputError(f"{path} is damaged ({type(exc).__name__}); delete it to start this run anew") from exc
    if not isinstance(state, dict) or not state.keys() >= _KEYS:
        raise InputError(f"{path} is no checkpoint of adjudge; give the run another output folder")
    return state


def replace_folder(fresh: Path, target: Path) -> None:
    """Put the folder `fresh` where `target` is."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _line(kind: str, values: dict[str, Any]) -> str:
    return json.dumps({"kind": kind, **values}) + "\n"


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)

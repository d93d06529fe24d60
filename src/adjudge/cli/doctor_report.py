"""What `adjudge doctor` found, gathered so that one part's failure does not hide the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._version import __version__
from ..config import Options
from ..errors import AdjudgeError
from .exit_codes import OK, SELF_TEST, exit_code
from .installed import Extra, Hub, installed, look_at_hub
from .loading import load_options, open_reranker
from .machine import Machine, look_at_machine
from .self_test import Check, self_test

__all__ = ["Chosen", "Report", "as_object", "examine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A model, and what runs it here."""

    model: str
    revision: str
    folder: Path
    family: str
    layers: int
    hidden_size: int
    max_length: int
    stored_precision: str
    calibrated: bool
    backend: str
    device: str
    precision: str
    parallel: int  # forward passes at once
    notes: tuple[str, ...]
    load_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything. Either `chosen` or `model_problem`, either `checks` or `test_problem`."""

    machine: Machine
    installed: tuple[Extra, ...]
    hub: Hub
    chosen: Chosen | None
    model_problem: AdjudgeError | None
    checks: tuple[Check, ...]
    test_problem: AdjudgeError | None

    @property
    def exit_code(self) -> int:
        """The code of what failed first, or of a self-test that is off."""
        for problem in (self.model_problem, self.test_problem):
            if problem is not None:
                return exit_code(problem)
        return OK if all(check.ok for check in self.checks) else SELF_TEST

    @property
    def verdict(self) -> str:
        """In one sentence."""
        if self.model_problem is not None or self.test_problem is not None:
            return "not ready: see above"
        if self.exit_code == SELF_TEST:
            return "suspicious: scores differ from the golden ones; do not trust this installation"
        return "ok"


def examine(params: Mapping[str, Any], *, progress: bool) -> Report:
    """Look at the machine, load the model, compare golden scores. Takes seconds."""
    from ..reranker import engine_config

    options = load_options(params)
    source = engine_config(options).source  # a wrong option is the caller's mistake, and no finding
    chosen: Chosen | None = None
    checks: tuple[Check, ...] = ()
    model_problem: AdjudgeError | None = None
    test_problem: AdjudgeError | None = None
    try:
        chosen = _choose(params, progress=progress)
    except AdjudgeError as exc:
        model_problem = exc
    try:
        checks = tuple(self_test(_for_self_test(options)))
    except AdjudgeError as exc:
        test_problem = exc
    return Report(
        machine=look_at_machine(),
        installed=installed(),
        hub=look_at_hub(source),
        chosen=chosen,
        model_problem=model_problem,
        checks=checks,
        test_problem=test_problem,
    )


def as_object(report: Report) -> dict[str, Any]:
    """For JSON."""
    whole = {
        "adjudge": __version__,
        "machine": asdict(report.machine),
        "installed": [asdict(e) | {"missing": e.missing, "pip": e.pip} for e in report.installed],
        "hub": asdict(report.hub),
        "model": None if report.chosen is None else asdict(report.chosen),
        "model_problem": _problem(report.model_problem),
        "self_test": [asdict(check) for check in report.checks],
        "self_test_problem": _problem(report.test_problem),
    }
    return whole | {"ok": report.exit_code == OK, "verdict": report.verdict}


def _choose(params: Mapping[str, Any], *, progress: bool) -> Chosen:
    with open_reranker(params, progress=progress) as judge:
        model, traits = judge.model, judge.traits
        return Chosen(
            model=model.name,
            revision=model.revision,
            folder=model.folder,
            family=model.spec.model_type,
            layers=model.spec.layers,
            hidden_size=model.spec.hidden_size,
            max_length=judge.max_length,
            stored_precision=model.stored_precision,
            calibrated=model.calibration.fitted,
            backend=traits.backend,
            device=traits.device,
            precision=traits.precision,
            parallel=traits.parallel,
            notes=traits.notes,
            load_ms=judge.load_ms,
        )


def _for_self_test(options: Options) -> Options:
    """The same way of running, for the shipped model: backends that cannot run it leave the choice to adjudge."""
    if options.get("backend", "auto") in ("onnx", "fake"):
        return Options(threads=options.get("threads"))
    return Options(
        backend=options.get("backend", "auto"),
        device=options.get("device", "auto"),
        precision=options.get("precision", "auto"),
        threads=options.get("threads"),
    )


def _problem(error: AdjudgeError | None) -> dict[str, str] | None:
    return None if error is None else {"kind": type(error).__name__, "message": str(error)}

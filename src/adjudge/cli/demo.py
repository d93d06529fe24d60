"""`adjudge demo`: the keyword trap, on a real model, with whatever it says."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import console
from .json_text import to_json
from .options import BackendOption, JsonOption, ModelOption, PrecisionOption, progress_wanted

if TYPE_CHECKING:
    from .demo_run import Demo

__all__ = ["demo"]


def demo(
    model: ModelOption = "embedded",
    backend: BackendOption = "auto",
    precision: PrecisionOption = "auto",
    json: JsonOption = False,
) -> None:
    """Show the keyword trap: what vectors say beside what the judge says, on real cases in five languages.

    The options choose the judge; the vectors are those of the shipped bi-encoder. Every case is shown, also where a model is wrong.
    """
    from .demo_run import run_demo

    watched = progress_wanted(None, quiet=False)
    spinner = console.err().status("loading two models") if watched and model == "embedded" else nullcontext()
    with spinner:
        found = run_demo(model, {"backend": backend, "precision": precision, "progress": watched})
    if json:
        console.write(to_json(_record(found), indent=2))
        return
    from .demo_table import show_demo

    show_demo(found, console.out())


def _record(found: Demo) -> dict[str, Any]:
    """The demo as JSON: its values as they are, and the counts of the closing lines."""
    outcomes = found.outcomes
    counts = {
        "questions": len(outcomes),
        "vectors": {"first": sum(o.vectors.first for o in outcomes), "all_above": sum(o.vectors.all_above for o in outcomes)},
        "judge": {"first": sum(o.judge.first for o in outcomes), "all_above": sum(o.judge.all_above for o in outcomes)},
    }
    cases = [{**asdict(case), "outcomes": [asdict(outcome) for outcome in read]} for case, read in found.cases]
    return {**asdict(found), "cases": cases, "counts": counts}

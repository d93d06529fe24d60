"""From raw seconds and logits to the figures that are stored and shown."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .harness import Contestant
from .machine import describe_machine, file_stem

__all__ = ["RESULTS", "agreement", "peak_mib", "ratios", "spread", "summary", "write_results"]

AGREES = 0.95
RESULTS = Path(__file__).resolve().parent / "results"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(contestant: Contestant, pairs: int, reference: Sequence[float]) -> dict[str, Any]:
    """All that is known of one contestant, ready for JSON."""
    described: dict[str, Any] = {
        "label": contestant.system.label,
        "environment": contestant.system.environment or "adjudge",
        "options": dict(contestant.system.options),
    }
    if contestant.failure is not None:
        return {**described, "failure": contestant.failure}
    return {
        **described,
        "notes": contestant.notes,
        "seconds": contestant.seconds,
        "pairs_per_s": spread([pairs / seconds for seconds in contestant.seconds]),
        "start_s": spread(contestant.start_seconds),
        "others_busy_cores": spread(contestant.others_busy),
        "memory": {name: round(value, 1) for name, value in contestant.memory.items()},
        "agreement": agreement(contestant.logits, reference),
    }


def agreement(logits: Sequence[float], reference: Sequence[float]) -> dict[str, float]:
    """How far the logits are from the reference's, and whether they put the pairs in the same order."""
    found, wanted = np.asarray(logits, np.float64), np.asarray(reference, np.float64)
    difference = np.abs(found - wanted)
    return {
        "max_abs_difference": float(difference.max()),
        "mean_abs_difference": float(difference.mean()),
        "reference_standard_deviation": float(wanted.std()),
        "spearman": float(np.corrcoef(_ranks(found), _ranks(wanted))[0, 1]),
    }


def peak_mib(memory: dict[str, float]) -> float:
    """The most it ever took: of the accelerator's memory where it used one, else resident."""
    device = [memory[name] for name in memory if name.endswith("device_peak_mib")]
    return max(device or [memory[name] for name in memory if name.endswith("peak_rss_mib")])


def ratios(systems: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """{ours: {theirs: how many times faster we are, by medians}}.

    "st-best" is the fastest of sentence-transformers' backends; "st-best-agreeing" the fastest of those that order the pairs as the
    reference does (Spearman of AGREES at least).
    """
    measured = {name: found for name, found in systems.items() if "pairs_per_s" in found}
    rates = {name: found["pairs_per_s"]["median"] for name, found in measured.items()}
    theirs = {name: rate for name, rate in rates.items() if not name.startswith("adjudge")}
    backends = {name: rate for name, rate in theirs.items() if name.startswith("st-")}
    agreeing = [rate for name, rate in backends.items() if measured[name]["agreement"]["spearman"] >= AGREES]
    theirs.update({"st-best": max(backends.values())} if backends else {})
    theirs.update({"st-best-agreeing": max(agreeing)} if agreeing else {})
    ours = {name: rate for name, rate in rates.items() if name.startswith("adjudge")}
    return {name: {other: rate / against for other, against in theirs.items()} for name, rate in ours.items()}


def write_results(benchmark: str, content: dict[str, Any], *, out: Path | None) -> Path:
    """Write `content` with machine and time, to `out` or to results/BENCHMARK-MACHINE-DATE.json."""
    machine, now = describe_machine(), datetime.now(UTC)
    path = RESULTS / f"{benchmark}-{file_stem(machine)}-{now:%Y-%m-%d}.json" if out is None else out
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"benchmark": benchmark, "measured": f"{now:%Y-%m-%dT%H:%M:%SZ}", "machine": machine, **content}
    path.write_text(json.dumps(_rounded(whole), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for the smallest; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = last - (counts - 1) / 2.0
    return means[inverse]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None  # JSON has no NaN
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value

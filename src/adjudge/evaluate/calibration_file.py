"""calibration.json: what a calibration is kept as, and read from again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.calibration import Calibration
from .calibration import CalibrationReport

__all__ = ["facts_of", "write_calibration"]


def facts_of(report: CalibrationReport) -> dict[str, Any]:
    """What else is worth knowing of a calibration when the file is found years later."""
    half = report.measured_on
    return {
        "fitted_on_pairs": report.fitted_on.pairs,
        "measured_on_pairs": half.pairs,
        "relevant_share": round(half.relevant / half.pairs, 4),
        "expected_calibration_error_before": round(report.before.expected_error, 4),
        "expected_calibration_error_after": round(report.after.expected_error, 4),
        "auc": round(report.auc, 4),
        "separates": report.separates,
    }


def write_calibration(path: Path, calibration: Calibration, facts: Mapping[str, Any]) -> None:
    """Write the file whole or not at all; `facts` are kept beside what is read back."""
    rows = [json.dumps({"score": row.score, "precision": row.precision, "recall": row.recall}) for row in calibration.cutoffs]
    stored = {"temperature": calibration.temperature, "bias": calibration.bias, **facts}
    table = "[\n    " + ",\n    ".join(rows) + "\n  ]" if rows else "[]"  # a row a line: a person may want to look
    text = json.dumps(stored, ensure_ascii=False, indent=2).removesuffix("\n}") + f',\n  "cutoffs": {table}\n}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    fresh.write_text(text, encoding="utf-8", errors="backslashreplace")  # a file's name may hold half a character, which JSON escapes so
    fresh.replace(path)

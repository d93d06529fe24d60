"""What a calibration came to, as one value: for the screen, for JSON and for the file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..evaluate.calibration import CalibrationReport
from ..evaluate.calibration_file import facts_of, write_calibration

__all__ = ["Calibrated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One call of the command."""

    report: CalibrationReport
    model: str
    revision: str
    runtime: str  # "openvino cpu int8": scores of another precision differ a little
    calibrated_before: bool  # whether the model brought a calibration, which "before" then means
    data: tuple[str, ...]

    def write(self, target: Path) -> None:
        """Keep it."""
        origin = {"model": self.model, "revision": self.revision, "runtime": self.runtime, "data": list(self.data)}
        write_calibration(target, self.report.calibration, {**origin, **facts_of(self.report)})

    def draw(self, picture: Path) -> None:
        """Keep the picture."""
        from ..evaluate.reliability import draw_reliability

        draw_reliability(self.report, picture, title=f"{self.model} on {', '.join(self.data)}")

    def fields(self, target: Path | None, picture: Path | None) -> dict[str, Any]:
        """For JSON."""
        whole = asdict(self.report)
        calibration = whole.pop("calibration")
        return {
            "model": self.model,
            "revision": self.revision,
            "runtime": self.runtime,
            "data": self.data,
            "temperature": calibration["temperature"],
            "bias": calibration["bias"],
            "calibrated_before": self.calibrated_before,
            "separates": self.report.separates,
            **whole,
            "cutoffs": calibration["cutoffs"],
            "file": target,
            "picture": picture,
        }

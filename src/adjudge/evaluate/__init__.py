"""Evaluation: what a model's scores are worth on labelled data."""

from __future__ import annotations

from .calibration import CalibrationReport, calibrate
from .data import Labelled, LabelledPairs, ReadConfig, read_labelled

__all__ = ["CalibrationReport", "Labelled", "LabelledPairs", "ReadConfig", "calibrate", "read_labelled"]

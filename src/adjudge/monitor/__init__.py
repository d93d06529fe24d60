"""Monitoring: is the distribution of scores still the one that the model was tried on?"""

from __future__ import annotations

from .compare import Comparison, Limits, compare
from .drift import DriftMonitor, DriftState, QuantityState
from .drift_config import DriftConfig
from .quantities import Quantity, Tally, measure, scores_of
from .reference import Origin, Reference, make_reference
from .reference_file import load_reference, write_reference
from .sketch import ScoreSketch

__all__ = [
    "Comparison",
    "DriftConfig",
    "DriftMonitor",
    "DriftState",
    "Limits",
    "Origin",
    "Quantity",
    "QuantityState",
    "Reference",
    "ScoreSketch",
    "Tally",
    "compare",
    "load_reference",
    "make_reference",
    "measure",
    "scores_of",
    "write_reference",
]

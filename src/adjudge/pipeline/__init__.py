"""Search in two stages: find many, judge them, keep those that answer."""

from __future__ import annotations

from .config import PipelineConfig
from .fusing import RankFusion
from .pipeline import Pipeline
from .result import Hit, PipelineResult
from .tune import TuneConfig
from .tuning import Comparison, Trial, Tuning

__all__ = ["Comparison", "Hit", "Pipeline", "PipelineConfig", "PipelineResult", "RankFusion", "Trial", "TuneConfig", "Tuning"]

"""Evaluation: what a model's scores are worth on labelled data, and whether reranking helps there."""

from __future__ import annotations

from .assemble import MeasureConfig
from .calibration import CalibrationReport, calibrate
from .data import Labelled, LabelledPairs, ReadConfig, read_labelled
from .dataset import Dataset, DatasetConfig, read_dataset
from .evaluation import evaluate
from .experiment import ExperimentConfig
from .peers import RerankerSpec, parse_reranker
from .result import Evaluation, from_json, load_evaluation, to_json

__all__ = [
    "CalibrationReport",
    "Dataset",
    "DatasetConfig",
    "Evaluation",
    "ExperimentConfig",
    "Labelled",
    "LabelledPairs",
    "MeasureConfig",
    "ReadConfig",
    "RerankerSpec",
    "calibrate",
    "evaluate",
    "from_json",
    "load_evaluation",
    "parse_reranker",
    "read_dataset",
    "read_labelled",
    "to_json",
]

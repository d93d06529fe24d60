"""Settings of a pipeline, checked when they are built."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import WindowConfig
from ..engine.thresholds import Threshold, check_scale, parse_threshold
from ..errors import ConfigError
from .fusing import RankFusion, parse_fusion

__all__ = ["PipelineConfig", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineConfig:
    """How many are found, how many are kept, and what is good enough."""

    candidates: int = 100  # documents the first stage brings back
    top_n: int | None = 5  # results that are kept; None: all, 0: none
    threshold: float | str | Threshold | None = None  # as in Reranker.rank: 0.3, "dynamic", ...; becomes a Threshold
    headings: bool = True  # the judge reads the headings above a passage too, which an index keeps as metadata
    windows: WindowConfig | None = None  # how long documents are judged; None: the reranker's own setting
    budget_ms: float | None = None  # of a reranker with a `first` judge; None: its own
    fusion: float | RankFusion | None = None  # weight of the first stage's order beside the judge's; None: the judge's alone

    def __post_init__(self) -> None:
        whole("candidates", self.candidates, least=1)
        if self.top_n is not None:
            whole("top_n", self.top_n, least=0)
        threshold = parse_threshold(self.threshold)
        check_scale(threshold, normalize=True)
        object.__setattr__(self, "threshold", threshold)
        object.__setattr__(self, "fusion", parse_fusion(self.fusion))
        if not isinstance(self.headings, bool):
            raise ConfigError(f"headings must be True or False, not {self.headings!r}")
        if not isinstance(self.windows, WindowConfig | None):
            raise ConfigError(f"windows must be a WindowConfig or None, not {self.windows!r}")


def whole(name: str, value: object, *, least: int) -> None:
    """Raise ConfigError unless `value` is a whole number of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number of {least} or more, not {value!r}")

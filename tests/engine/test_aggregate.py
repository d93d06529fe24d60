"""From windows to the document: each rule against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.config import Aggregation, WindowConfig
from adjudge.engine.aggregate import aggregate

LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40).map(lambda values: np.array(values, np.float32))
RULES: tuple[Aggregation, ...] = ("max", "mean", "first", "top_k_mean")


@given(LOGITS, st.integers(1, 50))
def test_formulas(logits: np.ndarray, top_k: int) -> None:
    def joined(rule: Aggregation) -> float:
        return aggregate(logits, WindowConfig(aggregation=rule, top_k=top_k)).logit

    exact = sorted((float(x) for x in logits), reverse=True)
    assert joined("max") == exact[0]
    assert joined("first") == float(logits[0])
    assert joined("mean") == pytest.approx(sum(exact) / len(exact), abs=1e-4)
    assert joined("top_k_mean") == pytest.approx(sum(exact[:top_k]) / len(exact[:top_k]), abs=1e-4)


@given(LOGITS)
def test_rules_are_ordered(logits: np.ndarray) -> None:
    top, some, every = (aggregate(logits, WindowConfig(aggregation=rule, top_k=2)).logit for rule in ("max", "top_k_mean", "mean"))
    assert top >= some - 1e-4
    assert some >= every - 1e-4


@given(st.floats(-30, 30, width=32), st.sampled_from(RULES))
def test_one_window_is_itself(logit: float, rule: Aggregation) -> None:
    joined = aggregate(np.array([logit], np.float32), WindowConfig(aggregation=rule))
    assert (joined.logit, joined.window) == (logit, 0)


@pytest.mark.parametrize("rule", RULES)
def test_of_equal_windows_the_earliest_speaks(rule: Aggregation) -> None:
    logits = np.array([1.0, 5.0, 5.0, 0.0], np.float32)
    assert aggregate(logits, WindowConfig(aggregation=rule)).window == (0 if rule == "first" else 1)


@pytest.mark.parametrize("rule", RULES)
def test_windows_beyond_saturation_still_count(rule: Aggregation) -> None:
    weaker, stronger = np.array([30.0, 30.0], np.float32), np.array([40.0, 40.0], np.float32)
    config = WindowConfig(aggregation=rule)
    assert aggregate(stronger, config).logit > aggregate(weaker, config).logit


@given(LOGITS)
def test_top_k_of_one_is_the_best(logits: np.ndarray) -> None:
    assert aggregate(logits, WindowConfig(aggregation="top_k_mean", top_k=1)).logit == float(logits.max())

"""From windows to the document: each rule against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjudge.config import Aggregation, WindowConfig
from adjudge.engine.aggregate import aggregate
from adjudge.errors import ConfigError

LOGITS = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40).map(lambda values: np.array(values, np.float32))
RULES: tuple[Aggregation, ...] = ("max", "mean", "first", "top_k_mean")
IMPORTANCE = WindowConfig(aggregation="importance")
PAIRS = st.lists(st.tuples(st.floats(-30, 30, width=32), st.floats(-30, 30, width=32)), min_size=1, max_size=40).map(
    lambda pairs: np.array(pairs, np.float32)
)


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


@given(PAIRS, st.floats(0.05, 20))
def test_importance_is_its_formula(pairs: np.ndarray, temperature: float) -> None:
    logits, intents = pairs[:, 0], pairs[:, 1]
    weights = np.exp((intents.astype(np.float64) - intents.max()) / temperature)
    weights /= weights.sum()
    joined = aggregate(logits, WindowConfig(aggregation="importance", temperature=temperature), lambda: intents)
    assert joined.logit == pytest.approx(float((weights * logits).sum()), abs=1e-4)
    assert intents[joined.window] == pytest.approx(intents.max(), abs=1e-6)


@given(PAIRS)
def test_importance_lies_between_the_worst_and_the_best_window(pairs: np.ndarray) -> None:
    joined = aggregate(pairs[:, 0], IMPORTANCE, lambda: pairs[:, 1])
    assert pairs[:, 0].min() - 1e-4 <= joined.logit <= pairs[:, 0].max() + 1e-4


@given(LOGITS)
def test_importance_with_equal_intents_is_the_mean(logits: np.ndarray) -> None:
    equal = aggregate(logits, IMPORTANCE, lambda: np.full(len(logits), 3.0, np.float32))
    assert equal.logit == pytest.approx(aggregate(logits, WindowConfig(aggregation="mean")).logit, abs=1e-4)


@given(PAIRS)
def test_a_tiny_temperature_trusts_one_window_and_a_huge_one_all_alike(pairs: np.ndarray) -> None:
    logits, intents = pairs[:, 0], np.arange(len(pairs), dtype=np.float32)
    cold = aggregate(logits, WindowConfig(aggregation="importance", temperature=1e-300), lambda: intents)
    assert (cold.logit, cold.window) == (float(logits[-1]), len(pairs) - 1)
    warm = aggregate(logits, WindowConfig(aggregation="importance", temperature=1e9), lambda: intents)
    assert warm.logit == pytest.approx(float(logits.mean(dtype=np.float64)), abs=1e-4)


def test_one_window_needs_no_intent() -> None:
    assert aggregate(np.array([2.5], np.float32), IMPORTANCE).logit == 2.5


def test_importance_without_intents_is_an_error_and_not_another_rule() -> None:
    with pytest.raises(ConfigError, match="importance"):
        aggregate(np.array([1.0, 2.0], np.float32), IMPORTANCE)


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf"), "1", True, None])
def test_a_temperature_is_a_number_above_zero(temperature: object) -> None:
    with pytest.raises(ConfigError, match="temperature"):
        WindowConfig(aggregation="importance", temperature=temperature)  # type: ignore[arg-type]
